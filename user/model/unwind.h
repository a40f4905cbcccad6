/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One step from a frame to its caller, for stacks unwound in user space: that of the BPF side (bpf/unwind_step.h). */
#ifndef ALLOCTRACE_MODEL_UNWIND_H
#define ALLOCTRACE_MODEL_UNWIND_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "unwind_cursor.h"

#include "model/unwind_table.h"

struct unwind_regs {
	uint64_t pc, sp, fp;
	bool fp_known;
	/* pc is where the frame was interrupted, not where it will be returned to: the first frame, and the one
	 * below a signal frame. */
	bool pc_exact;
	uint8_t turns;		/* how often the walk has gone to a lower stack */
	uint64_t turn_sp;	/* where one of those led */
	uint64_t signal_regs;	/* a signal has interrupted it: where all its registers are; 0: none has */
};

/* A rule of a table: wide counts where the row is UNWIND_CFA_WIDE. */
struct unwind_rule {
	struct unwind_row row;
	struct unwind_wide wide;
};

/* Eight bytes of the stack at addr; false if they can't be read. */
typedef bool (*unwind_read_fn)(void *ctx, uint64_t addr, uint64_t *value);

/* The vaddr (or any address) by which regs' row is looked up: a return address may be the first byte of the next
 * function, where the call was the last instruction of one that never returns. */
static inline uint64_t unwind_lookup_pc(const struct unwind_regs *regs)
{
	return regs->pc_exact ? regs->pc : regs->pc - 1;
}

/* row (NULL: none) is the one in force at unwind_lookup_pc(regs), wide its wide rule if it has one. On UNWIND_OK regs
 * are the caller's, otherwise unchanged. */
enum unwind_result unwind_step(const struct unwind_row *row, const struct unwind_wide *wide, struct unwind_regs *regs,
			       unwind_read_fn read, void *ctx);
/* The same by the frame pointer, where no row is. start_stack: where the program's arguments are on its stack; is_jit:
 * code of no file. */
enum unwind_result unwind_by_fp(uint64_t start_stack, bool is_jit, struct unwind_regs *regs, unwind_read_fn read,
				void *ctx);

#endif
