/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/irelative.h"

#include <elf.h>
#include <string.h>

#include "elf/symtab.h"

#define WINDOW 512			/* relocations read at a time */
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

	if (type == R_X86_64_IRELATIVE)
		return w->resolver && (uint64_t)r->r_addend == w->resolver;
	if (!w->name || !w->symbols || r->r_addend ||
	    (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT && type != R_X86_64_64))
		return false;
	len = strlen(w->name);
	return symtab_get(w->symbols, ELF64_R_SYM(r->r_info), &e) && !strncmp(e.name, w->name, len) &&
	       (!e.name[len] || e.name[len] == '@');
}

static void look_through(const struct elf_file *ef, const struct elf_section *sec, struct wanted *w)
{
	uint64_t count = sec->size / sizeof(Elf64_Rela);
	Elf64_Rela window[WINDOW];

	if (sec->entsize != sizeof(*window) || (sec->flags & SHF_COMPRESSED) || count > RELOCATIONS_MAX ||
	    sec->offset > UINT64_MAX - sec->size)
		return;
	for (uint64_t first = 0; first < count; first += WINDOW) {
		size_t n = count - first < WINDOW ? (size_t)(count - first) : WINDOW;

		if (!elf_file_read(ef, sec->offset + first * sizeof(*window), window, n * sizeof(*window)))
			return;
		for (size_t i = 0; i < n && w->n < w->max; i++)
			if (is_wanted(w, &window[i]))
				w->slots[w->n++] = window[i].r_offset;
	}
}

size_t elf_slots_of(const struct elf_file *ef, uint64_t resolver, const char *name, uint64_t *slots, size_t max)
{
	struct wanted w = {.resolver = resolver, .name = name, .slots = slots, .max = max};
	const struct elf_section *dynsym = elf_section_by_type(ef, SHT_DYNSYM), *all;
	struct symtab st;
	size_t n;

	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != EM_X86_64)
		return 0;
	if (dynsym && !symtab_open(&st, ef, dynsym))
		w.symbols = &st;
	all = elf_file_sections(ef, &n);
	/* Those of a static program belong to no symbol table. */
	for (size_t i = 1; i < n; i++)
		if (all[i].type == SHT_RELA && (all[i].flags & SHF_ALLOC))
			look_through(ef, &all[i], &w);
	if (w.symbols)
		symtab_close(&st);
	return w.n;
}
