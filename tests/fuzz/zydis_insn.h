/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instruction as Zydis has it: the other reader, which arch/insn.h is compared with. */
#ifndef ALLOCTRACE_FUZZ_ZYDIS_INSN_H
#define ALLOCTRACE_FUZZ_ZYDIS_INSN_H

#include <Zydis/Zydis.h>

struct zydis_insn {
	ZydisDecodedInstruction zi;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

/* Of bytes that insn_decode() takes. */
static inline struct zydis_insn zydis_insn(const uint8_t *code, size_t size)
{
	struct zydis_insn z;
	ZydisDecoder d;

	require(!ZYAN_FAILED(ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
	require(!ZYAN_FAILED(ZydisDecoderDecodeFull(&d, code, size, &z.zi, z.op)));
	return z;
}

/* The number of the whole register that it is a part of, -1: none of the sixteen. */
static inline int zydis_gpr(ZydisRegister r)
{
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	return ZydisRegisterGetClass(full) == ZYDIS_REGCLASS_GPR64 ? ZydisRegisterGetId(full) : -1;
}

#endif
