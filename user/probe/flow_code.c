/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/flow_code.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

struct flow_file *flow_open(const struct elf_file *ef, const struct elf_imports *imports)
{
	struct flow_file *ff = xcalloc(1, sizeof(*ff));

	ff->ef = ef;
	ff->imports = imports;
	return ff;
}

void flow_close(struct flow_file *ff)
{
	if (!ff)
		return;
	vec_free(&ff->known);
	vec_free(&ff->noreturn_names);
	vec_free(&ff->bytes);
	u64map_free(&ff->by_vaddr);
	u64map_free(&ff->noreturn);
	u64map_free(&ff->returning);
	u64map_free(&ff->pages);
	free(ff);
}

void flow_add_function(struct flow_file *ff, int id, const char *name, uint64_t vaddr)
{
	bool is_new;
	uint64_t *at;

	vec_push(&ff->known, ((struct known){.id = id, .name = name}));
	if (!vaddr)
		return;
	at = u64map_put(&ff->by_vaddr, vaddr, &is_new);
	if (is_new)
		*at = (uint64_t)id + 1;
}

void flow_add_noreturn(struct flow_file *ff, const char *name, uint64_t vaddr)
{
	vec_push(&ff->noreturn_names, name);
	if (vaddr)
		*u64map_put(&ff->noreturn, vaddr, NULL) = 1;
}

bool flow_is_code(const struct elf_file *ef, uint64_t vaddr)
{
	size_t n;
	const struct elf_segment *s = elf_file_segments(ef, &n);

	for (size_t i = 0; i < n; i++)
		if ((s[i].flags & PF_X) && vaddr >= s[i].vaddr && vaddr - s[i].vaddr < s[i].filesz)
			return true;
	return false;
}

/* Appends the page's bytes to ff->bytes; false if the file has none of it. */
static bool read_page(struct flow_file *ff, uint64_t number)
{
	size_t n, place = ff->bytes.n;
	const struct elf_segment *s = elf_file_segments(ff->ef, &n);
	bool any = false;

	/* What the segments lack of the page reads as a byte that begins no instruction in 64-bit mode. */
	vec_grow(&ff->bytes, place + PAGE);
	memset(ff->bytes.at + place, 0x06, PAGE);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = number * PAGE;

		if (s[i].vaddr / PAGE == number)
			from = s[i].vaddr;
		else if (from - s[i].vaddr >= s[i].filesz)
			continue;
		if (elf_read_vaddr(ff->ef, from, ff->bytes.at + place + from % PAGE, PAGE - from % PAGE))
			any = true;
	}
	if (any)
		ff->bytes.n += PAGE;
	return any;
}

/* The bytes of one page, NULL if the file has none of it; valid until the next call. */
static const uint8_t *page(struct flow_file *ff, uint64_t number)
{
	bool is_new;
	uint64_t *at = u64map_put(&ff->pages, number, &is_new);

	if (is_new)
		*at = read_page(ff, number) ? ff->bytes.n / PAGE : 0;
	return *at ? ff->bytes.at + (*at - 1) * PAGE : NULL;
}

bool flow_decode(struct flow_file *ff, uint64_t vaddr, struct insn *in)
{
	uint8_t code[ARCH_INSN_MAX];
	size_t off = vaddr % PAGE, first = PAGE - off;
	const uint8_t *p;

	if (!flow_is_code(ff->ef, vaddr))
		return false;
	p = page(ff, vaddr / PAGE);
	if (!p)
		return false;
	if (first >= sizeof(code))
		return insn_decode(p + off, sizeof(code), vaddr, in);
	memcpy(code, p + off, first);
	p = page(ff, vaddr / PAGE + 1);
	if (p)
		memcpy(code + first, p, sizeof(code) - first);
	return insn_decode(code, p ? sizeof(code) : first, vaddr, in);
}

static struct target target_by_name(struct flow_file *ff, uint64_t slot, const char *name)
{
	struct target t = {.id = -1, .name = name};

	for (size_t i = 0; i < ff->known.n; i++)
		if (!strcmp(ff->known.at[i].name, name)) {
			t.id = ff->known.at[i].id;
			return t;
		}
	for (size_t i = 0; i < ff->noreturn_names.n; i++)
		if (!strcmp(ff->noreturn_names.at[i], name)) {
			t.noreturn = true;
			return t;
		}
	t.vaddr = elf_imports_defined(ff->imports, slot);
	t.code = t.vaddr != 0;
	t.import = !t.code;
	return t;
}

struct target flow_target_in_slot(struct flow_file *ff, uint64_t slot)
{
	const char *name = ff->imports ? elf_imports_at(ff->imports, slot) : NULL;
	struct target t = {.id = -1};
	uint64_t *id;

	t.chosen = ff->imports && elf_imports_is_chosen(ff->imports, slot);
	if (!name)
		return t;
	t = target_by_name(ff, slot, name);
	/* tc_memalign, which is memalign under another name. */
	id = t.code ? u64map_find(&ff->by_vaddr, t.vaddr) : NULL;
	if (id)
		t.id = (int)(*id - 1);
	return t;
}

/* A PLT stub: [endbr64] [bnd] jmp *slot(%rip). */
static bool stub_slot(struct flow_file *ff, uint64_t vaddr, uint64_t *slot)
{
	struct insn in;

	if (!flow_decode(ff, vaddr, &in))
		return false;
	if (in.kind == INSN_LANDING && !flow_decode(ff, vaddr + in.len, &in))
		return false;
	return in.class == INSN_JUMP && insn_is_indirect(&in, slot);
}

struct target flow_target_at(struct flow_file *ff, uint64_t vaddr)
{
	struct target t = {.id = -1, .code = true, .vaddr = vaddr};
	uint64_t *id = u64map_find(&ff->by_vaddr, vaddr), slot;

	if (id)
		t.id = (int)(*id - 1);
	else if (u64map_find(&ff->noreturn, vaddr))
		t.noreturn = true;
	else if (stub_slot(ff, vaddr, &slot))
		return flow_target_in_slot(ff, slot);
	return t;
}

int flow_function_at(struct flow_file *ff, uint64_t target)
{
	return flow_target_at(ff, target).id;
}

int flow_function_in_slot(struct flow_file *ff, uint64_t slot)
{
	return flow_target_in_slot(ff, slot).id;
}
