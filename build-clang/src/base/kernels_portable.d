build-clang/src/base/kernels_portable.o: src/base/kernels_portable.c \
  src/base/bytes.h src/base/kernels.h include/wick/base.h \
  src/base/utf8.h

src/base/bytes.h:

src/base/kernels.h:

include/wick/base.h:

src/base/utf8.h:
