build-clang/tests/lib/test.o: tests/lib/test.c tests/lib/test.h

tests/lib/test.h:
