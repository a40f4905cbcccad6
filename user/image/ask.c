// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/ask.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elffile.h"
#include "elf/imports.h"
#include "elf/irelative.h"
#include "elf/symbols.h"
#include "probe/selfcopy.h"

/* NULL: it is no ELF file. */
static struct elf_file *open_elf(int fd, const char *path)
{
	struct elf_file *ef;

	return fd >= 0 && !elf_file_open(fd, path, &ef) ? ef : NULL;
}

bool image_ask_vaddr(int fd, const char *path, uint64_t offset, uint64_t *vaddr)
{
	struct elf_file *ef = open_elf(fd, path);
	bool found = ef && elf_offset_to_vaddr(ef, offset, vaddr);

	elf_file_close(ef);
	return found;
}

bool image_ask_import(int fd, const char *path, const char *name)
{
	struct elf_file *ef = open_elf(fd, path);
	struct elf_imports *im = NULL;
	bool yes = ef && !elf_imports_load(ef, &im) && elf_imports_name(im, name);

	elf_imports_free(im);
	elf_file_close(ef);
	return yes;
}

bool image_ask_may_call(int fd, const char *path, const char *const *names)
{
	struct elf_file *ef = open_elf(fd, path);
	struct elf_imports *im = NULL;
	bool yes = !ef || elf_imports_load(ef, &im) || !elf_imports_name(im, "__libc_start_main");

	for (size_t i = 0; names[i] && !yes; i++)
		yes = elf_imports_name(im, names[i]);
	elf_imports_free(im);
	elf_file_close(ef);
	return yes;
}

#define RODATA_MAX (64u << 20)

struct image_profilers image_ask_profilers(int fd, const char *path)
{
	/* As jemalloc 4 and later has it; and whole: any build of gperftools has a text with the variable in it. */
	static const char jemalloc[] = "Run jeprof on dump output";
	static const char sampler[] = "TCMALLOC_SAMPLE_PARAMETER";
	static const char *const names[] = {"HeapProfilerStart"};
	struct image_profilers p = {0};
	struct elf_file *ef = open_elf(fd, path);
	struct elf_symbol found[1] = {0};
	uint8_t *data;
	size_t size;

	if (ef && !elf_section_read(ef, ".rodata", RODATA_MAX, &data, &size)) {
		p.jemalloc = memmem(data, size, jemalloc, sizeof(jemalloc) - 1);
		p.sampler = memmem(data, size, sampler, sizeof(sampler));
		free(data);
	}
	p.heap = ef && !elf_find_functions(ef, names, 1, found) && found[0].name;
	elf_file_close(ef);
	return p;
}

size_t image_ask_slots(int fd, const char *path, uint64_t resolver, const char *name, uint64_t *slots, size_t max)
{
	struct elf_file *ef = open_elf(fd, path);
	size_t n = ef ? elf_slots_of(ef, resolver, name, slots, max) : 0;

	elf_file_close(ef);
	return n;
}

void image_ask_linking(int fd, const char *path, bool *is_static, bool *stripped)
{
	struct elf_file *ef = open_elf(fd, path);

	*is_static = ef && !elf_segment_by_type(ef, PT_INTERP);
	*stripped = ef && !elf_section_by_type(ef, SHT_SYMTAB);
	elf_file_close(ef);
}

struct image_selfcopy image_ask_selfcopy(int fd, const char *path)
{
	struct image_selfcopy s = {0};
	struct elf_file *ef = open_elf(fd, path);

	if (ef)
		s.sign = selfcopy_sign(ef, &s.if_told);
	elf_file_close(ef);
	return s;
}
