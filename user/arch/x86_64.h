/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86-64: constants. Registers: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 … r15. */
/* Part of arch/arch.h. */
#ifndef ALLOCTRACE_ARCH_X86_64_H
#define ALLOCTRACE_ARCH_X86_64_H

#include <elf.h>

#define ARCH_NAME	"x86-64"
#define ARCH_REGS	16
#define ARCH_REG_SP	4
#define ARCH_REG_FP	5
#define ARCH_REG_G	14	/* of Go from 1.17 on: the goroutine (struct g) */
#define ARCH_INSN_MAX	15	/* bytes */
#define ARCH_CALL_BYTES	5	/* of a call with its target in it */

/* ELF: e_machine, and relocations by what they put into a slot. */
#define ARCH_EM			EM_X86_64
#define ARCH_R_ADDRESS		R_X86_64_64		/* a symbol's address plus the addend */
#define ARCH_R_GLOB_DAT		R_X86_64_GLOB_DAT	/* a symbol's address */
#define ARCH_R_JUMP_SLOT	R_X86_64_JUMP_SLOT	/* the same, maybe as late as at the first call */
#define ARCH_R_RELATIVE		R_X86_64_RELATIVE	/* the load bias plus the addend */
#define ARCH_R_IRELATIVE	R_X86_64_IRELATIVE	/* what the resolver at the addend returns */

#endif
