build-clang/src/base/base64.o: src/base/base64.c src/base/bytes.h \
  include/wick/base.h

src/base/bytes.h:

include/wick/base.h:
