// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/goroutine.h"

#include <stdlib.h>

#include "arch/insn.h"

#define BODY_MAX 4096		/* bytes of a function that are looked at */
#define FIELD_MIN 64		/* what is looked for in struct g lies behind its stack's bounds and its registers */
#define FIELD_MAX 2048		/* struct g has some 450 bytes */
#define M_MAX 1024		/* m.curg is at 184 or 192 */

enum { SYSTEMSTACK, CREATED, SET_LABELS, LABELS_TEXT, MAP_FIRST, MAP_NEXT, SWISS_FIRST, SWISS_NEXT, NAMES };

static bool is_register(const struct insn_operand *op)
{
	return op->kind == OPERAND_REG && op->reg >= 0 && op->bits == 64;
}

/* A word at `value` bytes from what a register points to. */
static bool is_field(const struct insn_operand *op, int64_t least, int64_t most)
{
	return op->kind == OPERAND_MEM && op->reg >= 0 && op->reg != ARCH_REG_SP && op->bits == 64 && !op->indexed &&
	       !op->apart && !op->fixed && op->value >= least && op->value < most && op->value % 8 == 0;
}

static bool is_load(const struct insn *in, int64_t least, int64_t most)
{
	return in->kind == INSN_MOVE && is_register(&in->op[0]) && is_field(&in->op[1], least, most);
}

struct of_thread {
	int g, m;		/* registers; -1: not loaded yet */
	unsigned int compared;
};

/* True: all is known. */
static bool see_thread(struct of_thread *t, const struct insn *in, struct plan_goroutine *out)
{
	const struct insn_operand *a = &in->op[0], *b = &in->op[1];

	if (t->g < 0) {
		if (in->kind != INSN_MOVE || !is_register(a) || b->kind != OPERAND_MEM || !b->apart || b->bits != 64)
			return false;
		t->g = a->reg;
		out->tls = b->reg < 0 && !b->indexed && b->value < 0 && b->value >= INT16_MIN ? (int16_t)b->value : 0;
	} else if (t->m < 0) {
		if (!is_load(in, 8, M_MAX) || b->reg != t->g)
			return false;
		t->m = a->reg;
		out->m = (uint16_t)b->value;
	} else if (in->kind == INSN_COMPARE && is_register(a) && a->reg == t->g && is_field(b, 8, M_MAX) &&
		   b->reg == t->m && ++t->compared == 2) {
		out->curg = (uint16_t)b->value;
		return true;
	}
	return false;
}

bool goroutine_of_thread(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out)
{
	struct of_thread t = {.g = -1, .m = -1};
	struct insn in;

	for (size_t at = 0; insn_decode(code + at, size - at, vaddr + at, &in); at += in.len) {
		const int g = t.g, m = t.m;

		if (in.class != INSN_PLAIN && in.class != INSN_BRANCH)
			return false;
		if (see_thread(&t, &in, out))
			return true;
		if ((g >= 0 && in.writes & 1u << g) || (m >= 0 && in.writes & 1u << m))
			return false;
	}
	return false;
}

bool goroutine_identity(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out)
{
	bool called = false, found = false;
	struct insn in;

	out->gopc = out->goid = 0;
	for (size_t at = 0; insn_decode(code + at, size - at, vaddr + at, &in); at += in.len) {
		called |= in.class == INSN_CALL;
		if (!called && !out->gopc && is_load(&in, FIELD_MIN, FIELD_MAX))
			out->gopc = (uint16_t)in.op[1].value;
		if (in.kind != INSN_COMPARE || !is_field(&in.op[0], FIELD_MIN, FIELD_MAX) ||
		    in.op[1].kind != OPERAND_CONST || in.op[1].value != 1)
			continue;
		if (found)
			return false;
		found = true;
		out->goid = (uint16_t)in.op[0].value;
	}
	return out->gopc && found && out->goid != out->gopc;
}

bool goroutine_labels(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out)
{
	struct insn in;

	for (size_t at = 0; insn_decode(code + at, size - at, vaddr + at, &in); at += in.len) {
		if (in.kind != INSN_MOVE || !is_field(&in.op[0], FIELD_MIN, FIELD_MAX) || !is_register(&in.op[1]))
			continue;
		out->labels = (uint16_t)in.op[0].value;
		return true;
	}
	return false;
}

static bool look(const struct elf_file *ef, const struct go_function *f, struct plan_goroutine *out,
		 bool (*at)(const uint8_t *code, size_t size, uint64_t vaddr, struct plan_goroutine *out))
{
	uint8_t *code;
	size_t size;
	bool found;

	if (!f->name)
		return false;
	code = gopclntab_body(ef, f, BODY_MAX, &size);
	found = at(code, size, f->entry, out);
	free(code);
	return found;
}

static bool is_one_of(uint64_t vaddr, const struct go_function *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].name && f[i].entry == vaddr)
			return true;
	return false;
}

/* f: by the numbers above. Up to Go 1.23 labels are a map, which the text of them is made of one by one. */
static bool labels_are_map(const struct elf_file *ef, const struct go_function *f)
{
	const struct go_function *text = &f[LABELS_TEXT];
	size_t size, at = 0;
	uint8_t *code = gopclntab_body(ef, text, BODY_MAX, &size);
	uint64_t target;
	bool is = false;
	struct insn in;

	for (; !is && insn_decode(code + at, size - at, text->entry + at, &in); at += in.len)
		is = insn_is_call(&in, &target) && is_one_of(target, f + MAP_FIRST, NAMES - MAP_FIRST);
	free(code);
	return is;
}

void goroutine_find(const struct elf_file *ef, const struct gopclntab *g, struct plan_goroutine *out)
{
	static const char *const names[NAMES] = {
		[SYSTEMSTACK] = "runtime.systemstack", [CREATED] = "runtime.printcreatedby",
		[SET_LABELS] = "runtime/pprof.runtime_setProfLabel",
		[LABELS_TEXT] = "runtime/pprof.(*labelMap).String",
		[MAP_FIRST] = "runtime.mapiterinit", [MAP_NEXT] = "runtime.mapiternext",
		[SWISS_FIRST] = "runtime.mapIterStart", [SWISS_NEXT] = "runtime.mapIterNext",
	};
	struct go_function f[NAMES];

	*out = (struct plan_goroutine){0};
	gopclntab_find_names(g, names, NAMES, f);
	if (!look(ef, &f[SYSTEMSTACK], out, goroutine_of_thread) || !look(ef, &f[CREATED], out, goroutine_identity)) {
		*out = (struct plan_goroutine){0};
		return;
	}
	out->known = true;
	if (!f[SET_LABELS].name)
		out->labels_form = GO_LABELS_NONE;
	else if (!look(ef, &f[SET_LABELS], out, goroutine_labels) || !f[LABELS_TEXT].name)
		out->labels_form = GO_LABELS_UNKNOWN;
	else
		out->labels_form = labels_are_map(ef, f) ? GO_LABELS_MAP : GO_LABELS_LIST;
}
