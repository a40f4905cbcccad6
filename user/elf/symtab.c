/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/symtab.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Far above the largest real ones (a browser with debug symbols), and what a file may make alloctrace allocate. */
#define STRINGS_MAX (512u << 20)
#define SYMBOLS_MAX (16u << 20)
#define WINDOW 4096	/* symbols */

int symtab_open(struct symtab *st, const struct elf_file *ef, const struct elf_section *sec)
{
	size_t n, entsize = elf_file_class(ef) == ELFCLASS64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const struct elf_section *all = elf_file_sections(ef, &n);
	uint8_t *strings;
	uint64_t inside;

	*st = (struct symtab){.ef = ef, .sec = sec, .entsize = entsize};
	if (sec->entsize != entsize || (sec->flags & SHF_COMPRESSED))
		return -ENOEXEC;
	if (sec->size / entsize > SYMBOLS_MAX)
		return -ENOEXEC;
	if (sec->link >= n || all[sec->link].type != SHT_STRTAB)
		return -ENOEXEC;
	if (elf_section_data(ef, &all[sec->link], STRINGS_MAX, &strings, &st->strings_size) != 0)
		return -ENOEXEC;
	st->strings = (char *)strings;
	st->count = (size_t)(sec->size / entsize);
	/* What lies past the end of the file is not looked for one by one. */
	inside = sec->offset < elf_file_size(ef) ? (elf_file_size(ef) - sec->offset) / entsize : 0;
	if (st->count > inside)
		st->count = (size_t)inside;
	return 0;
}

void symtab_close(struct symtab *st)
{
	free(st->strings);
	free(st->window);
	st->strings = NULL;
	st->window = NULL;
}

static bool load_window(struct symtab *st, size_t i)
{
	size_t n = st->count - i < WINDOW ? st->count - i : WINDOW;

	if (!st->window)
		st->window = xmalloc((st->count < WINDOW ? st->count : WINDOW) * st->entsize);
	st->window_count = 0;
	/* symtab_open() bounded count, so that this does not overflow. */
	if (!elf_file_read(st->ef, st->sec->offset + i * st->entsize, st->window, n * st->entsize))
		return false;
	st->window_first = i;
	st->window_count = n;
	return true;
}

bool symtab_get(struct symtab *st, size_t i, struct symtab_entry *e)
{
	const uint8_t *raw;
	uint32_t name;

	if (i >= st->count)
		return false;
	if (i < st->window_first || i - st->window_first >= st->window_count) {
		if (!load_window(st, i)) {
			st->count = i;	/* the file has shrunk */
			return false;
		}
	}
	raw = st->window + (i - st->window_first) * st->entsize;
	if (st->entsize == sizeof(Elf64_Sym)) {
		Elf64_Sym sym;

		memcpy(&sym, raw, sizeof(sym));
		name = sym.st_name;
		*e = (struct symtab_entry){
			.vaddr = sym.st_value, .size = sym.st_size, .shndx = sym.st_shndx,
			.type = ELF64_ST_TYPE(sym.st_info), .bind = ELF64_ST_BIND(sym.st_info),
		};
	} else {
		Elf32_Sym sym;

		memcpy(&sym, raw, sizeof(sym));
		name = sym.st_name;
		*e = (struct symtab_entry){
			.vaddr = sym.st_value, .size = sym.st_size, .shndx = sym.st_shndx,
			.type = ELF32_ST_TYPE(sym.st_info), .bind = ELF32_ST_BIND(sym.st_info),
		};
	}
	if (name >= st->strings_size)
		return false;
	e->name = st->strings + name;
	return true;
}

bool symtab_is_function(const struct symtab_entry *e)
{
	return (e->type == STT_FUNC || e->type == STT_GNU_IFUNC) && e->shndx != SHN_UNDEF && e->shndx != SHN_ABS &&
	       e->shndx != SHN_COMMON && e->name[0] != '\0';
}

bool symtab_is_label(const struct symtab *st, const struct symtab_entry *e)
{
	size_t n;
	const struct elf_section *all = elf_file_sections(st->ef, &n);

	return e->type == STT_NOTYPE && !e->size && e->shndx != SHN_UNDEF && e->shndx < n && e->name[0] != '\0' &&
	       (all[e->shndx].flags & SHF_EXECINSTR) && e->vaddr - all[e->shndx].vaddr < all[e->shndx].size;
}

uint16_t *symtab_versions(const struct elf_file *ef, size_t count)
{
	const struct elf_section *sec = elf_section_by_type(ef, SHT_GNU_versym);
	uint8_t *data;
	size_t size;

	if (!sec || elf_section_data(ef, sec, count * sizeof(uint16_t), &data, &size) != 0)
		return NULL;
	if (size == count * sizeof(uint16_t))
		return (uint16_t *)data;
	free(data);
	return NULL;
}
