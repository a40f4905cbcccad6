/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row of an unwind table: how to find the caller's registers from a pc up to the next row's pc. Both sides read it;
 * this header includes nothing: the includer brings __u8, __s8, __s16 and __u32 (vmlinux.h or <linux/types.h>).
 *
 *     0        4      5        6        8
 *     | pc     | kind | rbp_off| cfa_off|
 *              bits 0-3 of kind: CFA rule; bits 4-7: RBP rule
 *
 * The canonical frame address (CFA) is the stack pointer as it was before the call that made the frame: the caller's
 * RSP. The return address is always at CFA - 8; where .eh_frame says otherwise the row is SIGNAL, STOP or
 * UNSUPPORTED.
 */
#ifndef ALLOCTRACE_BPF_UNWIND_ROW_H
#define ALLOCTRACE_BPF_UNWIND_ROW_H

struct unwind_row {
	__u32 pc;	/* vaddr - the table's base; rows are sorted by it, none twice */
	__u8 kind;	/* enum unwind_cfa | enum unwind_rbp << 4 */
	__s8 rbp_off;	/* in units of 8 bytes */
	__s16 cfa_off;	/* in units of 8 bytes, or as the CFA rule says */
};

/* Only the kinds up to UNWIND_CFA_PLT have an RBP rule; for the others the RBP rule and rbp_off are 0. */
enum unwind_cfa {
	UNWIND_CFA_GAP = 0,	/* no unwind information from here on (between functions, or a function without) */
	UNWIND_CFA_RSP = 1,	/* RSP + 8 * cfa_off */
	UNWIND_CFA_RBP = 2,	/* RBP + 8 * cfa_off */
	UNWIND_CFA_RBP_MEM = 3,	/* *(RBP + UNWIND_MEM_AT) + UNWIND_MEM_PLUS: functions that realign the stack (DRAP) */
	UNWIND_CFA_RSP_MEM = 4,	/* *(RSP + UNWIND_MEM_AT) + UNWIND_MEM_PLUS: hand-written assembly */
	UNWIND_CFA_PLT = 5,	/* RSP + 8 + ((pc & 15) >= cfa_off ? 8 : 0): a lazy PLT, whose stub pushes halfway */
	UNWIND_CFA_SIGNAL = 6,	/* all registers are in the ucontext at RSP: see UNWIND_SIGNAL_* */
	UNWIND_CFA_STOP = 7,	/* the outermost frame: it has no caller */
	UNWIND_CFA_UNSUPPORTED = 8,	/* a rule that this row can't hold; cfa_off: enum unwind_why */
	UNWIND_CFA_REGISTER = 9,	/* CFA in another register; cfa_off: its DWARF number */
	UNWIND_CFA_KINDS
};

enum unwind_rbp {
	UNWIND_RBP_SAME = 0,	/* unchanged */
	UNWIND_RBP_CFA = 1,	/* saved at CFA + 8 * rbp_off */
	UNWIND_RBP_RBP = 2,	/* saved at RBP + 8 * rbp_off, RBP as it is in this frame */
	UNWIND_RBP_UNDEFINED = 3,	/* lost: whoever needs it in a later frame must give up */
	UNWIND_RBP_UNSUPPORTED = 4,	/* the same, because this row can't hold the rule */
	UNWIND_RBP_KINDS
};

/* Why a row is UNWIND_CFA_UNSUPPORTED. */
enum unwind_why {
	UNWIND_WHY_EXPRESSION = 0,	/* a CFA expression of another shape */
	UNWIND_WHY_OFFSET = 1,	/* an offset that is not a multiple of 8, or too large */
	UNWIND_WHY_RETURN = 2,	/* a return address that is not at CFA - 8 */
	UNWIND_WHY_RSP = 3,	/* a caller's RSP that is not the CFA */
	UNWIND_WHY_NO_CFA = 4,	/* no CFA rule at all */
	UNWIND_WHY_PROGRAM = 5,	/* the function's CFA program is damaged */
	UNWIND_WHYS
};

/* cfa_off of the two _MEM rules: eleven bits of where to read and five of what to add, both in units of 8 bytes. */
#define UNWIND_MEM_AT(cfa_off) (((cfa_off) >> 5) * 8)
#define UNWIND_MEM_PLUS(cfa_off) (((cfa_off) & 31) * 8)

/* Offsets from RSP at a signal frame: struct rt_sigframe of the kernel without its return address. */
#define UNWIND_SIGNAL_RBP 120
#define UNWIND_SIGNAL_RSP 160
#define UNWIND_SIGNAL_RIP 168

_Static_assert(sizeof(struct unwind_row) == 8, "a row is loaded as one u64");

#endif
