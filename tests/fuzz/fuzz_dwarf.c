/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debugging information of arbitrary bytes: a whole ELF file if they begin like one, otherwise its sections in the
 * order of enum dw_section (-max_len=8192 -runs=10000):
 *
 *     | u8 flags | u16 size of each section | sections |
 *
 * Each address must have the same places when the file is read once more.
 */
#include <elf.h>
#include <errno.h>

#include "base/log.h"
#include "base/map.h"
#include "sym/dwarf.h"
#include "sym/dwunit.h"

#include "fuzz.h"

#define HEADER (1 + 2 * DW_SECTIONS)
#define ADDRESSES_MAX 48
#define NAMES_BYTES 128

enum { FLAG_ALT = 1 };	/* the file is its own alternate file, too */

/* Addresses, and what was told of each. */
struct asked {
	uint64_t addr[ADDRESSES_MAX], told[ADDRESSES_MAX];
	size_t n;
};

static uint64_t hash_string(uint64_t hash, const char *s)
{
	for (; s && *s; s++)
		hash = mix64(hash ^ (uint8_t)*s);
	return mix64(hash ^ (s ? 1 : 2));
}

/* Checks what is told of the address; a hash of it. */
static uint64_t ask(struct dwarf *d, uint64_t addr)
{
	struct dwarf_place places[DWARF_PLACES_MAX];
	uint64_t start, hash;
	size_t n = dwarf_at(d, addr, places, &start);

	require(n <= DWARF_PLACES_MAX);
	require(n || dwarf_gave_up(d) || !start);
	require(start <= addr);
	hash = mix64(n) ^ start;
	for (size_t i = 0; i < n; i++) {
		require(!places[i].file || *places[i].file);
		hash = hash_string(hash, places[i].function);
		hash = mix64(hash_string(hash, places[i].file) ^ places[i].line);
	}
	return hash;
}

static void add_address(struct asked *a, uint64_t addr)
{
	if (a->n < ADDRESSES_MAX)
		a->addr[a->n++] = addr;
}

/* Where units, functions and rows begin and end. */
static void gather_addresses(struct dwarf *d, struct asked *a)
{
	for (size_t i = 0; i < d->ranges.r.n && i < 8; i++) {
		const struct dw_range *r = &d->ranges.r.at[i];

		add_address(a, r->start);
		add_address(a, r->start + (r->end - r->start) / 2);
		add_address(a, r->end - 1);
	}
	for (size_t i = 0; i < d->units.n && i < 4; i++) {
		const struct dw_unit *u = &d->units.at[i];

		for (size_t k = 0; k < u->ranges.r.n && k < 4; k++)
			add_address(a, u->ranges.r.at[k].start);
		for (size_t k = 0; k < u->lines.rows.n && k < 4; k++)
			add_address(a, u->lines.rows.at[k].addr);
	}
}

static struct dwarf *open_file(const struct elf_file *ef, bool alt)
{
	struct dwarf *d = NULL;
	int err = dwarf_open(ef, &d);

	require(!err || err == -ENOENT || err == -EFBIG || err == -ENOEXEC);
	require(err != 0 || dwarf_is_in(ef));
	if (!err && alt)
		dwarf_set_alt(d, ef);
	return d;
}

static void try_file(const uint8_t *data, size_t size, bool alt)
{
	struct elf_file *ef;
	struct dwarf *d, *again;
	struct asked a = {.n = 0};

	if (elf_file_open_memory(data, size, "fuzz", &ef))
		return;
	d = open_file(ef, alt);
	again = open_file(ef, alt);
	require(!d == !again);
	if (d) {
		/* Makes the index. */
		require(ask(d, 1) == ask(again, 1) || dwarf_gave_up(d) || dwarf_gave_up(again));
		gather_addresses(d, &a);
		for (size_t i = 0; i < a.n; i++)
			a.told[i] = ask(d, a.addr[i]);
		for (size_t i = 0; i < a.n; i++)
			require(ask(again, a.addr[i]) == a.told[i] || dwarf_gave_up(d) || dwarf_gave_up(again));
		require(dwarf_is_split(d) == dwarf_is_split(again));
	}
	dwarf_close(d);
	dwarf_close(again);
	elf_file_close(ef);
}

static const char *const names[DW_SECTIONS] = {
	".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str", ".debug_str_offsets",
	".debug_addr", ".debug_ranges", ".debug_rnglists",
};

/* A file of a header, the sections, their names, their headers. */
static void try_sections(const uint8_t *data, size_t size)
{
	const size_t strings = sizeof(Elf64_Ehdr) + size, headers = (strings + NAMES_BYTES + 7) & ~(size_t)7;
	const size_t total = headers + (DW_SECTIONS + 2) * sizeof(Elf64_Shdr);
	uint8_t *file = calloc(1, total);
	Elf64_Shdr *sh = (Elf64_Shdr *)(file + headers);
	Elf64_Ehdr eh = {.e_ident = ELFMAG, .e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_shoff = headers, .e_ehsize = sizeof(eh), .e_shentsize = sizeof(*sh), .e_shnum = DW_SECTIONS + 2,
		.e_shstrndx = DW_SECTIONS + 1};
	size_t at = HEADER, name = 1;

	require(file);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(file, &eh, sizeof(eh));
	memcpy(file + sizeof(eh), data, size);
	for (int i = 0; i < DW_SECTIONS; i++) {
		size_t len = data[1 + 2 * i] | (size_t)data[2 + 2 * i] << 8;

		len = len < size - at ? len : size - at;
		sh[1 + i] = (Elf64_Shdr){.sh_name = (uint32_t)name, .sh_type = SHT_PROGBITS,
					 .sh_offset = sizeof(eh) + at, .sh_size = len, .sh_addralign = 1};
		strcpy((char *)file + strings + name, names[i]);
		name += strlen(names[i]) + 1;
		at += len;
	}
	require(name <= NAMES_BYTES);
	sh[DW_SECTIONS + 1] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = strings, .sh_size = NAMES_BYTES};
	try_file(file, total, data[0] & FLAG_ALT);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	log_set_level(LOG_QUIET);
	if (size <= HEADER)
		return 0;
	copy = exact_copy(data, size);
	if (!memcmp(data, ELFMAG, SELFMAG))
		try_file(copy, size, false);
	else
		try_sections(copy, size);
	free(copy);
	return 0;
}
