# wick: build, test, install. `make help` lists the targets.
#
# CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PREFIX and DESTDIR are yours; what the project needs is in variables of its own.

CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
PKG_CONFIG ?= pkg-config
B ?= build

version_of = $(shell sed -n 's/^.define WICK_VERSION_$(1) //p' include/wick/base.h)
MAJOR := $(call version_of,MAJOR)
VERSION := $(MAJOR).$(call version_of,MINOR).$(call version_of,PATCH)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wcast-qual -Wundef
ifdef WERROR
WARN += -Werror
endif
DEFS := $(if $(WICK_NO_SIMD),-DWICK_NO_SIMD)
LIB_FLAGS := -std=c99 $(WARN) $(DEFS) -fPIC -fvisibility=hidden -Iinclude -Isrc
HOST_FLAGS := -std=gnu99 -D_GNU_SOURCE $(WARN) $(DEFS) -Iinclude -Iexamples
TEST_FLAGS := -std=gnu99 -D_GNU_SOURCE $(WARN) $(DEFS) -Iinclude -Isrc -Iexamples -Itests -I.
DEP = -MMD -MP

LIB_SRC := $(wildcard src/*/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o)
LIB := $B/libwick.a
SO := $B/libwick.so.$(MAJOR)

# A program is examples/NAME.c or all of examples/NAME/*.c, with everything in examples/lib.
PROGRAMS := $(foreach p,echo_server agent_server wick,$(if $(wildcard examples/$(p).c examples/$(p)/*.c),$(p)))
HOST_LIB_OBJ := $(patsubst %.c,$B/%.o,$(wildcard examples/lib/*.c))
BIN := $(PROGRAMS:%=$B/bin/%)

UNIT := $(patsubst tests/unit/%.c,$B/tests/unit/%,$(wildcard tests/unit/*.c))
TEST_LIB_OBJ := $(patsubst %.c,$B/%.o,$(wildcard tests/lib/*.c tests/oracle/*.c))

all: $(LIB) $(SO) $(BIN) ## build the library and the programs

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIB_OBJ)

$(SO): $(LIB_OBJ)
	$(CC) -shared -Wl,-soname,libwick.so.$(MAJOR) $(CFLAGS) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LDLIBS)
	@ln -sf libwick.so.$(MAJOR) $B/libwick.so

$B/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(LIB_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

$B/examples/%.o: examples/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

$B/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

define program
$B/bin/$(1): $(patsubst %.c,$B/%.o,$(wildcard examples/$(1).c examples/$(1)/*.c)) $$(HOST_LIB_OBJ) $$(LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(UNIT): $B/tests/unit/%: $B/tests/unit/%.o $(TEST_LIB_OBJ) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

run: all ## build everything and serve the agent page on http://127.0.0.1:8080/
	$B/bin/agent_server --port 8080

test: all $(UNIT) ## build and pass every test that this machine can run
	@CC="$(CC)" B="$B" sh tests/run.sh $(UNIT)

clean: ## remove everything built
	rm -rf $B

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST)

.PHONY: all run test clean help
-include $(shell find $B -name '*.d' 2>/dev/null)
