build-clang/tests/oracle/mask.o: tests/oracle/mask.c tests/oracle/mask.h

tests/oracle/mask.h:
