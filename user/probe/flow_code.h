/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What flow.c and flow_code.c share: a file's code by address, and what its calls and jumps lead to. */
/* Part of probe/flow.h. */
#ifndef ALLOCTRACE_PROBE_FLOW_CODE_H
#define ALLOCTRACE_PROBE_FLOW_CODE_H

#include "arch/insn.h"
#include "base/map.h"
#include "probe/flow.h"

/* A function that ends a path. */
struct known {
	int id;
	const char *name;
};

struct flow_file {
	const struct elf_file *ef;
	const struct elf_imports *imports;
	vec_of(struct known) known;
	struct u64map by_vaddr;		/* vaddr -> id + 1 */
	struct u64map noreturn;
	vec_of(const char *) noreturn_names;
	struct u64map returning;	/* vaddr of a helper -> 1 if a path through it returns */
	struct u64map pages;		/* page number -> index in bytes / PAGE, + 1; 0: not there */
	vec_of(uint8_t) bytes;
};

/* What a call or jump leads to. */
struct target {
	int id;			/* a known function, or -1 */
	bool noreturn;
	bool code;		/* code in this file at vaddr */
	bool import;		/* an import that this file does not define */
	bool chosen;		/* an ifunc of this file */
	const char *name;	/* of an import */
	uint64_t vaddr;
};

/* The instruction at a vaddr; false outside the file's code, or where there is none. */
bool flow_decode(struct flow_file *ff, uint64_t vaddr, struct insn *in);
/* What the code address, or the PLT stub there, leads to. */
struct target flow_target_at(struct flow_file *ff, uint64_t vaddr);
/* What the GOT slot leads to. */
struct target flow_target_in_slot(struct flow_file *ff, uint64_t slot);
/* Is a path found through the function that returns? */
bool flow_returns(struct flow_file *ff, uint64_t vaddr);

#endif
