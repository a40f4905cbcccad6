/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which allocator a file holds, by functions that only it defines. A libc comes last: a program may be linked
 * statically with both a libc and the allocator that takes its malloc's place.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "base/buf.h"
#include "base/map.h"
#include "elf/symbols.h"

/* A banner is searched for in a .rodata of at most this size: a libc's own has 150 KiB. */
#define RODATA_MAX (32u << 20)
#define VERSION_MAX 16

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

/* gnu_get_libc_version() is `lea string(%rip),%rax; ret`. */
static size_t version_by_code(const struct elf_file *ef, const struct elf_symbol *f, char version[VERSION_MAX])
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	uint8_t code[16], *p = code;
	char text[VERSION_MAX];
	int32_t disp;
	uint64_t vaddr = f->vaddr;

	if (elf_read_vaddr(ef, vaddr, code, sizeof(code)) != sizeof(code))
		return 0;
	if (!memcmp(p, endbr64, sizeof(endbr64))) {
		p += sizeof(endbr64);
		vaddr += sizeof(endbr64);
	}
	if (p[0] != 0x48 || p[1] != 0x8d || p[2] != 0x05 || p[7] != 0xc3)
		return 0;
	memcpy(&disp, p + 3, sizeof(disp));
	return take_version(text, elf_read_vaddr(ef, vaddr + 7 + (uint64_t)(int64_t)disp, text, sizeof(text)), version);
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
