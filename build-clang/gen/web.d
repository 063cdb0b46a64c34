build-clang/gen/web.o: build-clang/gen/web.c examples/tools/embed.h

examples/tools/embed.h:
