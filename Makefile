# wick: build, test, install. `make help` lists the targets.
#
# CC, AR, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PREFIX and DESTDIR are yours: nothing here writes to them. What the project
# needs is in variables of its own. Files are found by wildcard, so that a new source, test, benchmark or fuzz target
# needs no line here. B is the build folder: `make B=build/asan CFLAGS=...` keeps a variant beside the default build.

CC ?= cc
AR ?= ar
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
INCLUDEDIR ?= $(PREFIX)/include
LIBDIR ?= $(PREFIX)/lib
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
B ?= build
# Tools of the build run here even when CC builds for another machine.
HOSTCC ?= $(CC)
FUZZ_CC ?= clang

version_of = $(shell sed -n 's/^.define WICK_VERSION_$(1) //p' include/wick/base.h)
MAJOR := $(call version_of,MAJOR)
VERSION := $(MAJOR).$(call version_of,MINOR).$(call version_of,PATCH)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wcast-qual -Wundef
ifdef WERROR
WARN += -Werror
endif
DEFS := $(if $(WICK_NO_SIMD),-DWICK_NO_SIMD) $(if $(WICK_NO_DIAGNOSE),-DWICK_NO_DIAGNOSE)
LIB_FLAGS := -std=c99 $(WARN) $(DEFS) -fPIC -fvisibility=hidden -Iinclude -Isrc
HOST_FLAGS := -std=gnu99 -D_GNU_SOURCE $(WARN) $(DEFS) -Iinclude -Iexamples
TEST_FLAGS := $(HOST_FLAGS) -Isrc -Itests -I.
DEP = -MMD -MP

