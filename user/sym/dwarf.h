/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debugging information of one file: source lines, and the functions that the compiler put into others ("inlined").
 * The file may be hostile: memory is bounded, and so is the time that is spent on it, after which it knows nothing
 * any more.
 */
#ifndef ALLOCTRACE_SYM_DWARF_H
#define ALLOCTRACE_SYM_DWARF_H

#include "elf/elffile.h"

/* At one address at most so many functions are told; the innermost ones are left out beyond. */
#define DWARF_PLACES_MAX 64

struct dwarf_place {
	const char *function;	/* as the linker knows it where it does; NULL if there is no name */
	const char *file;	/* path, absolute where that is known; NULL if it is not known */
	uint32_t line;		/* 0 if it is not known */
};

struct dwarf;

/* ef may be closed afterwards. 0; -ENOENT: it has no debugging information; -EFBIG, -ENOEXEC: it cannot be used. */
int dwarf_open(const struct elf_file *ef, struct dwarf **out);
void dwarf_close(struct dwarf *d);
/* What d refers to in a file that it shares with others (elf_altfile_open()); before the first look-up. alt may be
 * closed afterwards. Where it can't be used, names that are in it are missing. */
void dwarf_set_alt(struct dwarf *d, const struct elf_file *alt);
/* Inlined functions of some units are in other files (.dwo, .dwp), which are not read; lines are here. Known after the
 * first look-up. */
bool dwarf_is_split(const struct dwarf *d);
/* It took too much time or memory: it knows nothing any more. */
bool dwarf_gave_up(const struct dwarf *d);
/* Whether a section of debugging information is there, without reading it. */
bool dwarf_is_in(const struct elf_file *ef);

/*
 * The functions at vaddr, innermost first: the last one is the function proper, those before it are inlined in the
 * next. Each with the line that the address is of, or the call of the function before it. Returns how many; 0 if
 * nothing is known. *start is where the function proper begins (0 if only the line is known). Strings live as long
 * as d.
 */
size_t dwarf_at(struct dwarf *d, uint64_t vaddr, struct dwarf_place places[DWARF_PLACES_MAX], uint64_t *start);

#endif
