/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in a function its uprobe goes. (The crash course is at the top of site.c.)
 */
#ifndef ALLOCTRACE_PROBE_SITE_H
#define ALLOCTRACE_PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "model/plan.h"

struct site_request {
	const uint8_t *code;	/* the function's bytes */
	size_t size;		/* as many as the function is long */
	uint64_t vaddr;		/* of code[0] */
	/* Where each argument is at entry; SITE_NO_REG where the argument is not needed. */
	uint8_t arg_reg[SITE_MAX_ARGS];
	uint8_t null_args;	/* bit i: calls in which argument i is NULL need not pass the site */
	bool nops_emulated;	/* the kernel emulates multi-byte nops (0f 1f), not only 90 and 66 90 */
	bool keep_sp;		/* the stack pointer must be as at entry (a uretprobe shares the site) */
};


/*
 * 0 (also when only the entry will do: cost SITE_STEPPED), -EINVAL: the bytes at entry are no instruction, or
 * -ENOTSUP: the kernel places no probe on any instruction that would do.
 */
int site_choose(const struct site_request *req, struct site *out);

/* A direct edge from one function's body to another address: what nests allocator functions. */
struct site_edge {
	uint32_t offset;	/* of the call or jump, from the function's entry */
	/* offset of the instruction after it: for a call, what the callee sees as return address */
	uint32_t next;
	bool is_call;		/* else a jump out of the function (tail call) */
	bool indirect;		/* through memory at `target` (a GOT slot); else target is code */
	uint64_t target;	/* vaddr */
};

/*
 * Every direct call, every jump that leaves [vaddr, vaddr + size), and every RIP-relative indirect call or jump.
 * Returns how many there are; the first `max` are written to edges.
 */
size_t site_edges(const uint8_t *code, size_t size, uint64_t vaddr, struct site_edge *edges, size_t max);

#endif
