/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mallocgc(size, type, needzero) is called by the runtime for what the program wants. Who calls it says what the type
 * stands for, and where no type is passed (memory without pointers) what it is, or which argument of its own has it:
 *
 *     call in the program        the runtime              passes to mallocgc      shown
 *     new(T), &T{}               newobject                T                       T
 *     append(s, x)               growslice(…, T)          T, or nothing           []T, by the argument
 *     s + t                      concatstrings, …         nothing                 string
 *     interface{}(x)             convT64, convT, …        uint64InterfacePtr, T   uint64 (boxed)
 *     m[k] = v                   mapassign(maptype, …)    map.bucket[K]V, …       map[K]V
 *
 * Of the runtime's own records of allocations no type is known, as if none were passed.
 *
 * The argument is a constant: `lea T(%rip),%reg` shortly before the call. Register and order of arguments depend on the
 * version, and where that is not known on the form of .gopclntab.
 */
#include "sym/gotypes.h"

#include <stdlib.h>
#include <string.h>

#include "arch/insn.h"
#include "elf/gotype.h"

#define BEFORE_CALL 160		/* bytes of code in which the argument is looked for */
#define NAMES_MAX 16		/* frames of the runtime that are looked at */
#define NO_ARG (-1)
#define GROWSLICE_ARG (-2)	/* the first up to Go 1.19, the fifth from 1.20 on */

enum form { FORM_TYPE, FORM_SLICE, FORM_CHAN, FORM_BOXED, FORM_MAP };

/* Functions that call mallocgc for the program. */
static const struct maker {
	const char *name;	/* with a '*' at the end: a prefix */
	enum form form;
	int arg;		/* of its own, that has the type (of a map or channel: the whole) */
	const char *passes_none;	/* what it is then */
} makers[] = {
	{"runtime.newobject", FORM_TYPE, 0, NULL},
	{"reflect.unsafe_New", FORM_TYPE, NO_ARG, NULL},
	{"internal/reflectlite.unsafe_New", FORM_TYPE, NO_ARG, NULL},
	{"runtime.newarray", FORM_SLICE, NO_ARG, NULL},
	{"reflect.unsafe_NewArray", FORM_SLICE, NO_ARG, NULL},
	{"runtime.makeslicecopy", FORM_SLICE, 0, NULL},
	{"runtime.makeslice*", FORM_SLICE, 0, NULL},
	{"runtime.growslice*", FORM_SLICE, GROWSLICE_ARG, NULL},
	{"runtime.makechan*", FORM_CHAN, 0, NULL},
	{"runtime.makemap_small", FORM_MAP, NO_ARG, NULL},
	{"runtime.makemap*", FORM_MAP, 0, NULL},
	{"runtime.mapassign*", FORM_MAP, 0, NULL},
	{"runtime.convTstring", FORM_BOXED, NO_ARG, NULL},
	{"runtime.conv*", FORM_BOXED, NO_ARG, NULL},
	{"runtime.rawstring*", FORM_TYPE, NO_ARG, "string"},
	{"runtime.concatstring*", FORM_TYPE, NO_ARG, "string"},
	{"runtime.slicebytetostring*", FORM_TYPE, NO_ARG, "string"},
	{"runtime.slicerunetostring", FORM_TYPE, NO_ARG, "string"},
	{"runtime.intstring", FORM_TYPE, NO_ARG, "string"},
	{"runtime.gostring*", FORM_TYPE, NO_ARG, "string"},
	{"runtime.rawbyteslice", FORM_TYPE, NO_ARG, "[]byte"},
	{"runtime.stringtoslicebyte*", FORM_TYPE, NO_ARG, "[]byte"},
	{"internal/bytealg.MakeNoZero", FORM_TYPE, NO_ARG, "[]byte"},
	{"runtime.rawruneslice", FORM_TYPE, NO_ARG, "[]rune"},
	{"runtime.stringtoslicerune*", FORM_TYPE, NO_ARG, "[]rune"},
	{"runtime.itabAdd", FORM_TYPE, NO_ARG, "runtime.itabTableType"},
};

/* Of the runtime's own, by what they are parts of. */
static const struct {
	const char *prefix, *shown;
} parts[] = {
	{"map.bucket[", "map["}, {"map.group[", "map["}, {"map.hdr[", "map["}, {"map.iter[", "map["},
	{"noalg.map.bucket[", "map["}, {"noalg.map.group[", "map["},
	{"runtime.hmap", "map"}, {"runtime.mapextra", "map"}, {"runtime.bmap", "map"},
	{"maps.Map", "map"}, {"maps.table", "map"}, {"maps.groupReference", "map"},
	{"*maps.table", "map"},
};

static bool is_named(const char *name, const char *pattern)
{
	const size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? !strncmp(name, pattern, n - 1) : !strcmp(name, pattern);
}

static const struct maker *maker_named(const char *name)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (is_named(name, makers[i].name))
			return &makers[i];
	return NULL;
}

static bool is_runtime(const char *name)
{
	return !strncmp(name, "runtime.", 8) || !strncmp(name, "internal/runtime/", 17);
}

/* Arguments are in registers from Go 1.17 on. */
static bool has_registers(const struct gopclntab *g)
{
	return gopclntab_minor(g) ? gopclntab_minor(g) >= 17 : gopclntab_layout(g) >= GOPCLNTAB_1_18;
}

static int argument_of(const struct gopclntab *g, const struct maker *m)
{
	const bool new = gopclntab_minor(g) ? gopclntab_minor(g) >= 20 : gopclntab_layout(g) >= GOPCLNTAB_1_20;

	return m->arg != GROWSLICE_ARG ? m->arg : new ? 4 : 0;
}

/* The argument's register, or the place at the stack pointer that it is stored to. */
struct place {
	int reg;	/* -1: on the stack */
	int64_t offset;
};

/* After `lea T,%reg` at `at`, up to the end of the code, which is that of the call: it is still where it has to be. */
static bool reaches_call(const uint8_t *code, size_t at, size_t size, uint64_t vaddr, int reg, const struct place *to)
{
	bool there = to->reg == reg;
	struct insn in;

	while (at < size) {
		if (!insn_decode(code + at, size - at, vaddr + at, &in))
			return false;
		at += in.len;
		if (at == size)
			return there && in.class == INSN_CALL;
		if (in.class != INSN_PLAIN && in.class != INSN_BRANCH)
			return false;
		if (to->reg < 0 && in.kind == INSN_MOVE && in.op[0].kind == OPERAND_MEM &&
		    in.op[0].reg == ARCH_REG_SP && !in.op[0].indexed && in.op[0].value == to->offset)
			there = in.op[1].kind == OPERAND_REG && in.op[1].reg == reg && reg >= 0;
		if (reg >= 0 && in.writes & 1u << reg) {
			if (to->reg >= 0)
				return false;
			reg = -1;
		}
	}
	return false;
}

/* The type that is argument `arg` of the call that ends with the byte at call. */
static bool type_at_call(const struct gopclntab *g, const struct elf_file *ef, uint64_t call, int arg, uint64_t *type)
{
	const struct place to = {has_registers(g) ? abi_go.arg[arg] : -1, arg * 8};
	uint8_t code[BEFORE_CALL];
	struct go_function f;
	uint64_t from;
	struct insn in;
	size_t size;

	if (!gopclntab_find(g, call, &f))
		return false;
	from = call + 1 - f.entry < BEFORE_CALL ? f.entry : call + 1 - BEFORE_CALL;
	size = (size_t)(call + 1 - from);
	if (elf_read_vaddr(ef, from, code, size) != size)
		return false;
	/* What is taken for one and is none, in the midst of another instruction, leads to no type. */
	for (size_t at = size; at-- > 0;) {
		if (!insn_decode(code + at, size - at, from + at, &in) || in.kind != INSN_ADDRESS ||
		    in.op[0].kind != OPERAND_REG || in.op[0].bits != 64 || !in.op[1].fixed ||
		    !gotype_is_at(g, (uint64_t)in.op[1].value) ||
		    !reaches_call(code, at + in.len, size, from, in.op[0].reg, &to))
			continue;
		*type = (uint64_t)in.op[1].value;
		return true;
	}
	return false;
}

/* Names of generic instances have shapes in them: "go.shape.int", "go.shape.struct { … }". */
static void put_shortened(struct buf *out, const char *name)
{
	static const char shape[] = "go.shape.", compound[] = "struct {";

	while (*name) {
		size_t n, depth = 0;

		if (strncmp(name, shape, sizeof(shape) - 1) != 0) {
			buf_char(out, *name++);
			continue;
		}
		name += sizeof(shape) - 1;
		if (strncmp(name, compound, sizeof(compound) - 1) != 0) {
			n = strcspn(name, "[]{}(),; ");
			buf_printf(out, "shape{%.*s}", (int)n, name);
			name += n;
			continue;
		}
		for (; *name; name++) {
			depth += *name == '{';
			if (*name == '}' && !--depth) {
				name++;
				break;
			}
		}
		buf_str(out, "shape{\xe2\x80\xa6}");
	}
}

