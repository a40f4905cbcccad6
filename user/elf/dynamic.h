/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For elffile.c: what the dynamic linker needs is there even where the section headers were cut off. */
/* Part of elf/elffile.h. */
#ifndef ALLOCTRACE_ELF_DYNAMIC_H
#define ALLOCTRACE_ELF_DYNAMIC_H

#include "elf/elffile.h"

#define ELF_DYNAMIC_SECTIONS 6

/* Section headers made from PT_DYNAMIC: an empty one, .dynsym, .dynstr, .gnu.version, .rela.dyn, .rela.plt (64-bit
 * files). *n of them at out, as far as there are any; 0 if the dynamic section is missing or damaged. Their names are
 * offsets in the returned string of *names_size bytes, which is constant. */
const char *elf_dynamic_sections(const struct elf_file *ef, struct elf_section out[ELF_DYNAMIC_SECTIONS], size_t *n,
				 size_t *names_size);

#endif
