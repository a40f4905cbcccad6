/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw symbols of one section, in order: a reader that holds its string table and a small window of the section, not
 * the whole of it. For the neighbours in elf/; others want elf/symbols.h.
 */
#ifndef ALLOCTRACE_ELF_SYMTAB_H
#define ALLOCTRACE_ELF_SYMTAB_H

#include "elf/elffile.h"

struct symtab_entry {
	const char *name;	/* inside symtab.strings; ends there */
	uint64_t vaddr, size;
	uint8_t type, bind;	/* STT_…, STB_… */
	uint16_t shndx;
};

struct symtab {
	const struct elf_file *ef;
	const struct elf_section *sec;
	char *strings;		/* strings_size bytes and a NUL; whoever takes it sets this to NULL */
	size_t strings_size;
	size_t count;		/* symbols */
	size_t entsize;
	uint8_t *window;
	size_t window_first, window_count;
};

/* sec is of type SHT_SYMTAB or SHT_DYNSYM. 0, or -ENOEXEC where the section or its string table lies or is too big. */
int symtab_open(struct symtab *st, const struct elf_file *ef, const struct elf_section *sec);
void symtab_close(struct symtab *st);
/* The i-th symbol; cheap when i goes up. false if it cannot be read or its name lies outside the string table. */
bool symtab_get(struct symtab *st, size_t i, struct symtab_entry *e);
/* A function that is defined in this file, with a name and an address. */
bool symtab_is_function(const struct symtab_entry *e);
/* A place in code that has a name and nothing else, no type and no size, as in assembly. */
bool symtab_is_label(const struct symtab *st, const struct symtab_entry *e);
/* .gnu.version: a number for each symbol of .dynsym, count in all, for the caller to free. NULL if there is none that
 * fits. With the bit SYMTAB_HIDDEN it is not the default version of its name. */
#define SYMTAB_HIDDEN 0x8000
uint16_t *symtab_versions(const struct elf_file *ef, size_t count);

#endif
