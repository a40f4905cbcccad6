/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number of dynamic symbols stands nowhere but in the section header. The hash tables tell: DT_HASH has one chain
 * entry for each symbol; DT_GNU_HASH has chains for the defined symbols, which come last, sorted by bucket, so that the
 * end of the chain of the highest bucket is the end of the table:
 *
 *     | nbuckets | symoffset | bloom words | shift | bloom (8 bytes each) | buckets (4) | chains (4): odd = the last |
 */
#include "elf/dynamic.h"

#include <elf.h>
#include <string.h>

#define DYNAMIC_MAX 1024	/* entries */
#define CHUNK 1024		/* numbers read at a time */
#define SYMBOLS_MAX (16u << 20)	/* also of buckets */

static const char names[] = "\0.dynsym\0.dynstr\0.gnu.version\0.rela.dyn\0.rela.plt";
enum { NAME_DYNSYM = 1, NAME_DYNSTR = 9, NAME_VERSION = 17, NAME_RELA_DYN = 30, NAME_RELA_PLT = 40 };
_Static_assert(sizeof(names) == 50, "the offsets of the names");

struct dynamic {	/* values of the tags; 0 if there is none */
	uint64_t symtab, strtab, strsz, hash, gnu_hash, versym;
	uint64_t rela, relasz, jmprel, pltrelsz, pltrel;
};

static uint64_t *value_of(struct dynamic *d, int64_t tag)
{
	switch (tag) {
	case DT_SYMTAB: return &d->symtab;
	case DT_STRTAB: return &d->strtab;
	case DT_STRSZ: return &d->strsz;
	case DT_HASH: return &d->hash;
	case DT_GNU_HASH: return &d->gnu_hash;
	case DT_VERSYM: return &d->versym;
	case DT_RELA: return &d->rela;
	case DT_RELASZ: return &d->relasz;
	case DT_JMPREL: return &d->jmprel;
	case DT_PLTRELSZ: return &d->pltrelsz;
	case DT_PLTREL: return &d->pltrel;
	}
	return NULL;
}

static bool read_dynamic(const struct elf_file *ef, struct dynamic *d)
{
	const struct elf_segment *seg = elf_segment_by_type(ef, PT_DYNAMIC);
	Elf64_Dyn dyn;

	memset(d, 0, sizeof(*d));
	if (!seg || elf_file_class(ef) != ELFCLASS64)
		return false;
	for (uint64_t i = 0; i < DYNAMIC_MAX && i < seg->filesz / sizeof(dyn); i++) {
		uint64_t *value;

		if (seg->offset > UINT64_MAX - i * sizeof(dyn) ||
		    !elf_file_read(ef, seg->offset + i * sizeof(dyn), &dyn, sizeof(dyn)))
			return false;
		if (dyn.d_tag == DT_NULL)
			break;
		value = value_of(d, dyn.d_tag);
		if (value)
			*value = dyn.d_un.d_val;
	}
	return d->symtab && d->strtab && d->strsz;
}

/* Up to CHUNK numbers from vaddr on; how many there are. */
static size_t read_words(const struct elf_file *ef, uint64_t vaddr, uint64_t want, uint32_t words[CHUNK])
{
	return elf_read_vaddr(ef, vaddr, words, (want < CHUNK ? (size_t)want : CHUNK) * sizeof(*words)) /
	       sizeof(*words);
}

/* The symbols that DT_GNU_HASH accounts for; 0 if it lies. Ends where the file does, at the latest. */
static uint64_t count_gnu_hash(const struct elf_file *ef, uint64_t hash)
{
	uint32_t head[4], words[CHUNK], highest = 0;
	uint64_t buckets, chains, left;
	size_t n;

	if (elf_read_vaddr(ef, hash, head, sizeof(head)) != sizeof(head) || head[0] > SYMBOLS_MAX)
		return 0;
	buckets = hash + sizeof(head) + 8ull * head[2];
	chains = buckets + 4ull * head[0];
	for (left = head[0]; left > 0; left -= n) {
		n = read_words(ef, chains - 4 * left, left, words);
		if (!n)
			return 0;
		for (size_t i = 0; i < n; i++)
			if (words[i] > highest)
				highest = words[i];
	}
	if (highest < head[1])	/* nothing is defined: the ones before are imports */
		return highest ? 0 : head[1];
	for (uint64_t at = highest; at < SYMBOLS_MAX; at += n) {
		n = read_words(ef, chains + 4 * (at - head[1]), CHUNK, words);
		if (!n)
			return 0;
		for (size_t i = 0; i < n; i++)
			if (words[i] & 1)
				return at + i + 1;
	}
	return 0;
}

static uint64_t count_symbols(const struct elf_file *ef, const struct dynamic *d)
{
	uint32_t head[2];	/* buckets, chain entries */

	if (d->hash && elf_read_vaddr(ef, d->hash, head, sizeof(head)) == sizeof(head))
		return head[1];
	return d->gnu_hash ? count_gnu_hash(ef, d->gnu_hash) : 0;
}

static void add(const struct elf_file *ef, struct elf_section *out, size_t *n, struct elf_section sec)
{
	if (sec.size && elf_vaddr_to_offset(ef, sec.vaddr, &sec.offset))
		out[(*n)++] = sec;
}

const char *elf_dynamic_sections(const struct elf_file *ef, struct elf_section out[ELF_DYNAMIC_SECTIONS], size_t *n,
				 size_t *names_size)
{
	struct dynamic d;
	uint64_t count;

	*n = 0;
	*names_size = sizeof(names) - 1;
	if (!read_dynamic(ef, &d))
		return names;
	count = count_symbols(ef, &d);
	if (!count || count > UINT32_MAX)
		return names;
	out[(*n)++] = (struct elf_section){0};
	add(ef, out, n, (struct elf_section){
		.name = NAME_DYNSYM, .type = SHT_DYNSYM, .flags = SHF_ALLOC, .vaddr = d.symtab,
		.size = count * sizeof(Elf64_Sym), .entsize = sizeof(Elf64_Sym), .link = 2,
	});
	add(ef, out, n, (struct elf_section){
		.name = NAME_DYNSTR, .type = SHT_STRTAB, .flags = SHF_ALLOC, .vaddr = d.strtab, .size = d.strsz,
	});
	if (*n != 3) {	/* one without the other */
		*n = 0;
		return names;
	}
	if (d.versym)
		add(ef, out, n, (struct elf_section){
			.name = NAME_VERSION, .type = SHT_GNU_versym, .flags = SHF_ALLOC, .vaddr = d.versym,
			.size = count * sizeof(uint16_t), .entsize = sizeof(uint16_t), .link = 1,
		});
	add(ef, out, n, (struct elf_section){
		.name = NAME_RELA_DYN, .type = SHT_RELA, .flags = SHF_ALLOC, .vaddr = d.rela, .size = d.relasz,
		.entsize = sizeof(Elf64_Rela), .link = 1,
	});
	if (d.pltrel == DT_RELA)
		add(ef, out, n, (struct elf_section){
			.name = NAME_RELA_PLT, .type = SHT_RELA, .flags = SHF_ALLOC, .vaddr = d.jmprel,
			.size = d.pltrelsz, .entsize = sizeof(Elf64_Rela), .link = 1,
		});
	return names;
}
