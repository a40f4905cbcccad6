/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind rows for the code of a Go program, from what its runtime unwinds by (elf/gopclntab.h): how far SP is below
 * where it was after the call. It says nothing of the frame pointer; the code of a function's prologue does.
 */
#ifndef ALLOCTRACE_ELF_GOROWS_H
#define ALLOCTRACE_ELF_GOROWS_H

#include "elf/gopclntab.h"
#include "model/unwind_table.h"

/* Rows for the functions of g, whose pc counts from base; C's code in the same file has none here. ef: g's file. stats
 * counts functions as FDEs.
 * 0; -EFBIG (more than max_rows); -EOVERFLOW (code that is not within 4 GiB from base on). */
int gorows_make(const struct elf_file *ef, const struct gopclntab *g, uint64_t base, size_t max_rows,
		struct unwind_table **out);

#endif
