build-clang/tests/oracle/utf8.o: tests/oracle/utf8.c tests/oracle/utf8.h

tests/oracle/utf8.h:
