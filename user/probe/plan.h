/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes of one ELF file: every allocator function in it, the site of each, and which may call others, so that an
 * allocator function that calls another is one event. Pure: reads the file, touches no process.
 *
 * Where blocks are followed (PLAN_BLOCKS) the functions that free are probed too, and an allocating function whose
 * return is of interest has its site where rsp is as at entry: a uretprobe finds the return address by it.
 */
#ifndef ALLOCTRACE_PROBE_PLAN_H
#define ALLOCTRACE_PROBE_PLAN_H

#include "alloc/family.h"
#include "elf/elffile.h"
#include "model/plan.h"

#define PLAN_MAX_FUNCTIONS ALLOC_MAX_FUNCTIONS	/* candidates in one file */

struct plan_input {
	const char *path;	/* as the target knows it */
	/* Of a stripped file, symbols are taken from elsewhere: from its separate debug file (NULL: there is none), or
	 * from its .gnu_debugdata. */
	bool separate;
	const struct elf_file *debug;
	uint64_t dev, ino;	/* of fstat(), 0 if not known: for --object */
	unsigned int flags;	/* of enum plan_flags */
	const struct plan_chosen *chosen;	/* instead of what the resolvers' code shows */
	size_t n_chosen;
};

/* 0 (also with no probe in it), -ENOEXEC (not an x86-64 ELF file or damaged), other -errno. No message. */
int plan_make_for(const struct elf_file *ef, const struct plan_input *in, struct plan **out);
/* The same by the file alone. */
int plan_make(const struct elf_file *ef, const char *path, unsigned int flags, struct plan **out);

#endif
