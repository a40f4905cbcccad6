/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which imported function a GOT slot holds: what a PLT stub's indirect jump reads. x86-64. */
#ifndef ALLOCTRACE_ELF_IMPORTS_H
#define ALLOCTRACE_ELF_IMPORTS_H

#include "elf/elffile.h"

struct elf_imports;

/* From the relocations of .rela.plt and .rela.dyn (JUMP_SLOT, GLOB_DAT, 64; IRELATIVE): slot vaddr -> symbol name.
 * 0 (also when there are none) or -ENOEXEC. */
int elf_imports_load(const struct elf_file *ef, struct elf_imports **out);
void elf_imports_free(struct elf_imports *im);
/* NULL if the slot is not an import's. */
const char *elf_imports_at(const struct elf_imports *im, uint64_t slot_vaddr);
/* Where this very file defines the function that the slot is for: its vaddr. 0: it does not, or by a resolver. */
uint64_t elf_imports_defined(const struct elf_imports *im, uint64_t slot_vaddr);
/* Is something of that name imported? */
bool elf_imports_name(const struct elf_imports *im, const char *name);
/* The slot holds one of this file's own functions, chosen when it was loaded (an ifunc, such as memcpy). */
bool elf_imports_is_chosen(const struct elf_imports *im, uint64_t slot_vaddr);

#endif
