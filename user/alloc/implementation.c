/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which allocator a file holds, by functions that only it defines. A libc comes last: a program may be linked
 * statically with both a libc and the allocator that takes its malloc's place.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "arch/insn.h"
#include "base/buf.h"
#include "base/map.h"
#include "elf/symbols.h"

/* A banner is searched for in a .rodata of at most this size: a libc's own has 150 KiB. */
#define RODATA_MAX (32u << 20)
#define VERSION_MAX 16
#define VERSION_CODE 16	/* bytes */

/* Any one of a row's functions will do. */
static const struct {
	const char *function, *name;
} markers[] = {
	{"mallctlnametomib", "jemalloc"},
	{"je_mallctlnametomib", "jemalloc"},
	{"_rjem_mallctlnametomib", "jemalloc"},
	{"MallocExtension_GetStats", "tcmalloc"},
	{"TCMallocInternalMalloc", "tcmalloc"},
	{"mi_heap_malloc", "mimalloc"},
	{"scalable_malloc", "TBB"},
	{"rpmalloc", "rpmalloc"},
	{"dlmalloc", "dlmalloc"},
	{"gnu_get_libc_version", "glibc"},
	{"__libc_memalign", "glibc"},
	{"_dlstart", "musl"},
	{"__libc_malloc_impl", "musl"},
	{"__malloc_alloc_meta", "musl"},
};

#define N_MARKERS (sizeof(markers) / sizeof(markers[0]))

/* What an allocator says of itself where it is stripped, or has a prefix. */
static const struct {
	const char *text, *name;
} banners[] = {
	{"<jemalloc>: ", "jemalloc"},
	{"tcmalloc: ", "tcmalloc"},
	{"mimalloc: ", "mimalloc"},
	{"musl libc (", "musl"},
};

/* "2.36" from "... stable release version 2.36.": digits and single dots between them. 0 if there is none. */
static size_t take_version(const char *s, size_t len, char version[VERSION_MAX])
{
	size_t n = 0;

	while (n < len && n < VERSION_MAX - 1 &&
	       (isdigit((unsigned char)s[n]) ||
		(n && s[n] == '.' && n + 1 < len && isdigit((unsigned char)s[n + 1])))) {
		version[n] = s[n];
		n++;
	}
	version[n] = '\0';
	return n;
}

/* gnu_get_libc_version() does nothing but return a string's address. */
static size_t version_by_code(const struct elf_file *ef, const struct elf_symbol *f, char version[VERSION_MAX])
{
	uint8_t code[VERSION_CODE];
	struct insn in, then;
	char text[VERSION_MAX];
	size_t at = 0;

	if (elf_read_vaddr(ef, f->vaddr, code, sizeof(code)) != sizeof(code) ||
	    !insn_decode(code, sizeof(code), f->vaddr, &in))
		return 0;
	if (in.kind == INSN_LANDING) {
		at = in.len;
		if (!insn_decode(code + at, sizeof(code) - at, f->vaddr + at, &in))
			return 0;
	}
	at += in.len;
	if (in.kind != INSN_ADDRESS || in.op[0].reg != abi_c.result || in.op[0].bits != 64 || !in.op[1].fixed ||
	    !insn_decode(code + at, sizeof(code) - at, f->vaddr + at, &then) || then.class != INSN_RETURN)
		return 0;
	return take_version(text, elf_read_vaddr(ef, (uint64_t)in.op[1].value, text, sizeof(text)), version);
}

static size_t version_by_banner(const struct elf_file *ef, char version[VERSION_MAX])
{
	static const char banner[] = "GNU C Library ", word[] = " release version ";
	uint8_t *data;
	size_t size, n = 0;
	const uint8_t *p, *v;

	if (elf_section_read(ef, ".rodata", RODATA_MAX, &data, &size))
		return 0;
	p = memmem(data, size, banner, sizeof(banner) - 1);
	if (p) {
		size_t rest = size - (size_t)(p - data);

		v = memmem(p, rest < 256 ? rest : 256, word, sizeof(word) - 1);
		if (v) {
			v += sizeof(word) - 1;
			n = take_version((const char *)v, size - (size_t)(v - data), version);
		}
	}
	free(data);
	return n;
}

static const char *glibc(const struct elf_file *ef, const struct elf_symbol *f)
{
	static struct strpool names;
	char version[VERSION_MAX];
	struct buf b = {0};
	const char *name;

	if (!(f->name && version_by_code(ef, f, version)) && !version_by_banner(ef, version))
		return "glibc";
	buf_printf(&b, "glibc %s", version);
	name = strpool_str(&names, strpool_id(&names, buf_cstr(&b)));
	buf_free(&b);
	return name;
}

static const char *by_banner(const struct elf_file *ef)
{
	const char *name = NULL;
	uint8_t *data;
	size_t size;

	if (elf_section_read(ef, ".rodata", RODATA_MAX, &data, &size))
		return NULL;
	for (size_t i = 0; i < sizeof(banners) / sizeof(banners[0]) && !name; i++)
		if (memmem(data, size, banners[i].text, strlen(banners[i].text)))
			name = banners[i].name;
	free(data);
	return name;
}

static bool is_libc(const char *name)
{
	return !strcmp(name, "glibc") || !strcmp(name, "musl");
}

const char *alloc_implementation(const struct elf_file *ef, const char *path)
{
	const char *names[N_MARKERS];
	struct elf_symbol found[N_MARKERS];
	const char *base = path ? strrchr(path, '/') : NULL, *banner = NULL;
	size_t first = 0;

	for (size_t i = 0; i < N_MARKERS; i++)
		names[i] = markers[i].function;
	if (elf_find_functions(ef, names, N_MARKERS, found))
		memset(found, 0, sizeof(found));
	while (first < N_MARKERS && !found[first].name)
		first++;
	/* A program that is linked with a libc may have another allocator in it. */
	if (first == N_MARKERS || is_libc(markers[first].name))
		banner = by_banner(ef);
	if (banner && (first == N_MARKERS || !is_libc(banner)))
		return banner;
	if (first < N_MARKERS)
		return strcmp(markers[first].name, "glibc") ? markers[first].name : glibc(ef, &found[first]);
	/* Stripped to the bone, the name is what remains. */
	if (base && !strncmp(base, "/ld-musl-", 9))
		return "musl";
	return NULL;
}
