/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the paths through code lead (flow.c), and what its calls reach (reach.c), on arbitrary bytes: a whole
 * ELF file if they begin like one, otherwise the code of one (-max_len=4096 -runs=12000):
 *
 *     | u8 flags | u8 offset of a known function | u8 of another | u8 of one that never returns | code |
 *
 * Code that is simple enough is run as well, with the arguments that the input gives: the end that it comes to must be
 * among those that were found, under the conditions that these arguments meet.
 */
#include <elf.h>

#include "arch/insn.h"
#include "base/log.h"
#include "elf/symbols.h"
#include "probe/reach.h"

#include "fuzz.h"
#include "zydis_insn.h"

#define HEADER 4
#define WALK_INSNS 100
#define RUN_INSNS 60
#define VALUES_MAX 24	/* of an argument that are tried */
#define HELPERS_MAX 64
#define N_KNOWN 2

/* An input that is code. */
struct raw {
	const uint8_t *code;
	size_t size;
	uint64_t vaddr, known[N_KNOWN], noreturn;
};

/* What flow.c and reach.c found of one function. */
struct found {
	uint64_t entry;
	struct flow_result flow;
	struct reach_result reach;
};

/* --- what was found */

static void check_passed(const struct flow_passed *p)
{
	require(p->kind <= FLOW_PASSES_CONST);
	require(p->kind != FLOW_PASSES_ARG || p->a < SITE_MAX_ARGS);
	require(p->kind != FLOW_PASSES_PRODUCT || (p->a < SITE_MAX_ARGS && p->b < SITE_MAX_ARGS));
}

static void check_end(const struct elf_file *ef, const struct flow_end *e)
{
	const bool known = e->kind == FLOW_CALLS || e->kind == FLOW_TAIL;

	require(e->kind <= FLOW_LOST);
	require(known ? e->id >= 0 && e->id < N_KNOWN : e->id == -1);
	require(e->kind == FLOW_LOST || (flow_is_code(ef, e->vaddr) && e->next > e->vaddr && e->next - e->vaddr <= 15));
	for (int i = 0; i < SITE_MAX_ARGS; i++) {
		require(e->arg[i].lo <= e->arg[i].hi);
		check_passed(&e->passed[i]);
	}
}

static void check_result(const struct elf_file *ef, const struct flow_result *r, uint64_t entry)
{
	require(r->helpers.n <= HELPERS_MAX);
	require(r->reached >= entry && r->reached - entry < 4096 + 15);
	for (size_t i = 0; i < r->ends.n; i++)
		check_end(ef, &r->ends.at[i]);
	for (size_t i = 0; i < r->helpers.n; i++)
		for (size_t k = 0; k < i; k++)
			require(r->helpers.at[i] != r->helpers.at[k]);
}

static void check_same(const struct flow_result *a, const struct flow_result *b)
{
	require(a->ends.n == b->ends.n && a->helpers.n == b->helpers.n);
	require(!a->ends.n || !memcmp(a->ends.at, b->ends.at, a->ends.n * sizeof(*a->ends.at)));
	require(a->indirect == b->indirect && a->doubt == b->doubt && a->reached == b->reached);
}

static void check_parts(const struct reach_result *r)
{
	for (size_t i = 0; i < r->parts.n; i++) {
		require(r->parts.at[i].lo < r->parts.at[i].hi);
		require(!i || r->parts.at[i].lo > r->parts.at[i - 1].hi);
	}
}

/* --- the code run */

struct machine {
	const struct raw *raw;
	uint64_t pc, next;
	uint64_t reg[ARCH_REGS];	/* rsp is 0 at the entry, where the return address is */
	uint8_t stack[256];
	bool zero, carry;
};

/* Where the stack holds the 8 bytes at the address; NULL: outside of the frame, at entry and below. */
static uint8_t *stack_at(struct machine *m, uint64_t addr)
{
	return -addr >= 8 && -addr <= sizeof(m->stack) ? m->stack + sizeof(m->stack) + (int64_t)addr : NULL;
}

static bool is_whole_gpr(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->size == 64 && zydis_gpr(op->reg.value) >= 0;
}

static bool is_frame(const struct machine *m, const ZydisDecodedOperand *op, uint64_t *addr)
{
	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->size != 64 || op->mem.base != ZYDIS_REGISTER_RSP ||
	    op->mem.index != ZYDIS_REGISTER_NONE || op->mem.segment != ZYDIS_REGISTER_SS)
		return false;
	*addr = m->reg[ARCH_REG_SP] + (uint64_t)op->mem.disp.value;
	return true;
}

