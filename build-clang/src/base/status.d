build-clang/src/base/status.o: src/base/status.c include/wick/base.h

include/wick/base.h:
