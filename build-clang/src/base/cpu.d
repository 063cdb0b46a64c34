build-clang/src/base/cpu.o: src/base/cpu.c src/base/kernels.h \
  src/base/bytes.h include/wick/base.h

src/base/kernels.h:

src/base/bytes.h:

include/wick/base.h:
