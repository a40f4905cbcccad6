/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/source.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "elf/elffile.h"
#include "elf/fdestart.h"
#include "elf/symbols.h"
#include "model/kallsyms.h"
#include "sym/debugsource.h"
#include "sym/dwarf.h"
#include "sym/gosource.h"
#include "sym/jitdump.h"
#include "sym/perfmap.h"
#include "sym/vdso.h"

struct source {
	const struct module *mod;
	enum sym_reason reason;		/* why the whole module has no names; SYM_NAMED if it has some */
	struct elf_file *ef;
	struct elf_symbols *symbols;
	struct gosource *go;		/* NULL: no Go program */
	struct dwarf *dwarf;		/* NULL: no debugging information */
	struct dwarf_place places[DWARF_PLACES_MAX];
	struct elf_fdes *fdes;		/* loaded when a name is missing */
	bool fdes_tried;
	bool warned;			/* of debugging information that isn't used */
	bool incomplete;		/* a separate debug file would have more, and was not found */
	struct perfmap *perfmap;
	struct jitdump *jitdump;
};

static void load_alt(struct source *src, const struct elf_file *ef)
{
	struct debug_source alt;

	debug_source_open_alt(src->mod, ef, &alt);
	if (alt.ef)
		dwarf_set_alt(src->dwarf, alt.ef);
	debug_source_close(&alt);
}

static enum sym_reason load_symbols(struct source *src)
{
	bool has_symtab = elf_section_by_type(src->ef, SHT_SYMTAB);
	struct debug_source debug = {.fd = -1};
	const struct elf_file *from;
	int err, dwarf_err;

	src->go = gosource_open(src->ef);
	/* A debug file adds to .dynsym and has source lines; it has nothing to add to .symtab, nor to what Go says. */
	if (src->mod->kind == MODULE_ELF && !src->go && (!has_symtab || !dwarf_is_in(src->ef)))
		src->incomplete = !debug_source_open(src->mod, src->ef, &debug);
	err = elf_symbols_load(src->ef, has_symtab ? NULL : debug.ef, &src->symbols);
	from = src->ef;
	dwarf_err = dwarf_open(from, &src->dwarf);
	if (dwarf_err == -ENOENT && debug.ef) {
		from = debug.ef;
		dwarf_err = dwarf_open(from, &src->dwarf);
	}
	if (dwarf_err == -EFBIG || dwarf_err == -ENOEXEC)
		warn("%s: its debugging information %s: source lines and inlined functions are missing",
		     src->mod->path, dwarf_err == -EFBIG ? "is larger than memory allows (--max-memory)" :
			"is damaged");
	if (src->dwarf)
		load_alt(src, from);
	debug_source_close(&debug);
	if (src->dwarf || src->go)
		return SYM_NAMED;
	if (err)
		return err == -ENOENT ? SYM_STRIPPED : SYM_NOT_ELF;
	return elf_symbols_count(src->symbols) ? SYM_NAMED : SYM_STRIPPED;
}

static enum sym_reason load_file(struct source *src)
{
	if (src->mod->fd < 0 || !module_is_current(src->mod))
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

/* A process may have both, or have removed or cut them meanwhile: what was read before still holds. */
static enum sym_reason load_jit(struct source *src)
{
	int fd = perfmap_open(src->mod->pid);

