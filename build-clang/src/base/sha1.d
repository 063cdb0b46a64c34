build-clang/src/base/sha1.o: src/base/sha1.c src/base/sha1.h \
  src/base/bytes.h include/wick/base.h

src/base/sha1.h:

src/base/bytes.h:

include/wick/base.h:
