/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes of one ELF file: every allocator function in it, the site of each, and which may call others, so that an
 * allocator function that calls another is one event. Pure: reads the file, touches no process.
 *
 * Where blocks are followed (PLAN_BLOCKS) the functions that free are probed too, and an allocating function whose
 * return is of interest has its site where rsp is as at entry: a return probe finds the return address by it.
 */
#ifndef ALLOCTRACE_PROBE_PLAN_H
#define ALLOCTRACE_PROBE_PLAN_H

#include "alloc/family.h"
#include "elf/elffile.h"
#include "probe/site.h"

#define PLAN_MAX_BODIES 4
#define PLAN_MAX_FUNCTIONS ALLOC_MAX_FUNCTIONS	/* candidates in one file */

enum plan_flags {
	PLAN_NOPS = 1,		/* the kernel emulates multi-byte nops (FEATURE_NOPS) */
	PLAN_BLOCKS = 2,	/* blocks are followed from their allocation to their free */
};

struct plan_probe {
	uint16_t function;	/* id of the alloc_function */
	const char *name;	/* the symbol probed; belongs to the plan */
	uint64_t vaddr, size;	/* of the function */
	uint64_t file_offset;	/* of the probe site: what uprobes are registered by */
	struct site site;
	/*
	 * A call that leaves its work to another probed function by a jump is that one's event: no event here where
	 * argument skip_arg is at most skip_max (glibc's realloc jumps to malloc where the old block is NULL, its
	 * memalign where the alignment is at most 16). Its register is site.arg_reg[skip_arg]; skip_arg is
	 * SITE_NO_REG if there is no such case.
	 */
	uint8_t skip_arg;
	uint64_t skip_max;
	/*
	 * It may come to another allocator function, of whatever file: such a call is a part of this one, and no
	 * event. While this one is under way an address of its code is on the stack: bodies, as [from, to) relative
	 * to the probe's own address (the instruction pointer the BPF side sees). jumps: it may leave by a jump to
	 * code that is none of these, and then there is none.
	 */
	bool outer, jumps;
	struct { int32_t from, to; } bodies[PLAN_MAX_BODIES];
	uint8_t n_bodies;
	/* It only frees; its return must not be probed, since it may throw, or since the file is a Go program's. */
	bool frees, no_return;
	/*
	 * Registers at the site, SITE_NO_REG if there is none: the block that is given up, and the address that the
	 * new block's address is stored to (posix_memalign). out_reg only with PLAN_BLOCKS.
	 */
	uint8_t old_reg, out_reg;
};

/* A function that is there but not probed. */
struct plan_skip {
	uint16_t function;
	const char *name;	/* its symbol; belongs to the plan */
	uint64_t vaddr;
	/* Its calls may be missing from the report: it is no alias, and passes nothing on to one that is seen. */
	bool gap;
	/*
	 * "alias of memalign", "forwards to malloc (of another file)", "resolver (ifunc)"; what is not there is not
	 * listed.
	 */
	char why[96];
};

/* A function that a resolver chooses when the program is loaded. The plan has probes for what its code may choose. */
struct plan_ifunc {
	uint16_t function;
	const char *name;	/* belongs to the plan */
	uint64_t resolver;	/* vaddr */
};

struct plan {
	const char *implementation;	/* alloc_implementation(), may be NULL */
	/* What the file has and no symbol shows, so that calls may be missing; "" if there is no such thing. */
	char gap[96];
	struct plan_probe *probes;
	size_t n_probes;
	struct plan_skip *skips;
	size_t n_skips;
	struct plan_ifunc *ifuncs;
	size_t n_ifuncs;
	char **names;
	size_t n_names;
};

/* What a resolver was seen to have chosen in a process. */
struct plan_chosen {
	uint64_t resolver, vaddr;
};

struct plan_input {
	const char *path;	/* as the target knows it */
	/* Where separate debug files are looked for: the target's root directory, "" for this host's alone. NULL: they
	 * are not. */
	const char *root;
	uint64_t dev, ino;	/* of fstat(), 0 if not known: for --object */
	unsigned int flags;	/* of enum plan_flags */
	const struct plan_chosen *chosen;	/* instead of what the resolvers' code tells */
	size_t n_chosen;
};

/* 0 (also with no probe in it), -ENOEXEC (not an x86-64 ELF file or damaged), other -errno. No message. */
int plan_make_for(const struct elf_file *ef, const struct plan_input *in, struct plan **out);
/* The same by the file alone. */
int plan_make(const struct elf_file *ef, const char *path, unsigned int flags, struct plan **out);
/* free(NULL) is fine. */
void plan_free(struct plan *p);

#endif
