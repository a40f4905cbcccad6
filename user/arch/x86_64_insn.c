/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86-64 instructions, by Zydis. */
#include <Zydis/Zydis.h>
#include <string.h>

#include "arch/insn.h"

/* As Zydis has it. */
struct raw {
	size_t len;
	ZydisDecodedInstruction zi;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static bool raw_decode(const uint8_t *code, size_t size, struct raw *in)
{
	ZydisDecoder decoder;

	if (!size || ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return false;
	if (size > ZYDIS_MAX_INSTRUCTION_LENGTH)
		size = ZYDIS_MAX_INSTRUCTION_LENGTH;
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, size, &in->zi, in->op)))
		return false;
	in->len = in->zi.length;
	return in->len > 0 && in->len <= size;
}

/* --- what the kernel does with a probe on it */

static bool legacy(const struct raw *in, uint8_t opcode)
{
	return in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	       in->zi.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && in->zi.opcode == opcode;
}

static bool map_0f(const struct raw *in)
{
	return in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && in->zi.opcode_map == ZYDIS_OPCODE_MAP_0F;
}

static bool has_prefix(const struct raw *in, uint8_t prefix)
{
	for (size_t i = 0; i < in->zi.raw.prefix_count; i++)
		if (in->zi.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

/* The prefix is 41. */
static bool is_rex_b(const struct raw *in)
{
	return (in->zi.attributes & ZYDIS_ATTRIB_HAS_REX) && in->zi.raw.rex.B && !in->zi.raw.rex.W &&
	       !in->zi.raw.rex.R && !in->zi.raw.rex.X;
}

static bool is_near_branch(const struct raw *in)
{
	return legacy(in, 0xe8) || legacy(in, 0xe9) || legacy(in, 0xeb) ||
	       (in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
		in->zi.meta.category == ZYDIS_CATEGORY_COND_BR &&
		((in->zi.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && in->zi.opcode >= 0x70 && in->zi.opcode <= 0x7f) ||
		 (in->zi.opcode_map == ZYDIS_OPCODE_MAP_0F && in->zi.opcode >= 0x80 && in->zi.opcode <= 0x8f)));
}

/*
 * What the kernel will not have a uprobe on (arch/x86/kernel/uprobes.c: is_prefix_bad(), insn_masking_exception(),
 * good_insns_64[], good_2byte_insns[], and branch_setup_xol_ops() for a branch with an operand size prefix, which
 * Intel and AMD read differently). Only what a compiler or an assembler may put at a function's start matters here:
 * system instructions, interrupts and port I/O are refused as a group, though some kernels take a few of them.
 */
static bool refused(const struct raw *in)
{
	static const uint8_t bad_prefix[] = {0x26, 0x2e, 0x36, 0x3e, 0xf0};

	for (size_t i = 0; i < sizeof(bad_prefix); i++)
		if (has_prefix(in, bad_prefix[i]))
			return true;
	if (is_near_branch(in) && has_prefix(in, 0x66))
		return true;
	if (legacy(in, 0x8e) && in->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    in->op[0].reg.value == ZYDIS_REGISTER_SS)
		return true;
	if (in->zi.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED)
		return true;
	switch (in->zi.meta.category) {
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP:
		return true;
	default:
		return in->zi.mnemonic == ZYDIS_MNEMONIC_UD0 || in->zi.mnemonic == ZYDIS_MNEMONIC_UD1 ||
		       in->zi.mnemonic == ZYDIS_MNEMONIC_UD2;
	}
}

/*
 * What the kernel emulates in the first trap instead of single-stepping a copy in a second one. This is the one place
 * that knows (arch/x86/kernel/uprobes.c, branch_setup_xol_ops() and push_setup_xol_ops()):
 *
 *   50-57, 41 50-57     push of a 64-bit register; another length or prefix is stepped    (since e7ed9d9bd0375)
 *   eb, e9, e8          jmp rel8, jmp rel32, call rel32
 *   70-7f, 0f 80-8f     jcc rel8, jcc rel32; not loop and jrcxz
 *   [66...] 90          nop; not f3 90 (pause), not 41 90 (xchg)
 *   [66] 0f 1f          the long nops, where nops_emulated; not f3 0f 1e fa (endbr64)
 *
 * A branch with any prefix (`bnd jmp`) is taken as stepped: what kernels make of those differs.
 */
static enum insn_probe raw_probe(const struct raw *in, bool nops_emulated)
{
	if (refused(in))
		return INSN_REFUSED;
	if (is_near_branch(in))
		return in->zi.raw.prefix_count ? INSN_STEPPED : INSN_EMULATED;
	if (in->zi.mnemonic == ZYDIS_MNEMONIC_PUSH && in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    in->zi.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (in->zi.opcode & 0xf8) == 0x50)
		return in->len == 1 || (in->len == 2 && is_rex_b(in)) ? INSN_EMULATED : INSN_STEPPED;
	if (in->zi.mnemonic == ZYDIS_MNEMONIC_NOP && !has_prefix(in, 0xf2) && !has_prefix(in, 0xf3)) {
		if (legacy(in, 0x90))
			return INSN_EMULATED;
		if (nops_emulated && map_0f(in) && in->zi.opcode == 0x1f)
			return INSN_EMULATED;
	}
	return INSN_STEPPED;
}

enum insn_probe insn_probe(const struct insn *in, bool nops_emulated)
{
	struct raw raw;

	return raw_decode(in->bytes, in->len, &raw) ? raw_probe(&raw, nops_emulated) : INSN_REFUSED;
}

/* --- what it does */

/* The 64-bit register that holds this one, by its encoding; -1 if it is no general-purpose register. */
static int gpr(ZydisRegister r)
{
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	return ZydisRegisterGetClass(full) == ZYDIS_REGCLASS_GPR64 ? ZydisRegisterGetId(full) : -1;
}

static uint32_t mask(ZydisRegister r)
{
	int reg = gpr(r);

	return reg >= 0 ? 1u << reg : 0;
}

static bool is_rsp(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value == ZYDIS_REGISTER_RSP;
}

static bool is_same_register(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
	return a->type == ZYDIS_OPERAND_TYPE_REGISTER && b->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       a->reg.value == b->reg.value;
}

static enum insn_class class_of(const struct raw *in)
{
	switch (in->zi.meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return INSN_CALL;
	case ZYDIS_CATEGORY_RET:
		return INSN_RETURN;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return INSN_JUMP;
	case ZYDIS_CATEGORY_COND_BR:
		return INSN_BRANCH;
	case ZYDIS_CATEGORY_SYSCALL:
		return INSN_SYSCALL;
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
		return INSN_STOPS;
	default:
		return in->zi.mnemonic == ZYDIS_MNEMONIC_UD0 || in->zi.mnemonic == ZYDIS_MNEMONIC_UD1 ||
		       in->zi.mnemonic == ZYDIS_MNEMONIC_UD2 || in->zi.mnemonic == ZYDIS_MNEMONIC_HLT ||
		       in->zi.mnemonic == ZYDIS_MNEMONIC_XBEGIN || in->zi.mnemonic == ZYDIS_MNEMONIC_XABORT ?
		       INSN_STOPS : INSN_PLAIN;
	}
}

static enum insn_op kind_of(const struct raw *in)
{
	switch (in->zi.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		return INSN_MOVE;
	case ZYDIS_MNEMONIC_LEA:
		return INSN_ADDRESS;
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_SUB:
		return is_same_register(&in->op[0], &in->op[1]) ? INSN_CLEAR : INSN_OTHER;
	case ZYDIS_MNEMONIC_IMUL:
		return in->zi.operand_count_visible == 2 ? INSN_MULTIPLY : INSN_OTHER;
	case ZYDIS_MNEMONIC_MUL:
		return INSN_MULTIPLY_WIDE;
	case ZYDIS_MNEMONIC_ADC:
		return INSN_ADD_CARRY;
	case ZYDIS_MNEMONIC_CMP:
		return INSN_COMPARE;
	case ZYDIS_MNEMONIC_TEST:
		return INSN_TEST;
	case ZYDIS_MNEMONIC_XCHG:
		return INSN_EXCHANGE;
	case ZYDIS_MNEMONIC_PUSH:
		return INSN_PUSH;
	case ZYDIS_MNEMONIC_POP:
		return INSN_POP;
	case ZYDIS_MNEMONIC_LEAVE:
		return INSN_LEAVE;
	case ZYDIS_MNEMONIC_NOP:
		return INSN_NOP;
	case ZYDIS_MNEMONIC_INT3:
		return INSN_BREAK;
	case ZYDIS_MNEMONIC_ENDBR64:
		return INSN_LANDING;
	default:
		return in->zi.meta.category == ZYDIS_CATEGORY_CMOV ? INSN_SELECT : INSN_OTHER;
	}
}

static enum insn_cond cond_of(ZydisMnemonic jcc)
{
	switch (jcc) {
	case ZYDIS_MNEMONIC_JZ:
		return COND_EQUAL;
	case ZYDIS_MNEMONIC_JNZ:
		return COND_NOT_EQUAL;
	case ZYDIS_MNEMONIC_JB:
		return COND_BELOW;
	case ZYDIS_MNEMONIC_JNB:
		return COND_NOT_BELOW;
	case ZYDIS_MNEMONIC_JNBE:
		return COND_ABOVE;
	case ZYDIS_MNEMONIC_JBE:
		return COND_NOT_ABOVE;
	default:
		return COND_OTHER;
	}
}

static void set_registers(const struct raw *raw, struct insn *in)
{
	for (size_t i = 0; i < raw->zi.operand_count; i++) {
		const ZydisDecodedOperand *op = &raw->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			in->reads |= mask(op->mem.base) | mask(op->mem.index);
		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		if (op->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
			in->reads |= mask(op->reg.value);
		if (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
			in->writes |= mask(op->reg.value);
	}
	if (in->kind == INSN_NOP || in->kind == INSN_CLEAR)
		in->reads = 0;
}

static void set_operand(const struct insn *in, const ZydisDecodedOperand *op, struct insn_operand *to)
{
	to->reg = -1;
	to->bits = op->size;
	to->written = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
		to->kind = OPERAND_REG;
		to->reg = (int8_t)gpr(op->reg.value);
	} else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		to->kind = OPERAND_CONST;
		to->value = op->imm.value.s;
	} else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		to->kind = OPERAND_MEM;
		to->reg = (int8_t)gpr(op->mem.base);
		to->indexed = op->mem.index != ZYDIS_REGISTER_NONE;
		to->apart = op->mem.segment == ZYDIS_REGISTER_FS || op->mem.segment == ZYDIS_REGISTER_GS;
		to->fixed = op->mem.base == ZYDIS_REGISTER_RIP && !to->indexed;
		to->value = op->mem.disp.value;
		if (to->fixed)
			to->value += (int64_t)(in->vaddr + in->len);
	}
}

static bool rsp_change(const struct raw *in, int64_t *delta)
{
	const ZydisDecodedOperand *src = &in->op[1];

	switch (in->zi.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_PUSHFQ:
		*delta = in->zi.operand_width == 16 ? -2 : -8;
		return true;
	case ZYDIS_MNEMONIC_POP:
	case ZYDIS_MNEMONIC_POPFQ:
		*delta = in->zi.operand_width == 16 ? 2 : 8;
		return in->zi.mnemonic == ZYDIS_MNEMONIC_POPFQ || !is_rsp(&in->op[0]);
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_SUB:
		if (!is_rsp(&in->op[0]) || src->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return false;
		if (src->imm.value.s > INT32_MAX || src->imm.value.s < INT32_MIN)
			return false;
		*delta = in->zi.mnemonic == ZYDIS_MNEMONIC_SUB ? -src->imm.value.s : src->imm.value.s;
		return true;
	case ZYDIS_MNEMONIC_LEA:
		if (!is_rsp(&in->op[0]) || src->mem.base != ZYDIS_REGISTER_RSP ||
		    src->mem.index != ZYDIS_REGISTER_NONE)
			return false;
		*delta = src->mem.disp.value;
		return true;
	default:
		return false;
	}
}

/* A branch whose target is in it. */
static void set_target(const struct raw *raw, struct insn *in)
{
	const ZydisDecodedOperand *op = &raw->op[0];

	in->has_target = raw->zi.operand_count && op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op->imm.is_relative;
	if (in->has_target)
		in->target = in->vaddr + in->len + (uint64_t)op->imm.value.s;
}

bool insn_decode(const uint8_t *code, size_t size, uint64_t vaddr, struct insn *in)
{
	const ZydisAccessedFlags *f;
	struct raw raw;

	if (!raw_decode(code, size, &raw))
		return false;
	*in = (struct insn){
		.vaddr = vaddr, .len = (uint8_t)raw.len, .class = class_of(&raw), .kind = kind_of(&raw),
		.cond = cond_of(raw.zi.mnemonic), .width = raw.zi.operand_width, .sp_known = true,
		.is_switch = raw.zi.attributes & ZYDIS_ATTRIB_HAS_NOTRACK,
	};
	memcpy(in->bytes, code, raw.len);
	f = raw.zi.cpu_flags;
	in->flags = f && (f->modified | f->set_0 | f->set_1 | f->undefined);
	set_registers(&raw, in);
	for (size_t i = 0; i < 2; i++)
		set_operand(in, &raw.op[i], &in->op[i]);
	set_target(&raw, in);
	if (in->writes & 1u << ARCH_REG_SP)
		in->sp_known = rsp_change(&raw, &in->sp_delta);
	return true;
}

void insn_text(const struct insn *in, char *text, size_t size)
{
	ZydisFormatter f;
	struct raw raw;

	if (!raw_decode(in->bytes, in->len, &raw) || ZYAN_FAILED(ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_ATT)) ||
	    ZYAN_FAILED(ZydisFormatterFormatInstruction(&f, &raw.zi, raw.op, raw.zi.operand_count_visible, text, size,
							in->vaddr, NULL)))
		strncpy(text, "?", size);
}

/* xor %ebp,%ebp */
bool insn_clears_fp(const uint8_t *code, size_t size)
{
	return size >= 2 && (code[0] == 0x31 || code[0] == 0x33) && code[1] == 0xed;
}

/* An instruction with the operand disp(%rsp), of which the first bytes are given, for either size of disp: its length,
 * 0 if it is another one. */
static uint8_t is_at_sp(const uint8_t *code, uint8_t opcode, uint64_t disp)
{
	int32_t wide;

	if (code[0] != 0x48 || code[1] != opcode || code[3] != 0x24)
		return 0;
	if (code[2] == 0x6c && disp < 0x80)
		return code[4] == disp ? 5 : 0;
	memcpy(&wide, code + 4, sizeof(wide));
	return code[2] == 0xac && wide >= 0 && (uint64_t)wide == disp ? 8 : 0;
}

bool insn_go_frame(const uint8_t code[INSN_GO_FRAME], uint64_t depth, struct insn_go_frame *frame)
{
	static const uint8_t copy[] = {0x48, 0x89, 0xe5};	/* mov %rsp,%rbp */

	*frame = (struct insn_go_frame){0};
	if (depth == 8 && code[0] == 0x55) {	/* push %rbp */
		frame->set = memcmp(code + 1, copy, sizeof(copy)) ? 0 : sizeof(copy);
		return true;
	}
	if (depth < 8)
		return false;
	/* mov %rbp,disp(%rsp); lea disp(%rsp),%rbp */
	frame->saved = is_at_sp(code + 1, 0x89, depth - 8);
	if (frame->saved && is_at_sp(code + 1 + frame->saved, 0x8d, depth - 8))
		frame->set = frame->saved + is_at_sp(code + 1 + frame->saved, 0x8d, depth - 8);
	return frame->saved;
}
