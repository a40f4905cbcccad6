/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One x86-64 instruction, as the site chooser and the flow walk need it. Wraps Zydis; bytes may be anything. */
#ifndef ALLOCTRACE_PROBE_INSN_H
#define ALLOCTRACE_PROBE_INSN_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Encodings of the general-purpose registers that have a role of their own. */
#define GPR_RAX 0
#define GPR_RSP 4
#define GPR_RBP 5
#define GPR_COUNT 16

struct insn {
	uint64_t vaddr;
	size_t len;
	ZydisDecodedInstruction zi;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

/* What the kernel does with a uprobe on an instruction. */
enum insn_probe {
	INSN_EMULATED,	/* one trap */
	INSN_STEPPED,	/* two: a copy is single-stepped */
	INSN_REFUSED,	/* it registers none */
};

/* false if the bytes are no instruction, or one that does not fit in size. */
bool insn_decode(const uint8_t *code, size_t size, uint64_t vaddr, struct insn *in);
/* nops_emulated: the kernel emulates 0f 1f too. */
enum insn_probe insn_probe(const struct insn *in, bool nops_emulated);

/* The 64-bit register that holds this one, by its encoding; -1 if it is no general-purpose register. */
int insn_gpr(ZydisRegister r);
/* Bit r set: register r may be written, wholly, in part or on a condition. */
uint16_t insn_writes(const struct insn *in);
/* `mov %src,%dst` of whole 64-bit registers. */
bool insn_is_copy(const struct insn *in, int *dst, int *src);
/* The register of `test %reg,%reg` of a whole 64-bit register; -1: another instruction. */
int insn_tested(const struct insn *in);
/* A jmp, jcc, loop or jrcxz with its target in the instruction. */
bool insn_is_jump(const struct insn *in, uint64_t *target);
/* A call with its target in the instruction. */
bool insn_is_call(const struct insn *in, uint64_t *target);
/* A call or jmp through memory at a fixed address (RIP-relative): that address. */
bool insn_is_indirect(const struct insn *in, uint64_t *slot);
/* Ends a straight line: the next instruction is not always the one after it (or, for a call, registers are lost). */
bool insn_ends_line(const struct insn *in);
/* The change of rsp in bytes (push: -8). false: rsp changes by an amount that the instruction does not tell. */
bool insn_rsp_change(const struct insn *in, int64_t *delta);

#endif
