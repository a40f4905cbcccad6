# SPDX-License-Identifier: GPL-2.0-or-later
#
#   make            ./alloctrace                        V=1 shows commands, DEV=1 makes warnings errors,
#   make check      every test, as root                 SAN=address,undefined builds with sanitizers,
#   make demo       sets up, builds, traces python3     O=DIR puts the objects elsewhere.
#   make demo-go    the same with a Go benchmark
#   make bench      what tracing costs, beside its peers
#   make lint       layers, style, static checks
#   make install    DESTDIR= PREFIX=/usr/local

O ?= .build
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
VERSION := 0.2.0

# The machine that it is built for, by the name that uname has for it: user/arch/$(ARCH)*.c, bpf/arch/$(ARCH).h.
ARCH ?= $(shell uname -m | sed 's/^amd64$$/x86_64/')
TARGET_ARCH_x86_64 := x86
ifndef TARGET_ARCH_$(ARCH)
$(error alloctrace is built for x86-64 only)
endif

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' $(1) '$(2)'
else
say = @:
endif

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wno-unused-parameter
ifdef DEV
WARN += -Werror
endif
ifdef SAN
CFLAGS += -fsanitize=$(SAN) -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
endif
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DALLOCTRACE_VERSION='"$(VERSION)"' -Iuser -Ibpf -I$(O) -I$(O)/proto $(WARN) \
	-fno-omit-frame-pointer $(CFLAGS) -MMD -MP
LIBS := -lprotobuf-c -lbpf -ldw -lelf -lZydis -lZycore -liberty -lz -llzma -lzstd -ldl -lm

ARCH_SRC := user/arch/insn.c $(wildcard user/arch/$(ARCH)*.c)
SRC := $(sort $(filter-out user/arch/%,$(wildcard user/*/*.c)) $(ARCH_SRC))
PROTO := $(sort $(wildcard user/record/*.proto))
PROTO_SRC := $(PROTO:user/record/%.proto=$(O)/proto/%.pb-c.c)
OBJ := $(SRC:%.c=$(O)/%.o) $(PROTO_SRC:%.c=%.o)
# Everything but main: what unit tests link with.
LIB := $(O)/liballoctrace.a
BPF_SRC := $(sort $(wildcard bpf/*.bpf.c))
BPF_OBJ := $(BPF_SRC:%.c=$(O)/%.o)

.PHONY: all check demo bench lint install clean unit
.DELETE_ON_ERROR:
all: alloctrace alloctrace.8

alloctrace: $(O)/alloctrace
	$(Q)ln -f $< $@ 2>/dev/null || cp -f $< $@

# The manual, made by the program from its own tables.
alloctrace.8: $(O)/alloctrace
	$(call say,MAN,$@)
	$(Q)$< --generate man > $@

$(O)/alloctrace: $(O)/user/cli/main.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(LIB): $(filter-out $(O)/user/cli/main.o,$(OBJ))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(O)/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# What recordings consist of, made of its description by protobuf-c.
$(PROTO_SRC) &: $(PROTO)
	$(call say,PROTO,$(O)/proto)
	$(Q)mkdir -p $(O)/proto
	$(Q)protoc-c --c_out=$(O)/proto -Iuser/record $(PROTO)

$(PROTO_SRC:%.c=%.o): %.o: %.c
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -I$(O)/proto $(CFLAGS) -MMD -MP -c -o $@ $<

$(filter $(O)/user/record/%,$(OBJ)): $(PROTO_SRC)

# What a flame graph consists of beside its frames.
SVG := user/format/svg/flame
$(O)/proto/svg_parts.h: $(SVG).js $(SVG).css Makefile
	$(call say,PARTS,$@)
	$(Q)mkdir -p $(@D)
	$(Q)for part in js css; do \
		echo "static const char svg_$$part[] ="; \
		sed 's/[\\"]/\\&/g; s/.*/\t"&\\n"/' $(SVG).$$part; \
		printf '\t;\n'; \
	done > $@

$(O)/user/format/svg.o: $(O)/proto/svg_parts.h

# What an HTML report consists of beside its data, without comments and what only readers need, and the SHA-256 of both
# parts, by which the page lets them run.
PAGE_js := $(addprefix user/format/html/,$(addsuffix .js,text data tree graph table menu panels state controls main))
PAGE_css := user/format/html/page.css
PAGE_STRIP := sed -e 's/^[ \t]*//' -e '/^\/\/ /d' -e '/^\/\*.*\*\/$$/d' -e '/^\/\*/,/\*\/$$/d' \
	-e 's/\t\/\*.*\*\/$$//' -e '/^$$/d'
PAGE_AWK := user/format/html/strip.awk
$(O)/proto/html_page.h: $(PAGE_js) $(PAGE_css) $(PAGE_AWK) Makefile
	$(call say,PAGE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)part() { \
		echo "static const char page_$$1[] ="; \
		sed 's/[\\"?]/\\&/g; s/.*/\t"&\\n"/' $$2; \
		printf '\t;\n#define PAGE_%s_SHA256 "%s"\n' $$1 \
			"$$(sha256sum <$$2 | cut -c-64 | tr a-f A-F | basenc --base16 -d | base64)"; \
	}; $(PAGE_STRIP) $(PAGE_js) | awk -f $(PAGE_AWK) >$(O)/page.js; \
	$(PAGE_STRIP) -e 's/\([:;,{}]\) /\1/g; s/ {/{/g' $(PAGE_css) >$(O)/page.css; \
	{ part js $(O)/page.js; part css $(O)/page.css; } > $@

$(O)/user/format/html.o: $(O)/proto/html_page.h

# The BPF side: each bpf/*.bpf.c compiled by clang, linked into one object, made a skeleton.
include vmlinux/vmlinux.mk

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/vmlinux.h Makefile
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(TARGET_ARCH_$(ARCH)) -I$(O) -Ibpf -Wall -Werror \
		-MMD -MP -c -o $@ $<

$(O)/alloctrace.bpf.o: $(BPF_OBJ)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/alloctrace.skel.h: $(O)/alloctrace.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name alloctrace_bpf > $@

$(filter $(O)/user/kern/% $(O)/user/trace/% $(O)/user/pace/%,$(OBJ)): $(O)/alloctrace.skel.h

include $(wildcard tests/tests.mk)

BINDIR = $(DESTDIR)$(PREFIX)/bin
MANDIR = $(DESTDIR)$(PREFIX)/share/man/man8
COMPLETIONDIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

install: all
	$(Q)mkdir -p $(BINDIR) $(MANDIR) $(COMPLETIONDIR)
	$(Q)install -m 755 $(O)/alloctrace $(BINDIR)/alloctrace
	$(Q)install -m 644 alloctrace.8 $(MANDIR)/alloctrace.8
	$(Q)$(O)/alloctrace --generate completion > $(COMPLETIONDIR)/alloctrace
	$(Q)chmod 644 $(COMPLETIONDIR)/alloctrace

clean:
	$(Q)rm -rf $(O) alloctrace alloctrace.8

-include $(OBJ:.o=.d) $(BPF_OBJ:.o=.d)
