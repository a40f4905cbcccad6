/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What decodes a function's code, on arbitrary bytes: the site chooser, the calls and jumps of a function, frame
 * pointers, hooks, where a goroutine's number is (-max_len=512 -runs=25000).
 *
 *     | u8 flags | u8 arguments that are wanted | u8 those that may be NULL | u8 an offset | code |
 */
#include <errno.h>

#include "arch/insn.h"
#include "elf/goroutine.h"
#include "kern/livecode.h"
#include "probe/keeps.h"
#include "probe/site.h"

#include "fuzz.h"
#include "zydis_insn.h"

#define HEADER 4
#define SHIFT 0x10000000	/* to another address */
#define LINE_MAX_INSNS 512
#define EDGES_MAX 512
#define STEPS_MAX 200

enum { FLAG_NOPS = 1, FLAG_KEEP_RSP = 2, FLAG_HIGH = 4, FLAG_LOW = 8 };

static bool writes_rip(const struct insn *in)
{
	const struct zydis_insn z = zydis_insn(in->bytes, in->len);

	for (size_t i = 0; i < z.zi.operand_count; i++)
		if (z.op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && z.op[i].reg.value == ZYDIS_REGISTER_RIP &&
		    (z.op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return true;
	return false;
}

/* --- the site */

/* The instructions from the entry up to the site: lines[n - 1] is the last one before it. */
static struct insn line[LINE_MAX_INSNS + 1];

static size_t decode_line(const struct site_request *req, const struct site *s)
{
	size_t n = 0;

	for (size_t off = 0;; off += line[n++].len) {
		require(off <= s->offset && n <= LINE_MAX_INSNS);
		require(insn_decode(req->code + off, req->size - off, req->vaddr + off, &line[n]));
		if (off == s->offset)
			return n;
		require(!writes_rip(&line[n]) || line[n].class == INSN_BRANCH);
	}
}

/* Back from the site to the entry: which register held then what reg holds now. */
static int origin(size_t n, int reg)
{
	while (n-- > 0) {
		const struct zydis_insn z = zydis_insn(line[n].bytes, line[n].len);
		const ZydisDecodedOperand *op = z.op;
		int dst, src;

		if (insn_is_copy(&line[n], &dst, &src)) {
			reg = dst == reg ? src : reg;
		} else if (z.zi.mnemonic == ZYDIS_MNEMONIC_XCHG && op[0].size == 64 &&
			   op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && op[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
			int a = zydis_gpr(op[0].reg.value), b = zydis_gpr(op[1].reg.value);

			reg = reg == a ? b : reg == b ? a : reg;
		} else {
			require(!(line[n].writes & 1u << reg));
		}
	}
	return reg;
}

static void check_frame(const struct site *s, size_t n)
{
	int64_t pushed = 0;
	bool fp_intact = true;

	for (size_t i = 0; i < n; i++) {
		require(line[i].sp_known);
		pushed -= line[i].sp_delta;
		require(pushed >= 0);
		fp_intact &= !(line[i].writes & 1u << ARCH_REG_FP);
	}
	require(s->pushed == pushed && s->fp_intact == fp_intact);
}

/* Of a nop: the other prefixes make another instruction of it. */
static bool is_nop_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0x64 || byte == 0x65 || (byte & 0xf0) == 0x40;
}

/* By the bytes alone: what the kernel emulates. */
static bool is_emulated(const uint8_t *code, size_t len, bool nops)
{
	const bool rex_b = code[0] == 0x41;

	if ((code[rex_b] & 0xf8) == 0x50)
		return len == 1u + rex_b;
	if (code[0] == 0xe8 || code[0] == 0xe9 || code[0] == 0xeb || (code[0] & 0xf0) == 0x70)
		return true;
	if (code[0] == 0x0f && (code[1] & 0xf0) == 0x80)
		return true;
	for (; len > 1 && is_nop_prefix(*code); code++, len--)
		if (len == 2 && (*code & 0xf1) == 0x41)	/* xchg %rax,%r8 */
			return false;
	return *code == 0x90 || (nops && code[0] == 0x0f && code[1] == 0x1f);
}

static void check_landings(const struct site_request *req, const struct site *s)
{
	struct insn in;
	uint64_t target;

	for (size_t off = 0; off < req->size; off += in.len) {
		if (!insn_decode(req->code + off, req->size - off, req->vaddr + off, &in))
			return;
		if (insn_is_jump(&in, &target) || insn_is_call(&in, &target))
			require(target - req->vaddr - 1 >= s->offset);
	}
}

static void check_site(const struct site_request *req, const struct site *s)
{
	const uint8_t *code = req->code + s->offset;
	size_t n;

	require(s->offset < req->size);
	n = decode_line(req, s);
	require(insn_probe(&line[n], req->nops_emulated) == (s->cost == SITE_EMULATED ? INSN_EMULATED : INSN_STEPPED));
	require((s->cost == SITE_EMULATED) == is_emulated(code, line[n].len, req->nops_emulated));
	for (int i = 0; i < SITE_MAX_ARGS; i++) {
		require((s->arg_reg[i] == SITE_NO_REG) == (req->arg_reg[i] == SITE_NO_REG));
		if (s->arg_reg[i] == SITE_NO_REG)
			continue;
		require(s->arg_reg[i] < ARCH_REGS);
		require(origin(n, s->arg_reg[i]) == req->arg_reg[i]);
	}
	check_frame(s, n);
	check_landings(req, s);
	require(!req->keep_sp || !s->pushed);
	require(s->why && *s->why && *s->insn && memchr(s->insn, 0, sizeof(s->insn)));
}

/* The same code elsewhere; and a site that is final does not depend on the arguments that are wanted. */
static void check_variants(const struct site_request *req, const struct site *s)
{
	struct site_request other = *req;
	struct site moved, none;

	other.vaddr += SHIFT;
	require(!site_choose(&other, &moved));
	require(moved.offset == s->offset && moved.cost == s->cost && moved.repeats == s->repeats);
	require(!memcmp(moved.arg_reg, s->arg_reg, sizeof(s->arg_reg)));
	memset(other.arg_reg, SITE_NO_REG, sizeof(other.arg_reg));
	require(!site_choose(&other, &none));
	if (s->cost == SITE_EMULATED && !s->repeats && !req->null_args)
		require(none.offset == s->offset && none.cost == s->cost);
}

static void try_site(const uint8_t header[HEADER], const uint8_t *code, size_t size, uint64_t vaddr)
{
	struct site_request req = {
		.code = code, .size = size, .vaddr = vaddr, .null_args = header[2],
		.nops_emulated = header[0] & FLAG_NOPS, .keep_sp = header[0] & FLAG_KEEP_RSP,
	};
	struct insn first;
	struct site s;
	bool decodes = insn_decode(code, size, vaddr, &first);

	for (int i = 0; i < SITE_MAX_ARGS; i++)
		req.arg_reg[i] = header[1] & 1 << i ? abi_c.arg[i] : SITE_NO_REG;
	switch (site_choose(&req, &s)) {
	case 0:
		check_site(&req, &s);
		check_variants(&req, &s);
		break;
	case -EINVAL:
		require(!decodes);
		break;
	case -ENOTSUP:
		require(decodes && insn_probe(&first, req.nops_emulated) == INSN_REFUSED);
		break;
	default:
		require(!"another error");
	}
}

/* --- calls and jumps that lead out */

static void try_edges(const uint8_t *code, size_t size, uint64_t vaddr)
{
	static struct site_edge edges[EDGES_MAX];
	size_t n = site_edges(code, size, vaddr, edges, EDGES_MAX);

	require(n <= size && n <= EDGES_MAX);
	require(site_edges(code, size, vaddr, NULL, 0) == n);
	for (size_t i = 0; i < n; i++) {
		const struct site_edge *e = &edges[i];
		struct insn in;

		require(!i || e->offset >= edges[i - 1].next);
		require(e->offset < e->next && e->next <= size);
		require(insn_decode(code + e->offset, size - e->offset, vaddr + e->offset, &in));
		require(writes_rip(&in) && in.len == e->next - e->offset);
		require(e->is_call || e->indirect || e->target - vaddr >= size);
	}
}

/* --- frame pointers */

/* One way through the function, which takes its turns by `turns`. True if it comes to the byte at pc, and not with a
 * frame pointer. */
static bool finds_none(const uint8_t *code, size_t size, size_t pc, uint32_t turns)
{
	bool saved = false, kept = false;
	uint64_t at = 0, target;
	struct insn in;

	for (int i = 0; i < STEPS_MAX && at < size && insn_decode(code + at, size - at, at, &in); i++) {
		const bool writes = in.writes & 1u << ARCH_REG_FP, call = in.class == INSN_CALL;
		const struct zydis_insn z = zydis_insn(in.bytes, in.len);
		const ZydisDecodedOperand *op = z.op;

		if (pc >= at && pc < at + in.len)
			return !kept;
		if (!kept && !call && !writes)
			saved |= (z.zi.mnemonic == ZYDIS_MNEMONIC_PUSH && op[0].reg.value == ZYDIS_REGISTER_RBP) ||
				 (z.zi.mnemonic == ZYDIS_MNEMONIC_MOV && op[1].reg.value == ZYDIS_REGISTER_RBP);
		if (!call && writes)
			kept = saved && !kept && ((z.zi.mnemonic == ZYDIS_MNEMONIC_MOV &&
						   op[1].reg.value == ZYDIS_REGISTER_RSP) ||
						  z.zi.mnemonic == ZYDIS_MNEMONIC_LEA);
		at += in.len;
		if (insn_is_jump(&in, &target)) {
			if (in.class == INSN_JUMP || (turns & 1))
				at = target;
			turns = turns >> 1 | turns << 31;
		} else if (in.class == INSN_JUMP ||
			   in.class == INSN_RETURN) {
			return false;
		}
	}
	return false;
}

static void try_keeps(const uint8_t *code, size_t size, uint64_t vaddr, size_t pc)
{
	bool kept = keeps_frame_pointer(code, size, vaddr, vaddr + pc);

	require(kept == keeps_frame_pointer(code, size, vaddr + SHIFT, vaddr + SHIFT + pc));
	for (uint32_t turns = 0; kept && turns < 64; turns++)
		require(!finds_none(code, size, pc, turns * 0x9e3779b9));
	for (size_t n = 0; n <= size && n <= KEEPS_ROOT_BYTES; n++)
		keeps_root(code + size - n, n);
}

/* --- hooks */

/* The instruction that leaves is the last one of those that take len bytes. */
static void check_branch(const uint8_t *code, size_t size, uint64_t vaddr, char kind, size_t len)
{
	struct insn in = {0};
	size_t off = 0;

	require(kind == 'j' || kind == 'c');
	require(len && len <= size);
	while (off < len) {
		require(!off || !writes_rip(&in));
		require(insn_decode(code + off, size - off, vaddr + off, &in));
		off += in.len;
	}
	require(off == len && writes_rip(&in));
	require((kind == 'c') == (in.class == INSN_CALL));
}

static void try_branch(const uint8_t *code, size_t size, uint64_t vaddr)
{
	bool indirect = false, direct;
	uint64_t to = 0, target, slot;
	struct zydis_insn z;
	struct insn in;
	size_t len = 0;
	char kind = livecode_branch(code, size, vaddr, &to, &indirect, &len);

	if (kind)
		check_branch(code, size, vaddr, kind, len);
	if (!insn_decode(code, size, vaddr, &in))
		return;
	z = zydis_insn(code, size);
	if (z.zi.raw.prefix_count > (z.zi.raw.prefixes[0].value == 0xf2))
		return;
	direct = insn_is_call(&in, &target) ||
		 (insn_is_jump(&in, &target) && in.class == INSN_JUMP);
	if (direct)
		require(kind && !indirect && to == target && len == in.len);
	else if (insn_is_indirect(&in, &slot))
		require(kind && indirect && to == slot && len == in.len);
}

/* --- goroutines */

static bool is_offset(uint64_t value, uint64_t least)
{
	return value >= least && value < 4096 && value % 8 == 0;
}

static void try_goroutine(const uint8_t *code, size_t size, uint64_t vaddr)
{
	struct plan_goroutine g = {0};

	if (goroutine_of_thread(code, size, vaddr, &g))
		require(is_offset(g.m, 8) && is_offset(g.curg, 8) && g.tls <= 0);
	if (goroutine_identity(code, size, vaddr, &g))
		require(is_offset(g.goid, 64) && is_offset(g.gopc, 64) && g.goid != g.gopc);
	if (goroutine_labels(code, size, vaddr, &g))
		require(is_offset(g.labels, 64));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t vaddr = 0x401000;
	uint8_t *code;

	if (size <= HEADER)
		return 0;
	if (data[0] & FLAG_HIGH)
		vaddr = UINT64_MAX - 100;
	else if (data[0] & FLAG_LOW)
		vaddr = 0;
	code = exact_copy(data + HEADER, size - HEADER);
	size -= HEADER;
	try_site(data, code, size, vaddr);
	try_edges(code, size, vaddr);
	try_keeps(code, size, vaddr, data[3]);
	try_goroutine(code, size, vaddr);
	for (size_t off = 0; off < size && off < 64; off++)
		try_branch(code + off, size - off < 16 ? size - off : 16, vaddr + off);
	free(code);
	return 0;
}
