/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the paths through a function lead, as far as allocator functions go: which other one it calls or jumps to,
 * and under which condition on its own arguments. (The crash course is at the top of flow.c.)
 */
#ifndef ALLOCTRACE_PROBE_FLOW_H
#define ALLOCTRACE_PROBE_FLOW_H

#include "base/mem.h"
#include "elf/elffile.h"
#include "elf/imports.h"
#include "probe/site.h"

enum flow_kind {
	FLOW_RETURNS,	/* with a value that is not known, or by a jump to code that is not in the file */
	FLOW_CONST,	/* returns the constant `value` */
	FLOW_CALLS,	/* calls function `id`: the path is followed no further */
	FLOW_TAIL,	/* jumps to function `id` with the stack as at entry or not: it returns to our caller */
	FLOW_LOST,	/* not followed: a computed jump, undecodable code, or too many paths */
};

struct flow_range {
	uint64_t lo, hi;
};

/* What an argument register holds there. */
enum flow_passes {
	FLOW_PASSES_ANY,
	FLOW_PASSES_ARG,	/* argument a of this function, or 1 where that is 0 */
	FLOW_PASSES_PRODUCT,	/* of its arguments a and b */
	FLOW_PASSES_CONST,	/* value */
};

struct flow_passed {
	enum flow_passes kind;
	uint8_t a, b;
	uint64_t value;
};

/* How a path through the function ends. */
struct flow_end {
	enum flow_kind kind;
	int id;			/* of the known function (flow_add_function), FLOW_CALLS and FLOW_TAIL */
	uint64_t value;		/* FLOW_CONST */
	uint64_t vaddr, next;	/* of the last instruction, and of the one after it (a call's return address) */
	struct flow_range arg[SITE_MAX_ARGS];	/* what the arguments are limited to on this path */
	struct flow_passed passed[SITE_MAX_ARGS];	/* of FLOW_CALLS and FLOW_TAIL */
};

struct flow_result {
	vec_of(struct flow_end) ends;
	vec_of(uint64_t) helpers;	/* other functions of this file that are called on the way, each once */
	bool indirect;	/* a call through a pointer that is no import */
	bool doubt;	/* a call was taken for one that never returns, but may: paths may be missing */
	uint64_t reached;	/* end of the highest instruction seen at or after the entry, within 4 KiB of it */
};

struct flow_file;

/* ef and imports stay the caller's and outlive it; imports may be NULL: then no import is known. */
struct flow_file *flow_open(const struct elf_file *ef, const struct elf_imports *imports);
void flow_close(struct flow_file *ff);
/* A function that ends a path: by address (0: not in this file) and by name where it is imported. The first one added
 * for an address is its id. name is not copied. */
void flow_add_function(struct flow_file *ff, int id, const char *name, uint64_t vaddr);
/* A function that never returns. */
void flow_add_noreturn(struct flow_file *ff, const char *name, uint64_t vaddr);
/* Is the address in an executable segment's part of the file? */
bool flow_is_code(const struct elf_file *ef, uint64_t vaddr);
/* The known function at a code address or behind the PLT stub there; -1 if it is none. */
int flow_function_at(struct flow_file *ff, uint64_t target);
/* The known function that a GOT slot holds; -1 if it is none. */
int flow_function_in_slot(struct flow_file *ff, uint64_t slot);
/* Follows the paths from entry, at most max_insns instructions in all. */
void flow_walk(struct flow_file *ff, uint64_t entry, size_t max_insns, struct flow_result *out);
void flow_result_free(struct flow_result *r);

#endif
