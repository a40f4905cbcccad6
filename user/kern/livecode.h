/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the code at a probe's site, in the memory of a process, what its file has? The kernel takes the instruction that
 * it emulates or single-steps from the file, and puts the file's first byte back in the end. Where a live patch, a hook
 * or a debugger has changed the code, the process would go on in the middle of an instruction, and its breakpoint would
 * be gone. So there must be no probe.
 *
 *	entry              site        site + 16, or the end of the function
 *	  |------ compared --|-------------|
 *
 * What jumps away at the entry, or behind it, overwrites a part of this; what is changed further on does not touch the
 * probe. Bytes that are a uprobe's own, ours or another tracer's, count as the file's (kern/uprobes.h).
 */
#ifndef ALLOCTRACE_KERN_LIVECODE_H
#define ALLOCTRACE_KERN_LIVECODE_H

#include "model/module.h"
#include "model/plan.h"
#include "proc/process.h"

/* A file that the process has mapped. All but found is borrowed. */
struct livecode_file {
	uint32_t module;
	const struct plan *plan;
	const bool *ours;	/* by probe: ours is there already; NULL: none is */
	/* By probe, set here: NULL where nothing differs, else what is there: "a jump to libhook.so+0x1189"; or
	 * "not mapped from the file", where a part of its code was moved to anonymous memory. */
	char **found;
};

/* Compares every probe of n files, wherever the process has them mapped. 0; -ESRCH: it is gone; -EPERM: its memory may
 * not be read, and nothing is known. No message. livecode_free() in any case. */
int livecode_compare(const struct process *p, const struct modules *ms, struct livecode_file *files, size_t n);
void livecode_free(struct livecode_file *files, size_t n);

/* The parts that read no process, for tests. */

/* What the instruction at c, of which n bytes are known, and which is at `at`, does: 'j' jump, 'c' call, 0 neither.
 * *to: where; or, where *indirect, the address that holds it. *len: its length in bytes, with what leads up to it (a
 * register loaded, an address pushed). */
char livecode_branch(const uint8_t *c, size_t n, uint64_t at, uint64_t *to, bool *indirect, size_t *len);

#endif
