/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/source.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "elf/debugfile.h"
#include "elf/elffile.h"
#include "elf/fdestart.h"
#include "elf/symbols.h"
#include "sym/perfmap.h"
#include "sym/vdso.h"

struct source {
	const struct module *mod;
	enum sym_reason reason;		/* why the whole module has no names; SYM_NAMED if it has some */
	struct elf_file *ef;
	struct elf_symbols *symbols;
	struct elf_fdes *fdes;		/* loaded when a name is missing */
	bool fdes_tried;
	struct perfmap *perfmap;
};

/* The debug file as the target would find it, then as we would: a container seldom has any. */
static int open_debugfile(const struct source *src, int *fd, struct elf_file **debug)
{
	char root[40];

	if (src->mod->pid) {
		snprintf(root, sizeof(root), "/proc/%u/root", src->mod->pid);
		if (elf_debugfile_open(src->ef, src->mod->path, root, fd, debug) == 0)
			return 0;
	}
	return elf_debugfile_open(src->ef, src->mod->path, "", fd, debug);
}

static enum sym_reason load_symbols(struct source *src)
{
	struct elf_file *debug = NULL;
	int err, fd = -1;

	/* A debug file adds to .dynsym; it has nothing to add to .symtab. */
	if (src->mod->kind == MODULE_ELF && !elf_section_by_type(src->ef, SHT_SYMTAB))
		if (open_debugfile(src, &fd, &debug) != 0)
			debug = NULL;
	err = elf_symbols_load(src->ef, debug, &src->symbols);
	if (debug) {
		elf_file_close(debug);
		close(fd);
	}
	if (err)
		return err == -ENOENT ? SYM_STRIPPED : SYM_NOT_ELF;
	return elf_symbols_count(src->symbols) ? SYM_NAMED : SYM_STRIPPED;
}

static enum sym_reason load_file(struct source *src)
{
	if (src->mod->fd < 0)
		return SYM_NOT_OPENED;
	if (elf_file_open(src->mod->fd, src->mod->path, &src->ef) != 0)
		return SYM_NOT_ELF;
	return load_symbols(src);
}

static enum sym_reason load_vdso(struct source *src)
{
	size_t size;
	const void *image = vdso_image(&size);

	if (!image)
		return SYM_NOT_OPENED;
	if (elf_file_open_memory(image, size, src->mod->path, &src->ef) != 0)
		return SYM_NOT_ELF;
	return load_symbols(src);
}

static enum sym_reason load_perfmap(struct source *src)
{
	int fd = perfmap_open(src->mod->pid);

	/* When the process is gone or has removed its map, what was read before still holds. */
	if (fd >= 0) {
		if (!src->perfmap)
			src->perfmap = perfmap_new();
		perfmap_read(src->perfmap, fd, src->mod->uid);
		close(fd);
	}
	return src->perfmap && perfmap_count(src->perfmap) ? SYM_NAMED : SYM_NO_PERF_MAP;
}

static enum sym_reason load(struct source *src)
{
	switch (src->mod->kind) {
	case MODULE_ELF:
		return load_file(src);
	case MODULE_VDSO:
		return load_vdso(src);
	case MODULE_JIT:
		return load_perfmap(src);
	case MODULE_UNKNOWN:
		break;
	}
	return SYM_NO_MAPPING;
}

struct source *source_new(const struct module *mod)
{
	struct source *src = xcalloc(1, sizeof(*src));

	src->mod = mod;
	src->reason = load(src);
	return src;
}

void source_free(struct source *src)
{
	if (!src)
		return;
	elf_fdes_free(src->fdes);
	elf_symbols_free(src->symbols);
	elf_file_close(src->ef);
	perfmap_free(src->perfmap);
	free(src);
}

struct source_name source_at(struct source *src, uint64_t addr)
{
	struct elf_symbol sym;
	struct source_name name = {.reason = src->reason};

	if (src->reason != SYM_NAMED)
		return name;
	if (src->perfmap) {
		name.function = perfmap_at(src->perfmap, addr, &name.start);
		if (!name.function)
			name.reason = SYM_NOT_IN_PERF_MAP;
		return name;
	}
	if (elf_symbols_at(src->symbols, addr, &sym)) {
		name.function = sym.name;
		name.start = sym.vaddr;
	} else {
		name.reason = SYM_NO_SYMBOL;
	}
	return name;
}

uint64_t source_function_start(struct source *src, uint64_t addr)
{
	uint64_t start;

	if (!src->fdes_tried && src->ef) {
		src->fdes_tried = true;
		if (elf_fdes_load(src->ef, &src->fdes))
			src->fdes = NULL;
	}
	return src->fdes && elf_fdes_start(src->fdes, addr, &start) ? start : addr;
}

uint64_t source_offset(const struct source *src, uint64_t addr)
{
	uint64_t offset;

	return src->ef && elf_vaddr_to_offset(src->ef, addr, &offset) ? offset : addr;
}

bool source_refresh(struct source *src)
{
	bool again = src->mod->kind == MODULE_JIT || (src->mod->kind == MODULE_ELF && src->reason == SYM_NOT_OPENED &&
						      src->mod->fd >= 0);

	if (again)
		src->reason = load(src);
	return again;
}