static bool get(struct machine *m, const ZydisDecodedOperand *op, uint64_t *value)
{
	uint64_t addr;

	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		*value = op->imm.value.u;
		return true;
	}
	if (is_whole_gpr(op)) {
		*value = m->reg[zydis_gpr(op->reg.value)];
		return true;
	}
	if (!is_frame(m, op, &addr) || !stack_at(m, addr))
		return false;
	memcpy(value, stack_at(m, addr), 8);
	return true;
}

static bool put(struct machine *m, const ZydisDecodedOperand *op, uint64_t value)
{
	uint64_t addr;

	if (is_whole_gpr(op)) {
		m->reg[zydis_gpr(op->reg.value)] = value;
		return zydis_gpr(op->reg.value) != ARCH_REG_SP;
	}
	if (!is_frame(m, op, &addr) || !stack_at(m, addr))
		return false;
	memcpy(stack_at(m, addr), &value, 8);
	return true;
}

static bool taken(const struct machine *m, ZydisMnemonic mnemonic, bool *jumps)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_JZ: *jumps = m->zero; return true;
	case ZYDIS_MNEMONIC_JNZ: *jumps = !m->zero; return true;
	case ZYDIS_MNEMONIC_JB: *jumps = m->carry; return true;
	case ZYDIS_MNEMONIC_JNB: *jumps = !m->carry; return true;
	case ZYDIS_MNEMONIC_JBE: *jumps = m->carry || m->zero; return true;
	case ZYDIS_MNEMONIC_JNBE: *jumps = !m->carry && !m->zero; return true;
	default: return false;
	}
}

/* An instruction that is no branch. false: it is not run. */
static bool run_plain(struct machine *m, const struct zydis_insn *in)
{
	const ZydisDecodedOperand *dst = &in->op[0], *src = &in->op[1];
	uint64_t a, b, *rsp = &m->reg[ARCH_REG_SP];

	switch (in->zi.mnemonic) {
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_ENDBR64:
		return true;
	case ZYDIS_MNEMONIC_MOV:
		return get(m, src, &a) && put(m, dst, a);
	case ZYDIS_MNEMONIC_LEA:
		return src->mem.base == ZYDIS_REGISTER_RSP && src->mem.index == ZYDIS_REGISTER_NONE &&
		       put(m, dst, *rsp + (uint64_t)src->mem.disp.value);
	case ZYDIS_MNEMONIC_PUSH:
		if (in->zi.operand_width != 64 || !get(m, dst, &a) || !stack_at(m, *rsp - 8))
			return false;
		*rsp -= 8;
		memcpy(stack_at(m, *rsp), &a, 8);
		return true;
	case ZYDIS_MNEMONIC_POP:
		if (in->zi.operand_width != 64 || !stack_at(m, *rsp) || !is_whole_gpr(dst))
			return false;
		memcpy(&a, stack_at(m, *rsp), 8);
		*rsp += 8;
		return put(m, dst, a);
	case ZYDIS_MNEMONIC_CMP:
	case ZYDIS_MNEMONIC_SUB:
		if (dst->size != 64 || !get(m, dst, &a) || !get(m, src, &b))
			return false;
		m->zero = a == b;
		m->carry = a < b;
		return in->zi.mnemonic == ZYDIS_MNEMONIC_CMP || put(m, dst, a - b);
	case ZYDIS_MNEMONIC_ADD:
		if (dst->size != 64 || !get(m, dst, &a) || !get(m, src, &b))
			return false;
		m->carry = __builtin_add_overflow(a, b, &a);
		m->zero = !a;
		return put(m, dst, a);
	case ZYDIS_MNEMONIC_TEST:
	case ZYDIS_MNEMONIC_XOR:
		if (dst->size != 64 || !get(m, dst, &a) || !get(m, src, &b))
			return false;
		a = in->zi.mnemonic == ZYDIS_MNEMONIC_XOR ? a ^ b : a & b;
		m->zero = !a;
		m->carry = false;
		return in->zi.mnemonic == ZYDIS_MNEMONIC_TEST || put(m, dst, a);
	default:
		return false;
	}
}

