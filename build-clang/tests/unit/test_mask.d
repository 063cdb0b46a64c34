build-clang/tests/unit/test_mask.o: tests/unit/test_mask.c \
  src/base/bytes.h src/base/kernels.h include/wick/base.h \
  tests/lib/test.h tests/oracle/mask.h

src/base/bytes.h:

src/base/kernels.h:

include/wick/base.h:

tests/lib/test.h:

tests/oracle/mask.h:
