/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every function symbol of a file, in one pass over each table and with nothing kept: for who looks for names of a
 * kind, where elf/symbols.h looks for names that are known. */
#ifndef ALLOCTRACE_ELF_EACHFUNC_H
#define ALLOCTRACE_ELF_EACHFUNC_H

#include "elf/elffile.h"

struct elf_function {
	const char *name;	/* as in the file; valid during the call. NUL or '@' follows its len bytes */
	size_t len;		/* without the version */
	uint64_t vaddr, size;
	bool global;		/* STB_GLOBAL or STB_WEAK */
	bool dynamic;		/* from .dynsym */
	bool ifunc;		/* STT_GNU_IFUNC: vaddr is the resolver */
	bool untyped;		/* STT_NOTYPE: a label, perhaps not of a function */
	bool old_version;	/* name@VERSION, or not the default version of its name */
};

/* Calls back for each defined symbol of .dynsym and then .symtab that is a function, or untyped. 0 (also where the
 * file has neither table), or -ENOEXEC if no table of it can be read. */
int elf_each_function(const struct elf_file *ef, void (*on_function)(void *arg, const struct elf_function *f),
		      void *arg);
/* The same of the .symtab of a separate debug file of ef, with addresses as ef has them. -ENOENT if it has none. */
int elf_each_debug_function(const struct elf_file *ef, const struct elf_file *debug,
			    void (*on_function)(void *arg, const struct elf_function *f), void *arg);

#endif
