// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The version that a Go program was built with, from its build information:
 *
 *     0             14          15      16                      32
 *     | magic       | pointers' | flags | 2 pointers to strings | length, version | length, modules |
 *
 * Up to 1.17 the strings are elsewhere, from 1.18 on (flag 2) they follow. It can be left out; then the code of
 * runtime.schedinit shows where runtime.buildVersion is, since it looks whether that is empty.
 */
#include <elf.h>
#include <stdlib.h>

#include "arch/insn.h"
#include "base/mem.h"
#include "elf/goinside.h"
#include "elf/irelative.h"

#define MAGIC "\xff Go buildinf:"
#define MAGIC_LEN 14
#define INFO_AT_MOST (64u << 10)	/* from the start of writable data, where there is no section of that name */
#define INFO_ALIGN 16
#define CODE_AT_MOST 4096

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "go1.22.4", "go1.23rc1", "go1.19.8 X:…", "devel go1.20-…": the minor number; 0 where it is no version. */
static unsigned int minor_of(const char *version)
{
	const char *p = strstr(version, "go1.");
	unsigned int minor = 0;

	if (!p)
		return 0;
	for (p += 4; is_digit(*p) && minor < 1000; p++)
		minor = minor * 10 + (unsigned int)(*p - '0');
	return minor;
}

static bool take_version(struct gopclntab *g, const void *text, size_t len)
{
	char version[GO_VERSION_MAX];

	if (len >= sizeof(version))
		len = sizeof(version) - 1;
	memcpy(version, text, len);
	version[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (version[i] < ' ' || version[i] > '~')
			return false;
	if (!minor_of(version))
		return false;
	memcpy(g->version, version, sizeof(version));
	g->minor = minor_of(version);
	return true;
}

/* A string of Go, {address, length}, at vaddr. */
static bool take_string(struct gopclntab *g, uint64_t vaddr)
{
	char text[GO_VERSION_MAX];
	uint64_t w[2];
	size_t n;

	elf_pointers_at(g->ef, vaddr, w, 2);
	if (!w[1] || w[1] >= sizeof(text))
		return false;
	n = elf_read_vaddr(g->ef, w[0], text, (size_t)w[1]);
	return n == w[1] && take_version(g, text, n);
}

/* p: the build information at vaddr, of which so many bytes are there. */
static bool take_info(struct gopclntab *g, const uint8_t *p, size_t size, uint64_t vaddr)
{
	uint64_t pointer[1];

	if (size < 32)
		return false;
	if (p[15] & 2)	/* a varint, of one byte for what is a version */
		return size > 33 && p[32] < 128 && p[32] <= size - 33 && take_version(g, p + 33, p[32]);
	if (p[14] != 8)
		return false;
	elf_pointers_at(g->ef, vaddr + 16, pointer, 1);
	return take_string(g, pointer[0]);
}

static bool find_in(struct gopclntab *g, uint64_t vaddr, size_t len)
{
	uint8_t *data = xmalloc(len);
	const size_t n = elf_read_vaddr(g->ef, vaddr, data, len);
	bool found = false;

	for (size_t at = 0; at + MAGIC_LEN <= n && !found; at += INFO_ALIGN)
		found = !memcmp(data + at, MAGIC, MAGIC_LEN) && take_info(g, data + at, n - at, vaddr + at);
	free(data);
	return found;
}

/* A string that begins like a version, and whose address or length the function's code uses. */
static bool find_in_code(struct gopclntab *g, const struct go_function *f)
{
	uint8_t code[CODE_AT_MOST];
	const size_t want = f->end - f->entry < sizeof(code) ? (size_t)(f->end - f->entry) : sizeof(code);
	const size_t n = elf_read_vaddr(g->ef, f->entry, code, want);
	struct insn in;

	for (size_t at = 0; at < n && insn_decode(code + at, n - at, f->entry + at, &in); at += in.len)
		for (int i = 0; i < 2; i++) {
			const uint64_t vaddr = (uint64_t)in.op[i].value;

			if (in.op[i].kind == OPERAND_MEM && in.op[i].fixed &&
			    (take_string(g, vaddr) || take_string(g, vaddr - 8)))
				return true;
		}
	return false;
}

void go_find_version(struct gopclntab *g)
{
	static const char *const schedinit[] = {"runtime.schedinit"};
	struct go_function f;
	const struct elf_section *sec = elf_section_by_name(g->ef, ".go.buildinfo");
	size_t n;
	const struct elf_segment *seg = elf_file_segments(g->ef, &n);

	if (sec && find_in(g, sec->vaddr, sec->size < INFO_AT_MOST ? (size_t)sec->size : INFO_AT_MOST))
		return;
	for (size_t i = 0; i < n; i++)
		if ((seg[i].flags & PF_W) &&
		    find_in(g, seg[i].vaddr, seg[i].filesz < INFO_AT_MOST ? (size_t)seg[i].filesz : INFO_AT_MOST))
			return;
	gopclntab_find_names(g, schedinit, 1, &f);
	if (f.name)
		find_in_code(g, &f);
}
