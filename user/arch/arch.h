/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine that alloctrace is built for: what differs between architectures, as data. Its constants are in a header
 * of its own (x86_64.h), which only this one includes; instructions are in insn.h.
 *
 * A register is a number below ARCH_REGS, as instructions encode it: the same in a probe's cookie (bpf/shared.h) and in
 * masks of registers, bit r for register r. Unwind rows have DWARF's numbers (bpf/arch/frame.h).
 */
#ifndef ALLOCTRACE_ARCH_ARCH_H
#define ALLOCTRACE_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __x86_64__
#include "arch/x86_64.h"
#else
#error "alloctrace is built for x86-64 only"
#endif

/* Arguments that may be in registers, of all conventions. */
#define ABI_MAX_ARGS 6

/* A calling convention. */
struct arch_abi {
	uint8_t arg[ABI_MAX_ARGS];	/* the registers of integer arguments, the first one first */
	uint8_t result;
	uint32_t kept;			/* registers that a call leaves as they are */
};

/* That of C, and that of Go from 1.17 on (before, all arguments are on the stack). */
extern const struct arch_abi abi_c, abi_go;

/* As assemblers write it; reg is below ARCH_REGS. */
const char *arch_reg_name(unsigned int reg);

/* A register or a part of one. */
struct arch_part {
	uint8_t reg, bytes, shift;	/* shift: bits below it */
};

/* By the name that assemblers give it, without a prefix, not NUL-terminated: "eax" is the low 4 bytes of rax. False:
 * there is no general register of that name. */
bool arch_part_named(const char *name, size_t len, struct arch_part *out);

/*
 * Functions to try probes on, whose instructions the compiler has no say in; they do nothing. The first instruction of
 * arch_emulated() and arch_tried() is one that every kernel emulates, that of arch_stepped() one that it single-steps.
 */
void arch_emulated(size_t size);
void arch_stepped(size_t size);
void arch_tried(void);

#endif
