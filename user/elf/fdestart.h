/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where functions without a symbol start: stripped files keep .eh_frame_hdr, a sorted table of the start of every
 * function that can be unwound. An address is named by its function's start then, so that calls from one function are
 * shown as one.
 */
#ifndef ALLOCTRACE_ELF_FDESTART_H
#define ALLOCTRACE_ELF_FDESTART_H

#include "elf/elffile.h"

struct elf_fdes;

/* 0, -ENOENT (no table, or one in an encoding that no linker writes), or -ENOEXEC. ef must outlive *out. */
int elf_fdes_load(const struct elf_file *ef, struct elf_fdes **out);
/* NULL is a no-op. */
void elf_fdes_free(struct elf_fdes *f);
/* The start of the function whose [start, end) holds the address. false: no function does. */
bool elf_fdes_start(const struct elf_fdes *f, uint64_t vaddr, uint64_t *start);
/* The size in bytes of the function that starts there; 0: none does. */
uint64_t elf_fdes_size(const struct elf_fdes *f, uint64_t vaddr);
/* No function holds the address: *from is where the one before it ends (0: there is none). */
bool elf_fdes_gap(const struct elf_fdes *f, uint64_t vaddr, uint64_t *from);

#endif