/* False: the name is of no part of a map. */
static bool put_part(struct buf *out, const char *name)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const size_t n = strlen(parts[i].prefix);

		if (strncmp(name, parts[i].prefix, n) != 0)
			continue;
		buf_str(out, parts[i].shown);
		if (parts[i].prefix[n - 1] == '[')
			put_shortened(out, name + n);
		return true;
	}
	return false;
}

static void put_form(struct buf *out, enum form form, const char *name)
{
	static const char boxed[] = "runtime.", ptr[] = "InterfacePtr";
	const size_t n = strlen(name);

	if (put_part(out, name))
		return;
	switch (form) {
	case FORM_SLICE:
		buf_str(out, "[]");
		put_shortened(out, !strcmp(name, "uint8") ? "byte" : name);
		break;
	case FORM_BOXED:
		if (!strncmp(name, boxed, sizeof(boxed) - 1) && n > sizeof(boxed) + sizeof(ptr) - 2 &&
		    !strcmp(name + n - sizeof(ptr) + 1, ptr))
			buf_add(out, name + sizeof(boxed) - 1, n - sizeof(boxed) - sizeof(ptr) + 2);
		else
			put_shortened(out, name);
		buf_str(out, " (boxed)");
		break;
	case FORM_CHAN:
		buf_str(out, "chan ");
		put_shortened(out, name);
		break;
	default:
		put_shortened(out, name);
		break;
	}
}

/* The function that the program called, of those that are known, and where it was called: rawstring is a part of
 * concatstrings. */
struct made {
	const struct maker *maker;	/* NULL: nobody that is known */
	uint64_t call;			/* 0: not known */
};

static struct made made_by(const struct gopclntab *g, const uint64_t *frames, size_t n)
{
	struct go_frame names[NAMES_MAX];
	struct made made = {0};

	for (size_t i = 0; i < n && i < NAMES_MAX; i++) {
		const size_t k = gopclntab_frames(g, frames[i], names, NAMES_MAX);

		for (size_t j = 0; j < k; j++) {
			const struct maker *m = maker_named(names[j].function);

			if (!m && !is_runtime(names[j].function))
				return made;
			if (!m)
				continue;
			made.maker = m;
			/* What is inlined has no call. */
			made.call = j + 1 == k && i + 1 < n ? frames[i + 1] : 0;
		}
	}
	return made;
}

/* Stacks of the runtime's own records may begin with the function that called it: the call says which of these. */
static struct made made_at(const struct gopclntab *g, const struct elf_file *ef, uint64_t call)
{
	uint8_t code[ARCH_CALL_BYTES];
	const uint64_t from = call + 1 - sizeof(code);
	struct go_function f;
	struct insn in;
	uint64_t target;

	if (elf_read_vaddr(ef, from, code, sizeof(code)) != sizeof(code) ||
	    !insn_decode(code, sizeof(code), from, &in) || in.len != sizeof(code) || !insn_is_call(&in, &target) ||
	    !gopclntab_find(g, target, &f) || f.entry != target)
		return (struct made){0};
	return (struct made){.maker = maker_named(f.name), .call = call};
}

bool gotypes_name(const struct gopclntab *g, const struct elf_file *ef, uint64_t type, const uint64_t *frames, size_t n,
		  struct buf *out)
{
	const struct made inner = made_by(g, frames, n);
	const struct made made = inner.maker || type || !n ? inner : made_at(g, ef, frames[0]);
	const enum form form = made.maker ? made.maker->form : FORM_TYPE;
	const int arg = made.maker ? argument_of(g, made.maker) : NO_ARG;
	const bool whole = form == FORM_MAP || form == FORM_CHAN;
	struct buf name = {0};
	uint64_t at_call;
	bool known = true;

	if (made.maker && made.maker->passes_none && !type) {
		buf_str(out, made.maker->passes_none);
		return true;
	}
	if (arg >= 0 && (whole || !type) && made.call && type_at_call(g, ef, made.call, arg, &at_call) &&
	    gotype_name(g, at_call, &name))
		put_form(out, whole ? FORM_TYPE : form, buf_cstr(&name));
	else if (type && gotype_name(g, type, &name))
		put_form(out, form, buf_cstr(&name));
	else if (type && !gotype_is_at(g, type))
		buf_str(out, "(reflect)");
	else
		known = false;
	buf_free(&name);
	return known;
}
