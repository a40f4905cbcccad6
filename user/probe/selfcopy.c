// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe/selfcopy.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "elf/gopclntab.h"
#include "elf/imports.h"
#include "elf/symbols.h"

#define NAMES_MAX ((size_t)64 << 20)	/* bytes of a string table that are looked through */
#define CODE_MAX ((size_t)256 << 20)	/* and of code */
#define CHUNK ((size_t)1 << 20)
#define BACK 64	/* bytes before a call in which its arguments are set */

/* Parts of names, in no other program's symbols. */
static const char *const marks[] = {
	"StaticCodeToLargePages",	/* iodlr */
	"StaticCodeRangeToLargePages",
	"hugifyText",			/* HHVM */
	"15remapExecutable",		/* ClickHouse */
	"__bolt_hugify",		/* BOLT -hugify */
};

/* node has iodlr's code in each of its binaries, and runs it only on request. */
static const char node_mark[] = "_ZN4node25MapStaticCodeToLargePages";

static const char *mark_in(const struct elf_file *ef, const char *section, bool *if_told)
{
	const char *found = NULL;
	uint8_t *names;
	size_t size;

	if (elf_section_read(ef, section, NAMES_MAX, &names, &size))
		return NULL;
	*if_told |= memmem(names, size, node_mark, sizeof(node_mark) - 1) != NULL;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && !found; i++)
		if (memmem(names, size, marks[i], strlen(marks[i])))
			found = marks[i];
	free(names);
	return found;
}

/* --- calls */

struct scan {
	const struct elf_file *ef;
	struct elf_imports *imports;
	struct elf_symbol own[6];	/* in the file itself: a static program's */
};

static const char *const callees[] = {"mremap", "__mremap", "mmap", "mmap64", "__mmap", "__mmap64"};

#define N_CALLEES (sizeof(callees) / sizeof(callees[0]))

static const char *import_at(const struct scan *s, uint64_t slot)
{
	return s->imports ? elf_imports_at(s->imports, slot) : NULL;
}

static uint64_t relative(const uint8_t *disp, uint64_t next)
{
	int32_t d;

	memcpy(&d, disp, sizeof(d));
	return next + (uint64_t)(int64_t)d;
}

/* What a direct call of the address comes to: a function of the file, or by its PLT an import. NULL: neither. */
static const char *callee_at(const struct scan *s, uint64_t vaddr)
{
	uint8_t stub[16];

	for (size_t i = 0; i < N_CALLEES; i++)
		if (s->own[i].name && s->own[i].vaddr == vaddr)
			return callees[i];
	if (elf_read_vaddr(s->ef, vaddr, stub, sizeof(stub)) != sizeof(stub))
		return NULL;
	for (size_t i = 0; i + 6 <= sizeof(stub) && i <= 5; i++)
		if (stub[i] == 0xff && stub[i + 1] == 0x25)
			return import_at(s, relative(stub + i + 2, vaddr + i + 6));
	return NULL;
}

/* The constant that a 32-bit register is set to last before c: mov $IMM, %reg without a prefix. */
static bool argument(const uint8_t *c, size_t back, uint8_t opcode, uint32_t *value)
{
	for (size_t i = 5; i + 1 <= back; i++) {
		if (c[-(ptrdiff_t)i] != opcode || c[-(ptrdiff_t)i - 1] == 0x41)
			continue;
		memcpy(value, c - i + 1, sizeof(*value));
		return true;
	}
	return false;
}

/* The call at c, of the instruction's address at: does it put something over what is mapped? */
static const char *sign_at(const struct scan *s, const uint8_t *c, size_t back, uint64_t at)
{
	const bool direct = c[0] == 0xe8;
	uint32_t flags, prot = 0;
	const char *name;
	bool moves, maps;

	if (!argument(c, back, 0xb9, &flags))
		return NULL;
	moves = flags == (MREMAP_MAYMOVE | MREMAP_FIXED);
	maps = (flags & (MAP_FIXED | MAP_ANONYMOUS)) == (MAP_FIXED | MAP_ANONYMOUS) &&
	       argument(c, back, 0xba, &prot) && prot <= 7 && (prot & PROT_EXEC);
	if (!moves && !maps)
		return NULL;
	name = direct ? callee_at(s, relative(c + 1, at + 5)) : import_at(s, relative(c + 2, at + 6));
	if (!name)
		return NULL;
	if (moves && strstr(name, "mremap"))
		return "mremap(MREMAP_FIXED)";
	return maps && strstr(name, "mmap") ? "mmap(MAP_FIXED) of executable memory" : NULL;
}

/* Among the calls of [vaddr, vaddr + size). */
static const char *sign_in(const struct scan *s, uint64_t vaddr, uint64_t size)
{
	uint8_t *buf = xmalloc(CHUNK + BACK + 8);
	const char *found = NULL;

	for (uint64_t at = 0; at < size && at < CODE_MAX && !found; at += CHUNK) {
		uint64_t from = at > BACK ? at - BACK : 0;
		size_t n = elf_read_vaddr(s->ef, vaddr + from, buf, CHUNK + BACK + 8);

		for (size_t i = at - from; i + 6 <= n && !found; i++)
			if (buf[i] == 0xe8 || (buf[i] == 0xff && buf[i + 1] == 0x15))
				found = sign_at(s, buf + i, i < BACK ? i : BACK, vaddr + from + i);
	}
	free(buf);
	return found;
}

static const char *sign_among_calls(const struct elf_file *ef)
{
	struct scan s = {.ef = ef};
	const struct elf_segment *segs;
	uint64_t text, etext;
	const char *found = NULL;
	bool is_go;
	size_t n;

	if (elf_find_functions(ef, callees, N_CALLEES, s.own))
		return NULL;
	if (elf_imports_load(ef, &s.imports))
		s.imports = NULL;
	segs = elf_file_segments(ef, &n);
	/* Go's code calls the kernel itself, and C by way of C's code. */
	is_go = gopclntab_code(ef, &text, &etext);
	for (size_t i = 0; i < n && !found; i++) {
		const uint64_t from = segs[i].vaddr, to = from + segs[i].filesz;

		if (!(segs[i].flags & PF_X))
			continue;
		if (!is_go || text < from || etext > to) {
			found = sign_in(&s, from, to - from);
			continue;
		}
		found = sign_in(&s, from, text - from);
		if (!found)
			found = sign_in(&s, etext, to - etext);
	}
	elf_imports_free(s.imports);
	return found;
}

const char *selfcopy_sign(const struct elf_file *ef, bool *if_told)
{
	const char *found;

	*if_told = false;
	found = mark_in(ef, ".strtab", if_told);
	if (!found)
		found = mark_in(ef, ".dynstr", if_told);
	/* The section that iodlr's code is in keeps its name in a stripped file. */
	if (!found && (elf_section_by_name(ef, "lpstub") || elf_section_by_name(ef, ".lpstub")))
		found = "section lpstub";
	return found ? found : sign_among_calls(ef);
}
