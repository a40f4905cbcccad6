/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/dwimage.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/mem.h"
#include "base/memlimit.h"

#define IMAGE_MAX (8ull << 30)
#define SLACK 64	/* zeros after each section */
#define ALIGNMENT 16
#define NAMES_SECTION (DW_SECTIONS + 1)	/* section 0 is the null section */

static const char *const names[DW_SECTIONS] = {
	[DW_SEC_INFO] = ".debug_info", [DW_SEC_ABBREV] = ".debug_abbrev", [DW_SEC_LINE] = ".debug_line",
	[DW_SEC_STR] = ".debug_str", [DW_SEC_LINE_STR] = ".debug_line_str",
	[DW_SEC_STR_OFFSETS] = ".debug_str_offsets", [DW_SEC_ADDR] = ".debug_addr",
	[DW_SEC_RANGES] = ".debug_ranges", [DW_SEC_RNGLISTS] = ".debug_rnglists",
};

static const char names_name[] = ".shstrtab";

struct maker {
	const struct elf_file *ef;
	const struct elf_section *sec[DW_SECTIONS];
	uint8_t *expanded[DW_SECTIONS];	/* of those that the file has compressed */
	uint64_t size[DW_SECTIONS], offset[DW_SECTIONS];
	uint64_t headers, strings, total;
};

/* What the debugging information of one file may take of this machine's memory. */
static uint64_t most_bytes(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 4;

	return memory < IMAGE_MAX ? memory : IMAGE_MAX;
}

/* Finds how long each section is, expanding those that are compressed. */
static int measure(struct maker *m)
{
	uint64_t left = most_bytes();

	for (int i = 0; i < DW_SECTIONS; i++) {
		const struct elf_section *sec = elf_section_by_name(m->ef, names[i]);
		size_t size = 0;
		int err;

		/* In a file whose debugging information was split off, such a header may stand for nothing. */
		if (!sec || sec->type == SHT_NOBITS || sec->type == SHT_NULL)
			continue;
		if (sec->size > left)
			return -EFBIG;
		if (sec->flags & SHF_COMPRESSED) {
			err = elf_section_data(m->ef, sec, left, &m->expanded[i], &size);
			if (err)
				return err;
			m->size[i] = size;
		} else {
			m->size[i] = sec->size;
		}
		if (m->size[i] > left)
			return -EFBIG;
		left -= m->size[i];
		m->sec[i] = sec;
	}
	return m->sec[DW_SEC_INFO] && m->sec[DW_SEC_ABBREV] && m->size[DW_SEC_INFO] ? 0 : -ENOENT;
}

static void lay_out(struct maker *m)
{
	uint64_t at = sizeof(Elf64_Ehdr);

	for (int i = 0; i < DW_SECTIONS; i++) {
		m->offset[i] = at;
		at = (at + m->size[i] + SLACK + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	}
	m->strings = at;
	at += 1 + sizeof(names_name);
	for (int i = 0; i < DW_SECTIONS; i++)
		at += strlen(names[i]) + 1;
	m->headers = (at + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	m->total = m->headers + (NAMES_SECTION + 1) * sizeof(Elf64_Shdr);
}

static void write_headers(const struct maker *m, uint8_t *memory)
{
	Elf64_Ehdr *eh = (Elf64_Ehdr *)memory;
	Elf64_Shdr *sh = (Elf64_Shdr *)(memory + m->headers);
	char *strings = (char *)memory + m->strings, *at = strings + 1;

	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_ident[EI_DATA] = ELFDATA2LSB;
	eh->e_ident[EI_VERSION] = EV_CURRENT;
	eh->e_type = ET_DYN;
	eh->e_machine = ARCH_EM;
	eh->e_version = EV_CURRENT;
	eh->e_ehsize = sizeof(*eh);
	eh->e_shoff = m->headers;
	eh->e_shentsize = sizeof(*sh);
	eh->e_shnum = NAMES_SECTION + 1;
	eh->e_shstrndx = NAMES_SECTION;
	for (int i = 0; i < DW_SECTIONS; i++) {
		if (!m->sec[i])
			continue;	/* stays a null section */
		sh[i + 1] = (Elf64_Shdr){
			.sh_name = (uint32_t)(at - strings), .sh_type = SHT_PROGBITS, .sh_offset = m->offset[i],
			.sh_size = m->size[i], .sh_addralign = 1,
		};
		at = stpcpy(at, names[i]) + 1;
	}
	sh[NAMES_SECTION] = (Elf64_Shdr){
		.sh_name = (uint32_t)(at - strings), .sh_type = SHT_STRTAB, .sh_offset = m->strings,
		.sh_size = m->headers - m->strings, .sh_addralign = 1,
	};
	memcpy(at, names_name, sizeof(names_name));
}

static bool fill(const struct maker *m, struct dw_image *out)
{
	for (int i = 0; i < DW_SECTIONS; i++) {
		uint8_t *to = out->memory + m->offset[i];

		if (!m->sec[i])
			continue;
		if (m->expanded[i])
			memcpy(to, m->expanded[i], m->size[i]);
		else if (!elf_file_read(m->ef, m->sec[i]->offset, to, m->size[i]))
			return false;
		out->section[i] = (struct dw_bytes){to, m->size[i]};
	}
	write_headers(m, out->memory);
	return true;
}

static int make(struct maker *m, struct dw_image *out)
{
	void *memory;
	int err = measure(m);

	if (err)
		return err;
	lay_out(m);
	if (!memlimit_has_room(m->total, elf_file_name(m->ef)))
		return -EFBIG;
	memory = mmap(NULL, m->total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -EFBIG;
	out->memory = memory;
	out->size = m->total;
	if (fill(m, out))
		return 0;
	dw_image_free(out);
	return -ENOEXEC;
}

int dw_image_make(const struct elf_file *ef, struct dw_image *out)
{
	struct maker m = {.ef = ef};
	int err;

	*out = (struct dw_image){0};
	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != ARCH_EM)
		return -ENOENT;
	err = make(&m, out);
	for (int i = 0; i < DW_SECTIONS; i++)
		free(m.expanded[i]);
	return err;
}

void dw_image_free(struct dw_image *image)
{
	if (image->memory)
		munmap(image->memory, image->size);
	*image = (struct dw_image){0};
}