/* By how much an instruction moves rsp is in it, or it is not run. */
static bool run_step(struct machine *m, const struct insn *in)
{
	const struct zydis_insn z = zydis_insn(in->bytes, in->len);
	const bool moves = z.op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && z.op[0].reg.value == ZYDIS_REGISTER_RSP &&
			   (z.zi.mnemonic == ZYDIS_MNEMONIC_LEA || z.zi.mnemonic == ZYDIS_MNEMONIC_ADD ||
			    z.zi.mnemonic == ZYDIS_MNEMONIC_SUB);

	if (!moves)
		return run_plain(m, &z);
	if (!in->sp_known)
		return false;
	run_plain(m, &z);
	return true;
}

enum run { RUN_GOES_ON, RUN_STOPS, RUN_RETURNS, RUN_CALLS, RUN_JUMPS };

/* Where a call or jump leads to; *id becomes the known function. */
static enum run go(struct machine *m, uint64_t entry, uint64_t target, bool call, int *id)
{
	for (*id = 0; *id < N_KNOWN; ++*id)
		if (m->raw->known[*id] == target && (call || target != entry))
			return call ? RUN_CALLS : RUN_JUMPS;
	if (call || target == m->raw->noreturn)
		return RUN_STOPS;
	m->next = target;
	return RUN_GOES_ON;
}

static enum run run_insn(struct machine *m, uint64_t entry, int *id)
{
	const uint64_t off = m->pc - m->raw->vaddr;
	struct insn in;
	uint64_t target;
	bool jumps = true;

	if (off >= m->raw->size || !insn_decode(m->raw->code + off, m->raw->size - off, m->pc, &in))
		return RUN_STOPS;
	m->next = m->pc + in.len;
	if (in.class == INSN_RETURN)
		return RUN_RETURNS;
	if (insn_is_call(&in, &target))
		return go(m, entry, target, true, id);
	if (!insn_is_jump(&in, &target))
		return run_step(m, &in) ? RUN_GOES_ON : RUN_STOPS;
	if (in.class == INSN_BRANCH && !taken(m, zydis_insn(in.bytes, in.len).zi.mnemonic, &jumps))
		return RUN_STOPS;
	return jumps ? go(m, entry, target, false, id) : RUN_GOES_ON;
}

static bool passes(const struct flow_passed *p, uint64_t is, const uint64_t args[])
{
	if (p->kind == FLOW_PASSES_ARG)
		return is == args[p->a] || (is == 1 && !args[p->a]);
	return p->kind != FLOW_PASSES_CONST || is == p->value;
}

static bool agrees(const struct machine *m, const struct flow_end *e, enum run how, int id, const uint64_t args[])
{
	static const enum flow_kind kinds[] = {[RUN_RETURNS] = FLOW_RETURNS, [RUN_CALLS] = FLOW_CALLS,
					       [RUN_JUMPS] = FLOW_TAIL};

	for (int i = 0; i < SITE_MAX_ARGS; i++)
		if (args[i] < e->arg[i].lo || args[i] > e->arg[i].hi)
			return false;
	if (e->kind == FLOW_LOST)
		return true;
	if (e->vaddr != m->pc)
		return false;
	if (e->kind == FLOW_CONST)
		return how == RUN_RETURNS && e->value == m->reg[abi_c.result];
	for (int i = 0; how != RUN_RETURNS && i < SITE_MAX_ARGS; i++)
		if (!passes(&e->passed[i], m->reg[abi_c.arg[i]], args))
			return false;
	return e->kind == kinds[how] && (how == RUN_RETURNS || e->id == id);
}

static bool is_reached(const struct reach_result *r, uint64_t pc)
{
	for (size_t i = 0; i < r->parts.n; i++)
		if (pc >= r->parts.at[i].lo && pc < r->parts.at[i].hi)
			return true;
	return false;
}

static void run(const struct raw *raw, const struct found *f, const uint64_t args[SITE_MAX_ARGS])
{
	struct machine m = {.raw = raw, .next = f->entry};
	enum run how = RUN_GOES_ON;
	bool found = false;
	int id = -1;

	for (int i = 0; i < ARCH_REGS; i++)
		m.reg[i] = 0x5555000000000000 + (uint64_t)i;
	m.reg[ARCH_REG_SP] = 0;
	for (int i = 0; i < SITE_MAX_ARGS; i++)
		m.reg[abi_c.arg[i]] = args[i];
	for (int i = 0; i < RUN_INSNS && how == RUN_GOES_ON; i++) {
		m.pc = m.next;
		how = run_insn(&m, f->entry, &id);
		require(how == RUN_STOPS || is_reached(&f->reach, m.pc));
	}
	if (how == RUN_GOES_ON || how == RUN_STOPS)
		return;
	for (size_t i = 0; i < f->flow.ends.n && !found; i++)
		found = agrees(&m, &f->flow.ends.at[i], how, id, args);
	require(found);
	require(how != RUN_CALLS || raw->known[id] == f->entry || f->reach.calls_out);
	require(how != RUN_JUMPS || f->reach.jumps_known);
}

