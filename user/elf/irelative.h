/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What relocations put into a program's data: what a resolver (STT_GNU_IFUNC) has chosen, and pointers. x86-64. */
#ifndef ALLOCTRACE_ELF_IRELATIVE_H
#define ALLOCTRACE_ELF_IRELATIVE_H

#include "elf/elffile.h"

/* The slots that relocations fill with what the resolver at that vaddr returns (ARCH_R_IRELATIVE), or with the
 * address of the symbol of that name (JUMP_SLOT, GLOB_DAT, 64), as vaddrs: the first `max` are written to slots.
 * resolver 0, name NULL: none of that kind. How many were written. */
size_t elf_slots_of(const struct elf_file *ef, uint64_t resolver, const char *name, uint64_t *slots, size_t max);

/* The slots that relocations fill with the vaddr `to`, wherever the program is moved (ARCH_R_RELATIVE): as
 * elf_slots_of(). */
size_t elf_pointers_to(const struct elf_file *ef, uint64_t to, uint64_t *slots, size_t max);

/* n pointers from vaddr on, as they are before the program is moved to where it runs: what the file has there, or
 * relocations put there (ARCH_R_RELATIVE). 0 where there is nothing. */
void elf_pointers_at(const struct elf_file *ef, uint64_t vaddr, uint64_t *words, size_t n);

#endif
