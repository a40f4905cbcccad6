/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/irelative.h"

#include <elf.h>
#include <string.h>

#include "arch/arch.h"
#include "base/mem.h"
#include "elf/symtab.h"

#define WINDOW 4096			/* relocations read at a time */
#define RELOCATIONS_MAX (32u << 20)	/* in one section */

struct wanted {
	uint64_t resolver;
	const char *name;
	struct symtab *symbols;	/* NULL: there are none */
	uint64_t *slots;
	size_t n, max;
};

static bool is_wanted(const struct wanted *w, const Elf64_Rela *r)
{
	const uint64_t type = ELF64_R_TYPE(r->r_info);
	struct symtab_entry e;
	size_t len;

	if (type == ARCH_R_IRELATIVE)
		return w->resolver && (uint64_t)r->r_addend == w->resolver;
	if (!w->name || !w->symbols || r->r_addend ||
	    (type != ARCH_R_JUMP_SLOT && type != ARCH_R_GLOB_DAT && type != ARCH_R_ADDRESS))
		return false;
	len = strlen(w->name);
	return symtab_get(w->symbols, ELF64_R_SYM(r->r_info), &e) && !strncmp(e.name, w->name, len) &&
	       (!e.name[len] || e.name[len] == '@');
}

static void each_relocation(const struct elf_file *ef, const struct elf_section *sec,
			    void (*on_relocation)(void *arg, const Elf64_Rela *r), void *arg)
{
	uint64_t count = sec->size / sizeof(Elf64_Rela);
	Elf64_Rela *window;

	if (sec->entsize != sizeof(*window) || (sec->flags & SHF_COMPRESSED) || count > RELOCATIONS_MAX ||
	    sec->offset > UINT64_MAX - sec->size)
		return;
	window = xrealloc_array(NULL, count < WINDOW ? (size_t)count + 1 : WINDOW, sizeof(*window));
	for (uint64_t first = 0; first < count; first += WINDOW) {
		size_t n = count - first < WINDOW ? (size_t)(count - first) : WINDOW;

		if (!elf_file_read(ef, sec->offset + first * sizeof(*window), window, n * sizeof(*window)))
			break;
		for (size_t i = 0; i < n; i++)
			on_relocation(arg, &window[i]);
	}
	free(window);
}

/* Those of a static program belong to no symbol table. */
static void each_loaded(const struct elf_file *ef, void (*on_relocation)(void *arg, const Elf64_Rela *r), void *arg)
{
	size_t n;
	const struct elf_section *all = elf_file_sections(ef, &n);

	for (size_t i = 1; i < n; i++)
		if (all[i].type == SHT_RELA && (all[i].flags & SHF_ALLOC))
			each_relocation(ef, &all[i], on_relocation, arg);
}

static void take_slot(void *arg, const Elf64_Rela *r)
{
	struct wanted *w = arg;

	if (w->n < w->max && is_wanted(w, r))
		w->slots[w->n++] = r->r_offset;
}

size_t elf_slots_of(const struct elf_file *ef, uint64_t resolver, const char *name, uint64_t *slots, size_t max)
{
	struct wanted w = {.resolver = resolver, .name = name, .slots = slots, .max = max};
	const struct elf_section *dynsym = elf_section_by_type(ef, SHT_DYNSYM);
	struct symtab st;

	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != ARCH_EM)
		return 0;
	if (dynsym && !symtab_open(&st, ef, dynsym))
		w.symbols = &st;
	each_loaded(ef, take_slot, &w);
	if (w.symbols)
		symtab_close(&st);
	return w.n;
}

struct pointers_to {
	uint64_t to, *slots;
	size_t n, max;
};

static void take_pointer_to(void *arg, const Elf64_Rela *r)
{
	struct pointers_to *p = arg;

	if (ELF64_R_TYPE(r->r_info) == ARCH_R_RELATIVE && (uint64_t)r->r_addend == p->to && p->n < p->max)
		p->slots[p->n++] = r->r_offset;
}

size_t elf_pointers_to(const struct elf_file *ef, uint64_t to, uint64_t *slots, size_t max)
{
	struct pointers_to p = {to, slots, 0, max};

	if (elf_file_class(ef) == ELFCLASS64 && elf_file_machine(ef) == ARCH_EM)
		each_loaded(ef, take_pointer_to, &p);
	return p.n;
}

struct pointers {
	uint64_t vaddr;
	uint64_t *words;
	size_t n;
};

static void take_pointer(void *arg, const Elf64_Rela *r)
{
	const struct pointers *p = arg;
	const uint64_t at = r->r_offset - p->vaddr;

	if (ELF64_R_TYPE(r->r_info) == ARCH_R_RELATIVE && at / 8 < p->n && at % 8 == 0)
		p->words[at / 8] = (uint64_t)r->r_addend;
}

void elf_pointers_at(const struct elf_file *ef, uint64_t vaddr, uint64_t *words, size_t n)
{
	struct pointers p = {vaddr, words, n};

	memset(words, 0, n * sizeof(*words));
	elf_read_vaddr(ef, vaddr, words, n * sizeof(*words));
	each_loaded(ef, take_pointer, &p);
}
