/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arch/arch.h"

#include <stdio.h>
#include <string.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* System V. */
const struct arch_abi abi_c = {
	.arg = {RDI, RSI, RDX, RCX, R8, R9},
	.result = RAX,
	.kept = 1u << RBX | 1u << RSP | 1u << RBP | 1u << R12 | 1u << R13 | 1u << R14 | 1u << R15,
};

/* ABIInternal (src/cmd/compile/abi-internal.md of Go): a call keeps no register but the goroutine's. */
const struct arch_abi abi_go = {
	.arg = {RAX, RBX, RCX, RDI, RSI, R8},
	.result = RAX,
	.kept = 1u << RSP | 1u << R14,
};

_Static_assert(ARCH_REG_SP == RSP && ARCH_REG_FP == RBP && ARCH_REGS == R15 + 1, "the header has the same numbers");

const char *arch_reg_name(unsigned int reg)
{
	static const char *const names[ARCH_REGS] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};

	return names[reg % ARCH_REGS];
}

/* Those that have names of their own; the others are r8 … r15 with an ending. */
#define OLD_REGS 8

bool arch_part_named(const char *name, size_t len, struct arch_part *out)
{
	static const char old[OLD_REGS][4][4] = {
		{"rax", "eax", "ax", "al"}, {"rcx", "ecx", "cx", "cl"}, {"rdx", "edx", "dx", "dl"},
		{"rbx", "ebx", "bx", "bl"}, {"rsp", "esp", "sp", "spl"}, {"rbp", "ebp", "bp", "bpl"},
		{"rsi", "esi", "si", "sil"}, {"rdi", "edi", "di", "dil"},
	};
	static const char high[4][3] = {"ah", "ch", "dh", "bh"}, endings[4][2] = {"", "d", "w", "b"};

	for (uint8_t reg = 0; reg < ARCH_REGS; reg++)
		for (uint8_t part = 0; part < 4; part++) {
			char text[8];

			if (reg < OLD_REGS)
				snprintf(text, sizeof(text), "%s", old[reg][part]);
			else
				snprintf(text, sizeof(text), "r%u%s", reg, endings[part]);
			if (strlen(text) == len && !memcmp(text, name, len)) {
				*out = (struct arch_part){reg, (uint8_t)(8 >> part), 0};
				return true;
			}
		}
	for (uint8_t reg = 0; reg < 4; reg++)
		if (len == 2 && !memcmp(high[reg], name, len)) {
			*out = (struct arch_part){reg, 1, 8};
			return true;
		}
	return false;
}

__asm__(".pushsection .text\n"
	".globl arch_emulated, arch_stepped, arch_tried\n"
	".type arch_emulated, @function\n"
	".type arch_stepped, @function\n"
	".type arch_tried, @function\n"
	"arch_emulated: push %rbp; pop %rbp; ret\n"
	".size arch_emulated, . - arch_emulated\n"
	"arch_stepped: mov %rdi, %rax; ret\n"
	".size arch_stepped, . - arch_stepped\n"
	"arch_tried: push %rbp; pop %rbp; ret\n"
	".size arch_tried, . - arch_tried\n"
	".popsection\n");
