/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MiniDebugInfo: the .symtab that Fedora and others leave in stripped files, as an xz-compressed ELF file in the
 * section .gnu_debugdata. It holds the functions that .dynsym has not. */
#ifndef ALLOCTRACE_ELF_MINIDEBUG_H
#define ALLOCTRACE_ELF_MINIDEBUG_H

#include "elf/elffile.h"

/* Bounds on the section and on what it decompresses to, in bytes; real ones have a few million at most. */
#define ELF_MINIDEBUG_RAW_MAX (16u << 20)
#define ELF_MINIDEBUG_MAX (64u << 20)

/* For elf_symbols_load(). *image is the caller's to free, after *out. 0; -ENOENT; -EFBIG; -ENOEXEC if it is damaged or
 * of another machine. */
int elf_minidebug_open(const struct elf_file *ef, uint8_t **image, struct elf_file **out);

#endif