	if (fd >= 0) {
		if (!src->perfmap)
			src->perfmap = perfmap_new();
		perfmap_read(src->perfmap, fd, src->mod->uid);
		close(fd);
	}
	if (src->mod->fd >= 0) {
		if (!src->jitdump)
			src->jitdump = jitdump_new();
		jitdump_read(src->jitdump, src->mod->fd, src->mod->uid);
	}
	return (src->perfmap && perfmap_count(src->perfmap)) || (src->jitdump && jitdump_count(src->jitdump)) ?
	       SYM_NAMED : SYM_NO_PERF_MAP;
}

static enum sym_reason load(struct source *src)
{
	switch (src->mod->kind) {
	case MODULE_ELF:
		return load_file(src);
	case MODULE_VDSO:
		return load_vdso(src);
	case MODULE_JIT:
		return load_jit(src);
	case MODULE_KERNEL:
		return kallsyms_now(NULL) ? SYM_NAMED : SYM_NO_KALLSYMS;
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
	gosource_close(src->go);
	elf_symbols_free(src->symbols);
	dwarf_close(src->dwarf);
	elf_file_close(src->ef);
	perfmap_free(src->perfmap);
	jitdump_free(src->jitdump);
	free(src);
}

static void warn_of_missing(struct source *src)
{
	bool gave_up = dwarf_gave_up(src->dwarf);

	if (src->warned || (!gave_up && !dwarf_is_split(src->dwarf)))
		return;
	src->warned = true;
	if (gave_up)
		warn("%s: reading its debugging information takes too much time or memory: source lines and inlined "
		     "functions are missing", src->mod->path);
	else
		warn("%s: inlined functions are missing: they are in .dwo or .dwp files (-gsplit-dwarf), which are not "
		     "supported", src->mod->path);
}

static const struct elf_fdes *fdes_of(struct source *src)
{
	if (!src->fdes_tried && src->ef) {
		src->fdes_tried = true;
		if (elf_fdes_load(src->ef, &src->fdes))
			src->fdes = NULL;
	}
	return src->fdes;
}

/*
 * Assembly's functions may have no size. Unwind information that starts at such a symbol says how far it goes; that of
 * a signal's trampoline (__restore_rt) starts a byte before. Where there is none at all (_dl_start_user), it goes on to
 * the next symbol or function.
 */
static bool unsized_at(struct source *src, uint64_t addr, struct elf_symbol *sym)
{
	const struct elf_fdes *fdes = src->symbols ? fdes_of(src) : NULL;
	uint64_t from;

	if (!fdes)
		return false;
	if (elf_fdes_start(fdes, addr, &from))
		return elf_symbols_unsized(src->symbols, from, from, sym) ||
		       (addr > from && !elf_symbols_at(src->symbols, from, sym) &&
			elf_symbols_unsized(src->symbols, from, from + 1, sym));
	return elf_fdes_gap(fdes, addr, &from) && elf_symbols_unsized(src->symbols, from, addr, sym);
}

/* What Go's own table says is exact, and there in stripped programs. */
static bool name_in_go(struct source *src, uint64_t addr, struct source_name *name)
{
	if (!src->go)
		return false;
	name->n_places = gosource_at(src->go, addr, src->places, &name->start, &name->hidden);
	if (!name->n_places)
		return false;
	name->places = src->places;
	name->function = src->places[name->n_places - 1].function;
	name->many = true;
	if (!name->function)
		name->reason = SYM_NO_SYMBOL;
	return true;
}

/* The symbol table's name is the one that everybody knows; debugging information has one where that has none. */
static void name_in_file(struct source *src, uint64_t addr, struct source_name *name)
{
	struct elf_symbol sym;
	uint64_t start;

	if (name_in_go(src, addr, name))
		return;
	if (src->dwarf) {
		name->n_places = dwarf_at(src->dwarf, addr, src->places, &start);
		name->places = src->places;
		warn_of_missing(src);
	}
	if (src->symbols && elf_symbols_at(src->symbols, addr, &sym)) {
		name->function = sym.name;
		name->start = sym.vaddr;
	} else if (name->n_places && src->places[name->n_places - 1].function && start <= addr) {
		name->function = src->places[name->n_places - 1].function;
		name->start = start;
	} else if (unsized_at(src, addr, &sym)) {
		name->function = sym.name;
		name->start = sym.vaddr;
	} else {
		name->reason = SYM_NO_SYMBOL;
	}
}

static void name_in_kernel(uint64_t addr, struct source_name *name)
{
	struct ksymbol s;

	if (kallsyms_at(kallsyms_now(NULL), addr, &s)) {
		name->function = s.name;
		name->start = s.start;
	} else {
		name->reason = SYM_NO_SYMBOL;
	}
}

struct source_name source_at(struct source *src, uint64_t addr)
{
	struct source_name name = {.reason = src->reason};

	if (src->reason != SYM_NAMED)
		return name;
	if (src->mod->kind == MODULE_JIT) {
		if (src->jitdump)
			name.function = jitdump_at(src->jitdump, addr, &name.start);
		if (!name.function && src->perfmap)
			name.function = perfmap_at(src->perfmap, addr, &name.start);
		if (!name.function)
			name.reason = SYM_NOT_IN_PERF_MAP;
		return name;
	}
	if (src->mod->kind == MODULE_KERNEL)
		name_in_kernel(addr, &name);
	else
		name_in_file(src, addr, &name);
	return name;
}

bool source_type(struct source *src, uint64_t type, const uint64_t *frames, size_t n, struct buf *out)
{
	return src->go && gosource_type(src->go, type, frames, n, out);
}

uint64_t source_function_start(struct source *src, uint64_t addr)
{
	const struct elf_fdes *fdes = fdes_of(src);
	uint64_t start;

	return fdes && elf_fdes_start(fdes, addr, &start) ? start : addr;
}

bool source_is_incomplete(const struct source *src)
{
	return src->incomplete;
}

bool source_refresh(struct source *src)
{
	bool again = src->mod->kind == MODULE_JIT || (src->mod->kind == MODULE_ELF && src->reason == SYM_NOT_OPENED &&
						      src->mod->fd >= 0);

	if (again)
		src->reason = load(src);
	return again;
}
