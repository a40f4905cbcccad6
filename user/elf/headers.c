/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/headers.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* More than any linker writes; a table of section headers may be that long only in a file made to exhaust memory. */
#define SECTIONS_MAX (1u << 20)
#define SEGMENTS_MAX UINT16_MAX

static Elf64_Phdr wide_phdr(const Elf32_Phdr *p)
{
	return (Elf64_Phdr){
		.p_type = p->p_type, .p_flags = p->p_flags, .p_offset = p->p_offset, .p_vaddr = p->p_vaddr,
		.p_paddr = p->p_paddr, .p_filesz = p->p_filesz, .p_memsz = p->p_memsz, .p_align = p->p_align,
	};
}

static Elf64_Shdr wide_shdr(const Elf32_Shdr *s)
{
	return (Elf64_Shdr){
		.sh_name = s->sh_name, .sh_type = s->sh_type, .sh_flags = s->sh_flags, .sh_addr = s->sh_addr,
		.sh_offset = s->sh_offset, .sh_size = s->sh_size, .sh_link = s->sh_link, .sh_info = s->sh_info,
		.sh_addralign = s->sh_addralign, .sh_entsize = s->sh_entsize,
	};
}

/* What the file says, in the order of Elf64_Ehdr. */
static bool read_ehdr(const struct elf_file *ef, Elf64_Ehdr *eh)
{
	Elf32_Ehdr e;

	if (!elf_file_read(ef, 0, eh->e_ident, EI_NIDENT) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_ident[EI_VERSION] != EV_CURRENT)
		return false;
	if (eh->e_ident[EI_DATA] != (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB))
		return false;
	if (eh->e_ident[EI_CLASS] == ELFCLASS64)
		return elf_file_read(ef, 0, eh, sizeof(*eh));
	if (eh->e_ident[EI_CLASS] != ELFCLASS32 || !elf_file_read(ef, 0, &e, sizeof(e)))
		return false;
	eh->e_type = e.e_type;
	eh->e_machine = e.e_machine;
	eh->e_entry = e.e_entry;
	eh->e_phoff = e.e_phoff;
	eh->e_shoff = e.e_shoff;
	eh->e_phnum = e.e_phnum;
	eh->e_shnum = e.e_shnum;
	eh->e_phentsize = e.e_phentsize;
	eh->e_shentsize = e.e_shentsize;
	eh->e_shstrndx = e.e_shstrndx;
	return true;
}

static size_t phdr_size(const struct elf_header *h)
{
	return h->class == ELFCLASS64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static size_t shdr_size(const struct elf_header *h)
{
	return h->class == ELFCLASS64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

/* n entries of a table that the file holds whole, as it does; NULL otherwise. */
static void *read_table(const struct elf_file *ef, uint64_t offset, uint64_t n, size_t entry)
{
	void *table;

	if (!n || !elf_file_holds(ef, offset, n * entry))
		return NULL;
	table = xmalloc((size_t)n * entry);
	if (elf_file_read(ef, offset, table, (size_t)n * entry))
		return table;
	free(table);
	return NULL;
}

/* Numbers that do not fit into the header are in the first section's. */
static bool extended_numbers(const struct elf_file *ef, struct elf_header *h)
{
	struct elf_header first = *h;
	Elf64_Shdr *sh;

	first.shnum = 1;
	sh = elf_header_sections(ef, &first);
	if (!sh)
		return false;
	if (!h->shnum)
		h->shnum = sh->sh_size;
	if (h->shstrndx == SHN_XINDEX)
		h->shstrndx = sh->sh_link;
	if (h->phnum == PN_XNUM)
		h->phnum = sh->sh_info;
	free(sh);
	return true;
}

bool elf_header_read(const struct elf_file *ef, struct elf_header *h)
{
	Elf64_Ehdr eh;

	if (!read_ehdr(ef, &eh))
		return false;
	*h = (struct elf_header){
		.class = eh.e_ident[EI_CLASS], .type = eh.e_type, .machine = eh.e_machine, .entry = eh.e_entry,
		.phoff = eh.e_phoff, .shoff = eh.e_shoff, .phnum = eh.e_phnum, .shnum = eh.e_shnum,
		.shstrndx = eh.e_shstrndx,
	};
	if (!eh.e_shoff || eh.e_shentsize != shdr_size(h))
		h->shnum = 0;
	else if ((!h->shnum || h->shstrndx == SHN_XINDEX || h->phnum == PN_XNUM) && !extended_numbers(ef, h))
		h->table_lies = true;
	if (h->shnum > SECTIONS_MAX)
		return false;
	if (!eh.e_phoff || eh.e_phentsize != phdr_size(h) || h->phnum > SEGMENTS_MAX)
		h->phnum = 0;
	if (!elf_file_holds(ef, h->shoff, h->shnum * shdr_size(h))) {
		h->table_lies = true;
		h->shnum = 0;
	}
	if (!elf_file_holds(ef, h->phoff, h->phnum * phdr_size(h))) {
		h->table_lies = true;
		h->phnum = 0;
	}
	return true;
}

Elf64_Phdr *elf_header_segments(const struct elf_file *ef, const struct elf_header *h)
{
	void *table = read_table(ef, h->phoff, h->phnum, phdr_size(h));
	Elf64_Phdr *wide;

	if (!table || h->class == ELFCLASS64)
		return table;
	wide = xrealloc_array(NULL, (size_t)h->phnum, sizeof(*wide));
	for (size_t i = 0; i < h->phnum; i++)
		wide[i] = wide_phdr((const Elf32_Phdr *)table + i);
	free(table);
	return wide;
}

Elf64_Shdr *elf_header_sections(const struct elf_file *ef, const struct elf_header *h)
{
	void *table = read_table(ef, h->shoff, h->shnum, shdr_size(h));
	Elf64_Shdr *wide;

	if (!table || h->class == ELFCLASS64)
		return table;
	wide = xrealloc_array(NULL, (size_t)h->shnum, sizeof(*wide));
	for (size_t i = 0; i < h->shnum; i++)
		wide[i] = wide_shdr((const Elf32_Shdr *)table + i);
	free(table);
	return wide;
}
