/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions at a frame's address, and names_of(), which is where all that shows a profile gets them from. */
#ifndef ALLOCTRACE_MODEL_SYMBOL_H
#define ALLOCTRACE_MODEL_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/profile.h"

/* Why a frame has no function name: every gap has a reason, and names.asked counts them. */
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
	SYM_NO_KALLSYMS,	/* the kernel hides its symbols */
	SYM_REASONS,
};

const char *sym_reason_text(enum sym_reason reason);

/*
 * A function at a frame's address. Where the compiler put functions into others, a frame has several: the innermost one
 * is what names_of() returns, and `into` leads to the function proper. To see all names of a frame:
 *
 *     for (sym = names_of(…); sym; sym = sym->into)
 */
struct symbol {
	const char *function;	/* demangled unless switched off; NULL if there is none */
	const char *module;	/* basename, for display */
	uint64_t start;		/* without a function name: where the unnamed function starts, or `offset` if unknown */
	/* from the start of the function; where none is known, the address as addr2line takes it */
	uint64_t offset;
	enum sym_reason reason;
	const char *file;	/* the source file's path, NULL if it is not known; */
	uint32_t line;		/* and the line: of the address, or of the call of what is inlined here */
	/* It is the frame's only function, and a wrapper that the compiler made (Go's of methods): nobody wants to see
	 * it. */
	bool hidden;
	bool creator;	/* it is who made the goroutine: texts have SYMBOL_CREATOR before its name */
	const struct symbol *into;	/* what this function is inlined in; NULL: it is the function proper */
};

/*
 * Whoever knows the names of a profile's frames: a symbolizer (sym/symbolizer.h), a file that they are stored in. It
 * embeds this. Names are looked up when they are first shown, so that a table of 20 rows costs the names of 20 rows.
 */
struct names {
	const struct symbol *(*of)(struct names *n, uint32_t module, uint64_t addr);
	/* The same with `creator` set in all; never called where it is not needed. */
	const struct symbol *(*creator)(struct names *n, uint32_t module, uint64_t addr);
	/* As names_type(); NULL: it never knows one. */
	const char *(*type)(struct names *n, const struct profile *p, uint32_t stack);
	uint32_t round;			/* names_start(), so many times */
	uint64_t not_read;		/* parts of files that there was no memory for */
	uint64_t asked[SYM_REASONS];	/* distinct frames that were asked for since, by outcome */
};

/* Never NULL; the result and its strings live as long as the names. addr as in struct profile_frame. */
static inline const struct symbol *names_of(struct names *n, uint32_t module, uint64_t addr)
{
	return n->of(n, module, addr);
}

/* The same of a frame as it is. */
static inline const struct symbol *names_frame(struct names *n, const struct profile_frame *f)
{
	return f->creator ? n->creator(n, f->module, f->addr) : n->of(n, f->module, f->addr);
}

/* A copy of what names_of() returns with `creator` set in all; all 0 at first. It stays where it is unless there are
 * more or fewer functions. Returns the innermost one. */
struct symbol_copy {
	struct symbol *at;	/* to be freed */
	size_t n;
};

const struct symbol *symbol_creators(const struct symbol *sym, struct symbol_copy *copy);

/* The type that a stack of the profile allocates, as Go writes it: "[]main.Account"; of the kernel, the slab cache.
 * NULL: none is told, or it is not known. Lives as long as the names. */
static inline const char *names_type(struct names *n, const struct profile *p, uint32_t stack)
{
	const struct profile_type *type = &p->types.at[p->stacks.at[stack].type];

	if (type->name)
		return type->name;
	return n->type ? n->type(n, p, stack) : NULL;
}

/* A report begins: what it asks for is counted from 0 on. */
void names_start(struct names *n);
/* For `of`: the frame whose mark this is was asked for. */
static inline void names_count(struct names *n, uint32_t *mark, enum sym_reason reason)
{
	if (*mark == n->round + 1)
		return;
	*mark = n->round + 1;
	n->asked[reason]++;
}

/* What stands for MODULE_UNCERTAIN: "[?]". */
extern const struct symbol symbol_uncertain;

#define SYMBOL_CREATOR "created by "
/* "function", or "module+0xoffset" where there is none: what folded stacks and tables print. */
void symbol_text(const struct symbol *sym, struct buf *out);
/* As symbol_text, but the exact place: "function (file.c:12)", or where the line is not known "function+0x1f" (of the
 * return address, as gdb and objdump show it). */
void symbol_site_text(const struct symbol *sym, struct buf *out);
/* "file.c:12", or as symbol_site_text() where the line is not known. */
void symbol_line_text(const struct symbol *sym, struct buf *out);

#endif