LIB_SRC := $(wildcard src/*/*.c)
# Libraries that need somebody else's, each built when it is asked for: libwick itself needs nobody.
ADAPTERS := $(if $(WITH_OPENSSL),openssl)
TLS_SRC := $(if $(WITH_OPENSSL),$(wildcard examples/tls/openssl*.c),examples/tls/none.c)
TLS_LIBS := $(if $(WITH_OPENSSL),-lssl -lcrypto)
HOST_SRC := $(wildcard examples/lib/*.c) $(TLS_SRC)
WEB_SRC := $(wildcard examples/web/*)
TEST_LIB_SRC := $(wildcard tests/lib/*.c tests/oracle/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
FUZZ_SRC := $(filter-out fuzz/replay.c,$(wildcard fuzz/*.c))
BENCH_SRC := $(wildcard tests/bench/*.c)
BENCH_LIB_SRC := $(wildcard tests/bench/lib/*.c)

# A program is examples/NAME.c or all of examples/NAME/*.c, with what it uses from examples/lib.
PROGRAMS := $(foreach p,echo_server agent_server agent_runtime wick,$(if $(wildcard examples/$(p).c examples/$(p)/*.c),$(p)))
PROGRAM_SRC := $(foreach p,$(PROGRAMS),$(wildcard examples/$(p).c examples/$(p)/*.c))

LIB := $B/libwick.a
SO := $B/libwick.so.$(MAJOR)
HOST := $B/examples/host.a
TEST_LIB := $B/tests/lib.a
BIN := $(PROGRAMS:%=$B/bin/%)
UNIT := $(UNIT_SRC:%.c=$B/%)
REPLAY := $(FUZZ_SRC:%.c=$B/%-replay)
BENCH := $(BENCH_SRC:tests/%.c=$B/%)

.SUFFIXES:

all: $(LIB) $(SO) $(ADAPTERS:%=$B/libwick_%.a) $(ADAPTERS:%=$B/libwick_%.so.$(MAJOR)) $(BIN) ## build the library and the programs

run: all ## build everything and serve the agent page on http://127.0.0.1:8080/
	$B/bin/agent_server --port 8080

test: all $(UNIT) $(REPLAY) ## pass every test that this machine can run, and name what it skipped
	@sh tests/run.sh $(UNIT) $(REPLAY) $(wildcard tests/check/*.sh tests/interop/*.sh)

unit: $(UNIT) $(REPLAY) ## pass the unit tests and the fuzz corpora alone
	@sh tests/run.sh $(UNIT) $(REPLAY)

lib: $(LIB) $(SO) ## build the library alone

# ---- What everything built depends on ----

# Rewritten when the compiler or its flags change, or when a source comes or goes; then what depends on it is made anew.
export WICK_FLAGS := $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(LDLIBS) $(WARN) $(DEFS)
export WICK_SOURCES := $(LIB_SRC) $(ADAPTERS) $(HOST_SRC) $(WEB_SRC) $(TEST_LIB_SRC) $(UNIT_SRC) $(PROGRAM_SRC) $(BENCH_LIB_SRC)
ifneq ($(strip $(WICK_FLAGS)),$(strip $(shell cat $B/.flags 2>/dev/null)))
$B/.flags: FORCE
endif
ifneq ($(strip $(WICK_SOURCES)),$(strip $(shell cat $B/.sources 2>/dev/null)))
$B/.sources: FORCE
endif
FORCE:

$B/.flags:
	@mkdir -p $(@D)
	@printf '%s\n' "$$WICK_FLAGS" > $@

$B/.sources:
	@mkdir -p $(@D)
	@printf '%s\n' "$$WICK_SOURCES" > $@

# ---- The library ----

$(LIB): $(LIB_SRC:%.c=$B/%.o) $B/.sources
	@rm -f $@
	$(AR) rcs $@ $(filter %.o,$^)

$(SO): $(LIB_SRC:%.c=$B/%.o) $B/.sources
	$(CC) -shared -Wl,-soname,libwick.so.$(MAJOR) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS)
	@ln -sf libwick.so.$(MAJOR) $B/libwick.so

$B/src/%.o: src/%.c $B/.flags
	@mkdir -p $(@D)
	$(CC) $(LIB_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

# ---- Adapters: src/adapters/NAME/*.c is libwick_NAME ----

ADAPTER_LIBS_openssl := -lcrypto

define adapter
$B/libwick_$(1).a: $(patsubst %.c,$B/%.o,$(wildcard src/adapters/$(1)/*.c)) $B/.sources
	@rm -f $$@
	$$(AR) rcs $$@ $$(filter %.o,$$^)

$B/libwick_$(1).so.$(MAJOR): $(patsubst %.c,$B/%.o,$(wildcard src/adapters/$(1)/*.c)) $B/.sources
	$$(CC) -shared -Wl,-soname,$$(@F) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(ADAPTER_LIBS_$(1)) $$(LDLIBS)
	@ln -sf $$(@F) $B/libwick_$(1).so
endef
$(foreach a,$(ADAPTERS),$(eval $(call adapter,$(a))))

# ---- The programs ----

$B/examples/%.o: examples/%.c $B/.flags
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

# Every file in examples/web becomes a row of embedded_files[]: see examples/tools/embed.h.
$B/gen/embed: examples/tools/embed.c
	@mkdir -p $(@D)
	$(HOSTCC) -std=c99 $(WARN) -O1 -o $@ $<

$B/gen/web.c: $B/gen/embed $(WEB_SRC) $B/.sources
	$B/gen/embed $(WEB_SRC) > $@.new
	@mv $@.new $@

$B/gen/web.o: $B/gen/web.c $B/.flags
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

$(HOST): $(HOST_SRC:%.c=$B/%.o) $B/gen/web.o $B/.sources
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $(filter %.o,$^)

define program
$B/bin/$(1): $(patsubst %.c,$B/%.o,$(wildcard examples/$(1).c examples/$(1)/*.c)) $$(HOST) $$(LIB) $B/.sources
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$(TLS_LIBS) $$(LDLIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# ---- Tests ----

# The scripts compile samples in the way everything else was compiled.
export CC CXX CFLAGS CPPFLAGS LDFLAGS B

$B/tests/%.o: tests/%.c $B/.flags
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

$B/fuzz/%.o: fuzz/%.c $B/.flags
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

$(TEST_LIB): $(TEST_LIB_SRC:%.c=$B/%.o) $B/.sources
	@rm -f $@
	$(AR) rcs $@ $(filter %.o,$^)

$(UNIT): $B/tests/unit/%: $B/tests/unit/%.o $(TEST_LIB) $(HOST) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TLS_LIBS) $(LDLIBS)

# A fuzz target with a main that runs its committed corpus: no libFuzzer needed.
$(REPLAY): $B/fuzz/%-replay: $B/fuzz/%.o $B/fuzz/replay.o $(TEST_LIB) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

FUZZ_CFLAGS ?= -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

fuzz: ## build every fuzz/NAME.c with libFuzzer (FUZZ_CC, a clang) into build/fuzz/NAME
	+@$(MAKE) --no-print-directory B=$B/fuzzing CC="$(FUZZ_CC)" CFLAGS="$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link" \
		FUZZ_TO=$B/fuzz fuzz-programs

FUZZ_TO ?= $B/fuzz
fuzz-programs: $(FUZZ_SRC:%.c=$B/%.o) $(TEST_LIB) $(LIB)
	@mkdir -p $(FUZZ_TO)
	set -e; for name in $(FUZZ_SRC:fuzz/%.c=%); do \
		$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $(FUZZ_TO)/$$name $B/fuzz/$$name.o $(TEST_LIB) $(LIB); done

# ---- Benchmarks ----

# tests/bench/NAME.c is a program; NAME_*.cc beside it are its C++ shims, used where there is a C++ compiler and the
# peer is installed; tests/bench/lib/*.c is shared. peers.sh says what this machine has: -DHAVE_X, -I and -l flags.
CXX ?= c++
CXXFLAGS ?= $(CFLAGS)
PEERS = $(eval PEERS := $(shell CC="$(CC)" CXX="$(CXX)" sh tests/bench/peers.sh))$(PEERS)
PEER_FLAGS = $(filter-out -l%,$(PEERS))
PEER_LIBS = $(filter -l%,$(PEERS))

$B/bench/%.o: tests/bench/%.c $B/.flags
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -Itests/bench $(PEER_FLAGS) $(CPPFLAGS) $(CFLAGS) $(DEP) -c -o $@ $<

$B/bench/%.cc.o: tests/bench/%.cc $B/.flags
	@mkdir -p $(@D)
	$(if $(filter -DHAVE_CXX%,$(PEERS)),\
		$(CXX) -std=c++17 -Iinclude -Itests -Itests/bench $(PEER_FLAGS) $(CPPFLAGS) $(CXXFLAGS) $(DEP) -c -o $@ $<,\
		$(CC) -x c -c -o $@ /dev/null)

define bench
$B/bench/$(1): $B/bench/$(1).o $(patsubst tests/bench/%,$B/bench/%.o,$(wildcard tests/bench/$(1)_*.cc)) \
		$(BENCH_LIB_SRC:tests/%.c=$B/%.o) $$(TEST_LIB) $$(HOST) $$(LIB)
	$$(if $$(filter -DHAVE_CXX%,$$(PEERS)),$$(CXX),$$(CC)) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(PEER_LIBS) $$(TLS_LIBS) $$(LDLIBS)
endef
$(foreach p,$(BENCH_SRC:tests/bench/%.c=%),$(eval $(call bench,$(p))))

bench-programs: all $(BENCH)

bench: bench-programs ## measure, side by side with the peers that are installed
	@set -e; for program in $(BENCH); do echo "== $$program"; $$program; done

# ---- Sizes ----

size: $(LIB) ## print the code size of each part and the size of each object
	@sh tests/check/size.sh --print

# ---- Manual pages and installing ----

HEADERS := $(wildcard include/wick.h include/wick/*.h)

man: $B/man/.made ## make manual pages from the headers, in build/man

$B/man/.made: docs/man/man.awk $(HEADERS) $(wildcard docs/man/*.[1-9])
	@rm -rf $B/man && mkdir -p $B/man/man1 $B/man/man3 $B/man/man7
	awk -f docs/man/man.awk -v out=$B/man -v version=$(VERSION) $(HEADERS)
	@for page in $(wildcard docs/man/*.1); do cp $$page $B/man/man1/; done
	@touch $@

PKGCONFIG := $B/wick.pc $(ADAPTERS:%=$B/wick_%.pc)

$(PKGCONFIG): $B/%.pc: pkgconfig/%.pc.in Makefile FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|$(PREFIX)/|$${prefix}/|' $< > $@

install: all man $(PKGCONFIG) ## install headers, libraries, wick.pc, manual pages and wick under PREFIX (and DESTDIR)
	install -d $(DESTDIR)$(INCLUDEDIR)/wick $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(BINDIR)
	install -m 644 include/wick.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(wildcard include/wick/*.h) $(DESTDIR)$(INCLUDEDIR)/wick
	install -m 644 $(LIB) $(DESTDIR)$(LIBDIR)
	install -m 755 $(SO) $(DESTDIR)$(LIBDIR)/libwick.so.$(VERSION)
	ln -sf libwick.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libwick.so.$(MAJOR)
	ln -sf libwick.so.$(MAJOR) $(DESTDIR)$(LIBDIR)/libwick.so
	install -m 644 $(PKGCONFIG) $(DESTDIR)$(LIBDIR)/pkgconfig
	@set -e; for a in $(ADAPTERS); do \
		install -m 644 include/wick_$$a.h $(DESTDIR)$(INCLUDEDIR); \
		install -m 644 $B/libwick_$$a.a $(DESTDIR)$(LIBDIR); \
		install -m 755 $B/libwick_$$a.so.$(MAJOR) $(DESTDIR)$(LIBDIR)/libwick_$$a.so.$(VERSION); \
		ln -sf libwick_$$a.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libwick_$$a.so.$(MAJOR); \
		ln -sf libwick_$$a.so.$(MAJOR) $(DESTDIR)$(LIBDIR)/libwick_$$a.so; done
	$(if $(filter wick,$(PROGRAMS)),install -m 755 $B/bin/wick $(DESTDIR)$(BINDIR))
	@set -e; cd $B/man; for page in man*/*; do \
		install -d $(DESTDIR)$(MANDIR)/$${page%/*}; install -m 644 $$page $(DESTDIR)$(MANDIR)/$$page; done

uninstall: man ## remove what install puts there
	rm -rf $(DESTDIR)$(INCLUDEDIR)/wick.h $(DESTDIR)$(INCLUDEDIR)/wick $(DESTDIR)$(LIBDIR)/pkgconfig/wick.pc
	@for a in openssl; do rm -f $(DESTDIR)$(INCLUDEDIR)/wick_$$a.h $(DESTDIR)$(LIBDIR)/libwick_$$a.* \
		$(DESTDIR)$(LIBDIR)/pkgconfig/wick_$$a.pc; done
	rm -f $(DESTDIR)$(LIBDIR)/libwick.a $(DESTDIR)$(LIBDIR)/libwick.so*
	rm -f $(DESTDIR)$(BINDIR)/wick
	@cd $B/man && for page in man*/*; do rm -f $(DESTDIR)$(MANDIR)/$$page; done

clean: ## remove everything built
	rm -rf $B

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST))

.PHONY: all run test unit lib fuzz fuzz-programs bench bench-programs size man install uninstall clean help FORCE

OBJECTS := $(LIB_SRC:%.c=$B/%.o) $(patsubst %.c,$B/%.o,$(foreach a,$(ADAPTERS),$(wildcard src/adapters/$(a)/*.c))) $(HOST_SRC:%.c=$B/%.o) $(PROGRAM_SRC:%.c=$B/%.o) $(TEST_LIB_SRC:%.c=$B/%.o) \
	$(UNIT_SRC:%.c=$B/%.o) $(FUZZ_SRC:%.c=$B/%.o) $(BENCH_SRC:tests/%.c=$B/%.o) $(BENCH_LIB_SRC:tests/%.c=$B/%.o) \
	$B/fuzz/replay.o $B/gen/web.o $(patsubst tests/%,$B/%.o,$(wildcard tests/bench/*.cc))
-include $(OBJECTS:.o=.d)