/* With arguments around what the code has constants of. */
static void run_all(const struct raw *raw, const struct found *f)
{
	uint64_t pool[VALUES_MAX + 3] = {0, 1, UINT64_MAX}, args[SITE_MAX_ARGS];
	size_t n = 3;
	struct insn in;

	for (size_t off = 0; off < raw->size; off += in.len) {
		if (!insn_decode(raw->code + off, raw->size - off, 0, &in))
			break;
		if (in.op[1].kind == OPERAND_CONST)
			for (int add = -1; add <= 1 && n < VALUES_MAX; add++)
				pool[n++] = (uint64_t)in.op[1].value + (uint64_t)(int64_t)add;
	}
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < SITE_MAX_ARGS; i++)
			args[i] = pool[(k + i * (k + 1)) % n];
		run(raw, f, args);
	}
}

/* --- both */

/* raw: NULL if the input is a file. */
static void try_entry(const struct elf_file *ef, struct flow_file *ff, struct reach *reach, const struct raw *raw,
		      uint64_t entry)
{
	struct found f = {.entry = entry};
	struct flow_result again;

	flow_walk(ff, entry, WALK_INSNS, &f.flow);
	flow_walk(ff, entry, WALK_INSNS, &again);
	check_result(ef, &f.flow, entry);
	check_same(&f.flow, &again);
	reach_function(reach, entry, &f.reach);
	check_parts(&f.reach);
	if (raw)
		run_all(raw, &f);
	flow_result_free(&f.flow);
	flow_result_free(&again);
	reach_result_free(&f.reach);
}

static void try_file(const uint8_t *data, size_t size, const struct raw *raw)
{
	static const char *const names[] = {"malloc", "other", "weak"}, *const tried[] = {"shown", "both", "main"};
	struct elf_symbol found[3] = {0};
	struct elf_imports *imports;
	struct flow_file *ff;
	struct elf_file *ef;
	struct reach *reach;

	if (elf_file_open_memory(data, size, "fuzz", &ef))
		return;
	if (elf_imports_load(ef, &imports))
		imports = NULL;
	ff = flow_open(ef, imports);
	for (int i = 0; i < N_KNOWN; i++)
		flow_add_function(ff, i, names[i], raw ? raw->known[i] : 0);
	flow_add_noreturn(ff, names[2], raw ? raw->noreturn : 0);
	reach = reach_new(ff);
	try_entry(ef, ff, reach, raw, raw ? raw->vaddr : elf_file_entry(ef));
	if (!raw && elf_find_functions(ef, tried, 3, found) == 0)
		for (int i = 0; i < 3; i++)
			try_entry(ef, ff, reach, NULL, found[i].vaddr);
	reach_free(reach);
	flow_close(ff);
	elf_imports_free(imports);
	elf_file_close(ef);
}

static void try_code(const uint8_t *data, size_t size)
{
	struct raw raw = {.code = data + HEADER, .size = size - HEADER, .vaddr = 0x400000};
	const size_t head = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), total = head + raw.size;
	uint8_t *file = calloc(1, total);
	Elf64_Ehdr eh = {.e_ident = ELFMAG, .e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(eh), .e_ehsize = sizeof(eh), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1};
	Elf64_Phdr ph = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = head, .p_filesz = raw.size,
		.p_memsz = raw.size, .p_align = 1};

	/* At the end of a page, where the code of two is put together. */
	if (data[0] & 1)
		raw.vaddr -= 40;
	for (int i = 0; i < N_KNOWN; i++)
		raw.known[i] = raw.vaddr + data[1 + i];
	raw.noreturn = raw.vaddr + data[3];
	require(file);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	ph.p_vaddr = raw.vaddr;
	memcpy(file, &eh, sizeof(eh));
	memcpy(file + sizeof(eh), &ph, sizeof(ph));
	memcpy(file + head, raw.code, raw.size);
	try_file(file, total, &raw);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	log_set_level(LOG_QUIET);
	if (size <= HEADER)
		return 0;
	copy = exact_copy(data, size);
	if (!memcmp(data, ELFMAG, SELFMAG))
		try_file(copy, size, NULL);
	else
		try_code(copy, size);
	free(copy);
	return 0;
}
