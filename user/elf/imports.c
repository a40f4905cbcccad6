/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/imports.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/mem.h"
#include "elf/symtab.h"

#define WINDOW 4096			/* relocations read at a time */
#define RELOCATIONS_MAX (32u << 20)	/* in one section; most are ARCH_R_RELATIVE, read and left */
#define SLOTS_MAX (4u << 20)

#define CHOSEN UINT32_MAX

struct slot {
	uint64_t vaddr;
	uint64_t function;	/* vaddr, where this file defines it; 0 */
	uint32_t name;		/* offset in strings; CHOSEN: none, an ifunc of this file */
};

struct elf_imports {
	vec_of(struct slot) slots;	/* sorted */
	char *strings;
};

static bool names_a_slot(uint64_t type)
{
	return type == ARCH_R_JUMP_SLOT || type == ARCH_R_GLOB_DAT || type == ARCH_R_ADDRESS;
}

static int add_relocations(struct elf_imports *im, const Elf64_Rela *rela, size_t n, struct symtab *st)
{
	for (size_t i = 0; i < n; i++) {
		struct symtab_entry e;

		if (ELF64_R_TYPE(rela[i].r_info) == ARCH_R_IRELATIVE) {
			if (im->slots.n == SLOTS_MAX)
				return -ENOEXEC;
			vec_push(&im->slots, ((struct slot){.vaddr = rela[i].r_offset, .name = CHOSEN}));
			continue;
		}
		if (!st || !names_a_slot(ELF64_R_TYPE(rela[i].r_info)) || rela[i].r_addend != 0)
			continue;
		if (!symtab_get(st, ELF64_R_SYM(rela[i].r_info), &e) || e.name[0] == '\0')
			continue;
		if (im->slots.n == SLOTS_MAX)
			return -ENOEXEC;
		vec_push(&im->slots, ((struct slot){
			.vaddr = rela[i].r_offset, .name = (uint32_t)(e.name - st->strings),
			.function = symtab_is_function(&e) && e.type != STT_GNU_IFUNC ? e.vaddr : 0,
		}));
	}
	return 0;
}

static int add_section(struct elf_imports *im, const struct elf_file *ef, const struct elf_section *sec,
		       struct symtab *st)
{
	uint64_t count = sec->size / sizeof(Elf64_Rela);
	Elf64_Rela *window;
	int err = 0;

	if (sec->entsize != sizeof(*window) || (sec->flags & SHF_COMPRESSED) || count > RELOCATIONS_MAX ||
	    sec->offset > UINT64_MAX - sec->size)
		return -ENOEXEC;
	window = xrealloc_array(NULL, count < WINDOW ? (size_t)count : WINDOW, sizeof(*window));
	for (uint64_t first = 0; first < count && !err; first += WINDOW) {
		size_t n = count - first < WINDOW ? (size_t)(count - first) : WINDOW;

		if (elf_file_read(ef, sec->offset + first * sizeof(*window), window, n * sizeof(*window)))
			err = add_relocations(im, window, n, st);
		else
			err = -ENOEXEC;
	}
	free(window);
	return err;
}

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

static int add_sections(struct elf_imports *im, const struct elf_file *ef, const struct elf_section *dynsym,
			struct symtab *st)
{
	size_t n;
	const struct elf_section *sections = elf_file_sections(ef, &n);
	int err = 0;

	for (size_t i = 1; i < n && !err; i++) {
		const char *name = elf_section_name(ef, &sections[i]);

		/* A static program has no dynamic symbols, and ifuncs all the same. */
		if (sections[i].type != SHT_RELA || (dynsym && sections[i].link != (size_t)(dynsym - sections)))
			continue;
		if (strcmp(name, ".rela.plt") == 0 || strcmp(name, ".rela.dyn") == 0)
			err = add_section(im, ef, &sections[i], st);
	}
	return err;
}

int elf_imports_load(const struct elf_file *ef, struct elf_imports **out)
{
	const struct elf_section *dynsym = elf_section_by_type(ef, SHT_DYNSYM);
	struct elf_imports *im = xcalloc(1, sizeof(*im));
	struct symtab st;
	int err;

	*out = im;
	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != ARCH_EM)
		return 0;
	err = dynsym ? symtab_open(&st, ef, dynsym) : add_sections(im, ef, NULL, NULL);
	if (!err && dynsym) {
		err = add_sections(im, ef, dynsym, &st);
		im->strings = st.strings;
		st.strings = NULL;
		symtab_close(&st);
	}
	if (err) {
		*out = NULL;
		elf_imports_free(im);
		return -ENOEXEC;
	}
	if (im->slots.n)
		qsort(im->slots.at, im->slots.n, sizeof(*im->slots.at), compare_slots);
	return 0;
}

void elf_imports_free(struct elf_imports *im)
{
	if (!im)
		return;
	vec_free(&im->slots);
	free(im->strings);
	free(im);
}

static const struct slot *find_slot(const struct elf_imports *im, uint64_t vaddr)
{
	struct slot key = {.vaddr = vaddr};

	if (!im->slots.n)
		return NULL;
	return bsearch(&key, im->slots.at, im->slots.n, sizeof(*im->slots.at), compare_slots);
}

const char *elf_imports_at(const struct elf_imports *im, uint64_t slot_vaddr)
{
	const struct slot *found = find_slot(im, slot_vaddr);

	return found && found->name != CHOSEN ? im->strings + found->name : NULL;
}

bool elf_imports_is_chosen(const struct elf_imports *im, uint64_t slot_vaddr)
{
	const struct slot *found = find_slot(im, slot_vaddr);

	return found && found->name == CHOSEN;
}

uint64_t elf_imports_defined(const struct elf_imports *im, uint64_t slot_vaddr)
{
	const struct slot *found = find_slot(im, slot_vaddr);

	return found ? found->function : 0;
}

bool elf_imports_name(const struct elf_imports *im, const char *name)
{
	for (size_t i = 0; i < im->slots.n; i++)
		if (im->slots.at[i].name != CHOSEN && !strcmp(im->strings + im->slots.at[i].name, name))
			return true;
	return false;
}
