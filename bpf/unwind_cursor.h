/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame that a walk of a stack has come to, and what comes of a step from there. As unwind_row.h it takes its types
 * from the includer. */
#ifndef ALLOCTRACE_BPF_UNWIND_CURSOR_H
#define ALLOCTRACE_BPF_UNWIND_CURSOR_H

enum unwind_result {
	UNWIND_OK,		/* at the caller */
	UNWIND_END,		/* the outermost frame: the stack is whole */
	UNWIND_NO_ROW,		/* no unwind information here */
	UNWIND_UNSUPPORTED,	/* a rule that rows can't hold, or one that needs a register that is lost */
	UNWIND_UNREADABLE,	/* the stack can't be read where the rule leads */
	UNWIND_STUCK,		/* the caller's frame would not be above this one, and on no other stack: wrong */
	/* By frame pointers: */
	UNWIND_ROOT,		/* it is 0, as in the outermost frame of Go, of musl and of most assembly */
	UNWIND_NO_FP,		/* it is lost */
	UNWIND_BAD_FP,		/* it leads to no frame */
};

/* By frame pointers alone (bpf/walk.bpf.h), fp and sp are used, and start: where the stack began. */
struct cursor {
	__u64 pc, sp, fp;	/* pc: of the call's last byte; below a signal frame, of the next instruction */
	__u64 start;
	__u64 fp_slot;	/* where the caller's fp was read, 0: nowhere; SLOT_OPAQUE: by more than that word */
	__u8 fp_known;
	__u8 turns;	/* how often the walk has gone to a lower stack, */
	/* The frame was found by its callee's frame pointer: how the walk ends if it is no code, and FRAME_BY_FP. */
	__u64 by_fp;
	__u64 turn_sp;	/* and where one of those led */
	__u64 value;	/* of unwind_step_place() and unwind_step_reg() */
	/* The last frame that a signal interrupted, and where its registers are; 0: none. */
	__u64 signal_pc, signal_sp, signal_regs;
};

/* Odd: no slot of the stack. */
#define SLOT_OPAQUE 1

/* A step by a wide rule: its places (unwind_row.h), each as one word, and what was found by it so far. */
struct wide_step {
	__u64 cfa_at, ra_at, sp_at, fp_at;
	__u64 cfa, pc, sp, fp;
};

#endif
