build-clang/src/base/kernels_avx2.o: src/base/kernels_avx2.c \
  src/base/kernels.h src/base/bytes.h include/wick/base.h \
  src/base/utf8.h

src/base/kernels.h:

src/base/bytes.h:

include/wick/base.h:

src/base/utf8.h:
