/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header tables of an ELF file of either class, as 64-bit structures; for elffile.c. (libelf allocates a few
 * hundred bytes for each section that a file claims to have, before anybody can ask how many there are; here a claim
 * is believed as far as the file reaches.)
 */
/* Part of elf/elffile.h. */
#ifndef ALLOCTRACE_ELF_HEADERS_H
#define ALLOCTRACE_ELF_HEADERS_H

#include <elf.h>

#include "elf/elffile.h"

struct elf_header {
	unsigned char class;	/* ELFCLASS32, ELFCLASS64 */
	uint16_t type, machine;
	uint64_t entry, phoff, shoff;
	uint64_t phnum, shnum;	/* 0 if the table is missing or reaches past the end of the file */
	uint32_t shstrndx;
	bool table_lies;	/* a table reaches past the end of the file */
};

/* false if this is no ELF file of this machine's byte order, or claims a number of sections that no linker writes. */
bool elf_header_read(const struct elf_file *ef, struct elf_header *h);
/* h->phnum, or h->shnum, of them, the caller's to free; NULL if there are none or they cannot be read. */
Elf64_Phdr *elf_header_segments(const struct elf_file *ef, const struct elf_header *h);
Elf64_Shdr *elf_header_sections(const struct elf_file *ef, const struct elf_header *h);

#endif
