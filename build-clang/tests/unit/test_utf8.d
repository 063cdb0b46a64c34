build-clang/tests/unit/test_utf8.o: tests/unit/test_utf8.c \
  src/base/bytes.h src/base/kernels.h include/wick/base.h \
  tests/lib/test.h tests/oracle/mask.h tests/oracle/utf8.h

src/base/bytes.h:

src/base/kernels.h:

include/wick/base.h:

tests/lib/test.h:

tests/oracle/mask.h:

tests/oracle/utf8.h:
