/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for frames, looked up when they are shown and kept. One open per file. */
#ifndef ALLOCTRACE_SYM_SYMBOLIZER_H
#define ALLOCTRACE_SYM_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/module.h"

/* Why a frame has no function name: every gap has a reason, and sym_stats counts them. */
enum sym_reason {
	SYM_NAMED,
	SYM_NO_SYMBOL,		/* the file has symbols, but none that covers the address */
	SYM_STRIPPED,		/* the file has no symbols at all */
	SYM_NOT_OPENED,		/* the file could not be opened */
	SYM_NOT_ELF,		/* the file is no ELF file, or a damaged one */
	SYM_NO_PERF_MAP,	/* a JIT's code, and no usable /tmp/perf-PID.map */
	SYM_NOT_IN_PERF_MAP,
	SYM_NO_MAPPING,		/* the address belongs to no mapping that was seen */
	SYM_NO_TIME,		/* timelimit_is_over(): it was not looked up */
	SYM_NO_MEMORY,		/* likewise, for memlimit_has_room() */
	SYM_UNCERTAIN,		/* no frame: callers may be missing here (MODULE_UNCERTAIN), "[?]" */
	SYM_REASONS,
};

const char *sym_reason_text(enum sym_reason reason);

/*
 * A function at a frame's address. Where the compiler put functions into others, a frame has several: the innermost one
 * is what symbolize() returns, and `into` leads to the function proper. To see all names of a frame:
 *
 *     for (sym = symbolize(…); sym; sym = sym->into)
 */
struct symbol {
	const char *function;	/* demangled unless told otherwise; NULL if there is none */
	const char *module;	/* basename, for display */
	uint64_t start;		/* without a function name: where the unnamed function starts, or `offset` if unknown */
	/* from the start of the function; where none is known, the address as addr2line takes it */
	uint64_t offset;
	enum sym_reason reason;
	const char *file;	/* the source file's path, NULL if it is not known; */
	uint32_t line;		/* and the line: of the address, or of the call of what is inlined here */
	const struct symbol *into;	/* what this function is inlined in; NULL: it is the function proper */
};

struct symbolizer_options {
	bool demangle;
	bool no_inline;		/* functions proper only */
};

struct symbolizer;

/* modules is borrowed and may grow. */
struct symbolizer *symbolizer_new(const struct modules *modules, struct symbolizer_options options);
void symbolizer_free(struct symbolizer *s);
/* Never NULL; the result and its strings live as long as the symbolizer. addr as in struct profile_frame. */
const struct symbol *symbolize(struct symbolizer *s, uint32_t module, uint64_t addr);
/* Distinct frames asked for so far, by outcome. */
void symbolizer_stats(const struct symbolizer *s, uint64_t counts[SYM_REASONS]);
/* Perf maps are read again at the next look-up that misses (a JIT appends to them). Called once per interval. */
void symbolizer_refresh(struct symbolizer *s);
/* "function", or "module+0xoffset" where there is none: what folded stacks and tables print. */
void symbol_text(const struct symbol *sym, struct buf *out);
/* As symbol_text, but the exact place: "function (file.c:12)", or where the line is not known "function+0x1f" (of the
 * return address, as gdb and objdump show it). */
void symbol_site_text(const struct symbol *sym, struct buf *out);
/* "file.c:12", or as symbol_site_text() where the line is not known. */
void symbol_line_text(const struct symbol *sym, struct buf *out);

#endif
