/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Function symbols of an ELF file: by address for names, by name for probes. */
#ifndef ALLOCTRACE_ELF_SYMBOLS_H
#define ALLOCTRACE_ELF_SYMBOLS_H

#include "elf/elffile.h"

struct elf_symbol {
	const char *name;	/* mangled, as in the file, without @VERSION; lives as long as the table it came from */
	uint64_t vaddr, size;
	bool global;		/* STB_GLOBAL or STB_WEAK */
	bool dynamic;		/* from .dynsym */
	bool ifunc;		/* STT_GNU_IFUNC: vaddr is the resolver */
};

struct elf_symbols;

/* Function symbols of .symtab and .dynsym, and the labels that assembly has in code, together, sorted by address,
 * aliases folded to one name (a global before a local one, without leading underscores before with, then the shorter,
 * then the first in the alphabet). 0, -ENOENT if the file has neither, or -ENOEXEC. debug (may be NULL) is a separate
 * debug file whose .symtab is added. Both may be closed before *out is freed. */
int elf_symbols_load(const struct elf_file *ef, const struct elf_file *debug, struct elf_symbols **out);
void elf_symbols_free(struct elf_symbols *s);
size_t elf_symbols_count(const struct elf_symbols *s);
/* The symbol whose [vaddr, vaddr + size) holds the address, or one of size 0 that is exactly there and in no other;
 * where symbols nest, the smallest. false otherwise: never the nearest one before. */
bool elf_symbols_at(const struct elf_symbols *s, uint64_t vaddr, struct elf_symbol *sym);
/* The pieces of the address space that elf_symbols_at() has, by ascending start: piece i has the symbol *sym from
 * *start up to the next piece, or to the symbol's end, if that comes first. */
size_t elf_symbols_pieces(const struct elf_symbols *s);
void elf_symbols_piece(const struct elf_symbols *s, size_t i, uint64_t *start, struct elf_symbol *sym);
/* The last symbol that starts in [from, vaddr], if it is one without a size: assembly's. */
bool elf_symbols_unsized(const struct elf_symbols *s, uint64_t from, uint64_t vaddr, struct elf_symbol *sym);

/* Defined functions with one of the names, looked up in .dynsym and .symtab (dynsym wins) without building a table.
 * found[i] is for names[i]: its name is names[i], or NULL if there is none. Versioned duplicates: the default
 * version. A local (static) function is found only where there is no global one. 0 or -ENOEXEC. */
int elf_find_functions(const struct elf_file *ef, const char *const names[], size_t n, struct elf_symbol found[]);

#endif
