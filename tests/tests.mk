# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests, benchmark, lint, demo; part of the Makefile.
#
#   make check                    everything, packages that are missing installed first
#   make check TESTS='cli/*'      some of them (names as the runner prints them; also 'unit/*', 'live/exact*')
#   make unit                     unit tests alone, no root needed
#   make bench BENCH='--rows loop,jq --runs 3'

T := $(O)/tests
W := $(T)/workloads
TESTS ?= *
BENCH ?=
DEMO ?= $(O)/demo

RUN_ENV = O=$(abspath $(O)) ALLOCTRACE=$(abspath $(O))/alloctrace

# --- unit tests: one cmocka program per file

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT := $(UNIT_SRC:tests/unit/%.c=$(T)/unit/%)

$(T)/unit/%: tests/unit/%.c $(LIB)
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka -lpthread

# --- fuzz targets: what parses, compiled once more with the coverage and the sanitizers of clang

FUZZ_FLAGS := -std=gnu11 -D_GNU_SOURCE -DALLOCTRACE_VERSION='"$(VERSION)"' -Iuser -Ibpf -I$(O)/proto -g -O1 \
	-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_DIRS := base stat elf model proc probe image sym view record compare format
FUZZ_SRC := $(sort $(ARCH_SRC) $(wildcard $(FUZZ_DIRS:%=user/%/*.c)) user/kern/livecode.c user/kern/uprobes.c)
FUZZ_OBJ := $(FUZZ_SRC:%.c=$(T)/fuzz/%.o) $(PROTO_SRC:%.c=$(T)/fuzz/%.o)
FUZZ := $(patsubst tests/fuzz/%.c,$(T)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

$(T)/fuzz/%.o: %.c tests/tests.mk
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(filter $(T)/fuzz/user/record/%,$(FUZZ_OBJ)): $(PROTO_SRC)
$(T)/fuzz/user/format/svg.o: $(O)/proto/svg_parts.h
$(T)/fuzz/user/format/html.o: $(O)/proto/html_page.h

$(T)/fuzz/libfuzz.a: $(FUZZ_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ): $(T)/fuzz/%: tests/fuzz/%.c $(T)/fuzz/libfuzz.a
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d -MT $@ -o $@ $< $(T)/fuzz/libfuzz.a $(LIBS)

# --- workloads: frame pointers, no tail calls, and every call of an allocator stays one

WFLAGS := -O2 -g -Wall -Wextra -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-builtin -pthread
WCC = $(Q)mkdir -p $(@D) && $(CC) -D_GNU_SOURCE -std=gnu11 $(WFLAGS) -MMD -MP -MF $@.d -MT $@

W_PLAIN := primes forker execer hold loop stacks latency dlopener edge retprobe heap race peak temp steps script leak \
	sites strict blocks moving newcode hook pool answer selfcopy chains reloader manymaps forks hangfs wrapped \
	sharedheap storm resident oddpages mapper kernelmem
WRAPPERS := helper header log jump
OTEL := otel otel5 otel5leaf otel.so otel5.so otel5leaf.so otel-static otel5-static
W_ALL := $(W_PLAIN:%=$(W)/%) $(addprefix $(W)/,primes-nopie primes-static primes-static-stripped primes-stripped \
	loop-static heap-static resident-static mapper-static selfcopy-static selfcopy-own heapxx tiny32 copied cxx \
	cxx-nofp depth depth-fp inlined rules plugin.so plugin2.so leftover.so late.so reloaded_a.so reloaded_b.so \
	preload_counter.so refused.so newheader $(OTEL) $(WRAPPERS:%=wrapper-%.so) $(WRAPPERS:%=wrapped-%))
W_MUSL := $(addprefix $(W)/,primes-musl primes-musl-static heap-musl mapper-musl)

$(W_PLAIN:%=$(W)/%): $(W)/%: tests/workloads/%.c
	$(call say,CC,$@)
	$(WCC) -o $@ $<

$(W)/primes-nopie: tests/workloads/primes.c
	$(call say,CC,$@)
	$(WCC) -no-pie -o $@ $<

$(W)/primes-static $(W)/loop-static $(W)/heap-static $(W)/selfcopy-static $(W)/resident-static \
$(W)/mapper-static: $(W)/%-static: tests/workloads/%.c
	$(call say,CC,$@)
	$(WCC) -static -o $@ $<

# Its own malloc, the rest from libc.
$(W)/selfcopy-own: tests/workloads/selfcopy.c
	$(call say,CC,$@)
	$(WCC) -DOWN_MALLOC -o $@ $<

$(W)/%-stripped: $(W)/%
	$(call say,STRIP,$@)
	$(Q)strip -s -o $@ $<

$(W)/primes-musl $(W)/heap-musl $(W)/mapper-musl: $(W)/%-musl: tests/workloads/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && musl-gcc -DNO_PVALLOC -DNO_BRK -D_GNU_SOURCE -std=gnu11 $(WFLAGS) -o $@ $<

$(W)/primes-musl-static: tests/workloads/primes.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && musl-gcc -static -DNO_PVALLOC -D_GNU_SOURCE -std=gnu11 $(WFLAGS) -o $@ $<

$(W)/tiny32: tests/workloads/tiny32.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) -m32 -O2 -Wall -nostdlib -static -fno-pie -no-pie -o $@ $<

$(W)/cxx $(W)/heapxx $(W)/newheader: $(W)/%: tests/workloads/%.cc
	$(call say,CXX,$@)
	$(Q)mkdir -p $(@D) && g++ -D_GNU_SOURCE -std=c++17 $(WFLAGS) -o $@ $<

# As distributions build: no frame pointers. Only the immediate caller is certain here.
$(W)/cxx-nofp: tests/workloads/cxx.cc
	$(call say,CXX,$@)
	$(Q)mkdir -p $(@D) && g++ -D_GNU_SOURCE -std=c++17 $(WFLAGS) -fomit-frame-pointer -o $@ $<

# The same walk with them and without.
$(W)/copied: tests/workloads/copied.c
	$(call say,CC,$@)
	$(WCC) -fomit-frame-pointer -o $@ $<

$(W)/depth: tests/workloads/depth.c
	$(call say,CC,$@)
	$(WCC) -fomit-frame-pointer -o $@ $<

$(W)/depth-fp: tests/workloads/depth.c
	$(call say,CC,$@)
	$(WCC) -o $@ $<

# Nothing but unwind rules leads on.
$(W)/rules: tests/workloads/rules.c
	$(call say,CC,$@)
	$(WCC) -fomit-frame-pointer -o $@ $<

# Inlined callers, with debugging information.
$(W)/inlined: tests/workloads/inlined.cc
	$(call say,CXX,$@)
	$(Q)mkdir -p $(@D) && g++ -std=c++17 -O2 -g -o $@ $<

# Allocators that sample themselves: the probes' nops have one byte, and five.
$(W)/otel.so $(W)/otel5.so $(W)/otel5leaf.so: $(W)/%.so: tests/workloads/otel_sampler.c
	$(call say,CC,$@)
	$(WCC) $(if $(findstring 5,$*),-DNOP5) $(if $(findstring leaf,$*),-DLEAF) -shared -fPIC -o $@ $<

$(W)/otel $(W)/otel5 $(W)/otel5leaf: $(W)/%: tests/workloads/otel.c $(W)/%.so
	$(call say,CC,$@)
	$(WCC) -o $@ $< $(word 2,$^) -Wl,-rpath,$(abspath $(W))

$(W)/otel-static $(W)/otel5-static: tests/workloads/otel.c tests/workloads/otel_sampler.c
	$(call say,CC,$@)
	$(WCC) $(if $(findstring 5,$(@F)),-DNOP5) -DWRAPS -static -o $@ $(filter %.c,$^)

$(W)/late.so: tests/workloads/late.c
	$(call say,CC,$@)
	$(WCC) -shared -fPIC -o $@ $<

$(W)/leftover.so: tests/workloads/leftover.c
	$(call say,CC,$@)
	$(WCC) -shared -fPIC -o $@ $<

$(W)/plugin.so $(W)/plugin2.so: tests/workloads/plugin.c
	$(call say,CC,$@)
	$(WCC) -shared -fPIC -o $@ $<

# Small files, in which offset and address agree; without frame pointers, so that only their rules lead on.
RELOADED := -shared -fPIC -fomit-frame-pointer -Wl,-z,noseparate-code
$(W)/reloaded_a.so: tests/workloads/reloaded.c
	$(call say,CC,$@)
	$(WCC) $(RELOADED) -DSITE=site_a -DSIZE=101 -DROOM=24 -o $@ $<

$(W)/reloaded_b.so: tests/workloads/reloaded.c
	$(call say,CC,$@)
	$(WCC) $(RELOADED) -DSITE=site_b -DSIZE=211 -DROOM=104 -o $@ $<

WRAPPER_helper :=
WRAPPER_header := -DHEADER=32
WRAPPER_log := -DLOG
WRAPPER_jump := -DJUMP

$(WRAPPERS:%=$(W)/wrapper-%.so): $(W)/wrapper-%.so: tests/workloads/wrapper.c
	$(call say,CC,$@)
	$(WCC) -shared -fPIC -fomit-frame-pointer $(WRAPPER_$*) -o $@ $<

$(WRAPPERS:%=$(W)/wrapped-%): $(W)/wrapped-%: tests/workloads/wrapped.c tests/workloads/wrapper.c
	$(call say,CC,$@)
	$(WCC) $(WRAPPER_$*) -o $@ $(filter %.c,$^)

$(W)/preload_counter.so $(W)/refused.so: $(W)/%.so: tests/workloads/%.c
	$(call say,CC,$@)
	$(WCC) -shared -fPIC -fvisibility=hidden -o $@ $< -ldl

$(W_ALL) $(W_MUSL): tests/workloads/workload.h tests/tests.mk

# --- stacks as numbers, to be compared with a debugger's (live/unwind)

$(T)/rawstacks: tests/unwind/rawstacks.c tests/unwind/dwfl.c tests/unwind/dwfl.h $(LIB)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -MT $@ $(LDFLAGS) -o $@ $(filter %.c,$^) $(LIB) $(LIBS)

# --- how much of what the files of this system say tables hold: make census FILES='/usr/bin /usr/lib'

FILES ?= /usr /opt

$(T)/census: tests/unwind/census.c $(LIB)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)

# --- how long unwind tables take to build, and recordings to write (bench/run)

$(T)/bench/tables $(T)/bench/record: $(T)/bench/%: tests/bench/%.c $(LIB)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(LIB) $(LIBS)

# --- what people call

.PHONY: check-build check-run workloads fuzz census demo-go
census: $(T)/census
	$(Q)find $(FILES) -xdev -type f \( -perm -u+x -o -name '*.so*' \) | $(T)/census

workloads: $(W_ALL) $(W_MUSL) $(T)/rawstacks

check:
	$(Q)tools/install-deps build test
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) check-build
	$(Q)$(MAKE) --no-print-directory check-run

fuzz: $(FUZZ)

check-build: all $(UNIT) workloads $(if $(filter * fuzz/%,$(TESTS)),fuzz)

check-run: check-build
	$(Q)$(RUN_ENV) tests/run '$(TESTS)'

unit: $(UNIT)
	$(Q)$(RUN_ENV) tests/run 'unit/*'

lint:
	$(Q)tools/install-deps build lint
	$(Q)O=$(abspath $(O)) tests/lint

bench:
	$(Q)tools/install-deps build test bench
	$(Q)$(MAKE) --no-print-directory all workloads $(T)/bench/tables $(T)/bench/record
	$(Q)$(RUN_ENV) /usr/bin/python3 tests/bench/run $(BENCH)

demo:
	$(Q)tools/install-deps build demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(RUN_ENV) tools/demo $(DEMO)

# A Go benchmark, and what its fix changes.
demo-go:
	$(Q)tools/install-deps build demo-go
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(RUN_ENV) tools/demo-go $(O)/demo-go

-include $(wildcard $(T)/unit/*.d $(T)/fuzz/*.d) $(FUZZ_OBJ:.o=.d)
