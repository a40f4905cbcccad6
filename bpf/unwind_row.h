/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row of an unwind table: how to find the caller's registers from a pc up to the next row's pc. The BPF side and
 * user space read it; the includer brings __u8, __s8, __s16 and __u32 (vmlinux.h or <linux/types.h>).
 *
 *     0        4      5        6        8
 *     | pc     | kind | fp_off| cfa_off|
 *              bits 0-3 of kind: CFA rule; bits 4-6: FP rule; bit 7: return address rule
 *
 * The canonical frame address (CFA) is the stack pointer as it was before the call that made the frame: the caller's
 * SP. FP is the frame pointer: rbp on x86-64.
 *
 * The return address is where calls put it, at CFA + UNWIND_RA_AT: that is the rule 0, and on x86-64 the only one.
 * Where .eh_frame says otherwise the row is SIGNAL, STOP, WIDE (which has a place for it) or UNSUPPORTED. On a machine
 * whose calls leave it in a link register, it is still there with the rule UNWIND_RA_LINK (signed or not: who reads it
 * takes the signature off whatever the row says).
 *
 * One rule in ten thousand takes more than that: its row is WIDE, and has only the number of a struct unwind_wide:
 *
 *     0        4 bits: 4                      32
 *     | pc     | WIDE | number                 |
 */
#ifndef ALLOCTRACE_BPF_UNWIND_ROW_H
#define ALLOCTRACE_BPF_UNWIND_ROW_H

#include "arch/frame.h"

struct unwind_row {
	__u32 pc;	/* vaddr - the table's base; rows are sorted by it, none twice */
	__u8 kind;	/* enum unwind_cfa | enum unwind_fp << 4 | enum unwind_ra << 7 */
	__s8 fp_off;	/* in units of 8 bytes */
	__s16 cfa_off;	/* in units of 8 bytes, or as the CFA rule says */
};

/* Only the kinds up to UNWIND_CFA_PLT, and REGISTER, have an FP rule; for the others but WIDE it and fp_off are 0. */
enum unwind_cfa {
	UNWIND_CFA_GAP = 0,	/* no unwind information from here on (between functions, or a function without) */
	UNWIND_CFA_SP = 1,	/* SP + 8 * cfa_off */
	UNWIND_CFA_FP = 2,	/* FP + 8 * cfa_off */
	UNWIND_CFA_FP_MEM = 3,	/* *(FP + UNWIND_MEM_AT) + UNWIND_MEM_PLUS: functions that realign the stack (DRAP) */
	UNWIND_CFA_SP_MEM = 4,	/* *(SP + UNWIND_MEM_AT) + UNWIND_MEM_PLUS: hand-written assembly */
	UNWIND_CFA_PLT = 5,	/* SP + 8 + ((pc & 15) >= cfa_off ? 8 : 0): a lazy PLT, whose stub pushes halfway */
	UNWIND_CFA_SIGNAL = 6,	/* all registers are in the ucontext at SP: see UNWIND_SIGNAL_* */
	UNWIND_CFA_STOP = 7,	/* the outermost frame: it has no caller */
	UNWIND_CFA_UNSUPPORTED = 8,	/* a rule that this row can't hold; cfa_off: enum unwind_why */
	UNWIND_CFA_REGISTER = 9,	/* another register + n: cfa_off is made by UNWIND_REGISTER() */
	UNWIND_CFA_WIDE = 10,	/* the rule is a struct unwind_wide: see unwind_row_wide() */
	UNWIND_CFA_KINDS
};

enum unwind_fp {
	UNWIND_FP_SAME = 0,	/* unchanged */
	UNWIND_FP_CFA = 1,	/* saved at CFA + 8 * fp_off */
	UNWIND_FP_FP = 2,	/* saved at FP + 8 * fp_off, FP as it is in this frame */
	UNWIND_FP_UNDEFINED = 3,	/* lost: whoever needs it in a later frame must give up */
	UNWIND_FP_UNSUPPORTED = 4,	/* the same, because this row can't hold the rule */
	UNWIND_FP_KINDS
};

enum unwind_ra {
	UNWIND_RA_CALL = 0,	/* where a call puts it */
	UNWIND_RA_LINK = 1,	/* in the link register: for machines that have one, of which none is built yet */
};

/* Of a row's kind, and so of a rule. */
#define UNWIND_FP_MASK 0x70u
#define UNWIND_RA_MASK 0x80u

/* Why a row is UNWIND_CFA_UNSUPPORTED. */
enum unwind_why {
	UNWIND_WHY_EXPRESSION = 0,	/* a CFA expression of another shape */
	UNWIND_WHY_OFFSET = 1,	/* an offset of 2 GiB or more */
	UNWIND_WHY_RETURN = 2,	/* a return address saved in a way that no struct unwind_wide has */
	UNWIND_WHY_SP = 3,	/* the same for a caller's SP */
	UNWIND_WHY_NO_CFA = 4,	/* no CFA rule at all */
	UNWIND_WHY_PROGRAM = 5,	/* the function's CFA program is damaged */
	UNWIND_WHYS
};

/* cfa_off of the two _MEM rules: eleven bits of where to read and five of what to add, both in units of 8 bytes. */
#define UNWIND_MEM_AT(cfa_off) (((cfa_off) >> 5) * 8)
#define UNWIND_MEM_PLUS(cfa_off) (((cfa_off) & 31) * 8)

/* cfa_off of UNWIND_CFA_REGISTER: four bits of the register's DWARF number, twelve of the offset in units of
 * 8 bytes. */
#define UNWIND_REGISTER(reg, bytes) ((reg) | (bytes) / 8 * 16)
#define UNWIND_REGISTER_OF(cfa_off) ((cfa_off) & 15)
#define UNWIND_REGISTER_PLUS(cfa_off) (((cfa_off) >> 4) * 8)

/* Where a caller's register is, or how the CFA is computed. */
enum unwind_how {
	UNWIND_SAME,		/* unchanged */
	UNWIND_LOST,		/* nobody knows, or only an expression that is not followed */
	UNWIND_AT_CFA,		/* saved at CFA + off */
	UNWIND_CFA_PLUS,	/* it is CFA + off */
	UNWIND_AT_REG,		/* saved at reg + off; a CFA: what is there, plus `plus` */
	UNWIND_REG_PLUS,	/* it is reg + off */
};

struct unwind_place {
	__u8 how;	/* enum unwind_how */
	__u8 reg;	/* DWARF number, as it is in this frame */
	__s16 plus;	/* bytes */
	__s32 off;	/* bytes */
};

/* A whole rule. cfa is AT_REG or REG_PLUS. */
struct unwind_wide {
	struct unwind_place cfa, ra, sp, fp;
};

#define UNWIND_WIDE_WORDS 4
#define UNWIND_WIDE_MAX 0xfffffffu	/* the largest number that a row can hold */

/* A walk that goes to a lower stack more often than this is led by no program. */
#define UNWIND_TURNS_MAX 16

_Static_assert(sizeof(struct unwind_row) == 8, "a row is loaded as one u64");
_Static_assert(sizeof(struct unwind_wide) == 8 * UNWIND_WIDE_WORDS, "a wide rule is loaded as words");

#endif
