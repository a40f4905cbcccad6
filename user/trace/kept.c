// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/kept.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "elf/symbols.h"
#include "kern/tableload.h"
#include "probe/keeps.h"

/* Bytes that are decoded over all functions of a run. */
#define BYTES_MAX (64u << 20)

struct kept_file {
	bool asked;
	struct elf_symbols *symbols;	/* NULL: none */
	struct u64map answers;		/* vaddr -> bool */
};

struct kept {
	const struct modules *modules;
	kept_file_fn file;
	void *arg;
	uint64_t bytes_left;
	vec_of(struct kept_file) files;	/* by module */
};

struct kept *kept_new(const struct modules *modules, kept_file_fn file, void *arg)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->modules = modules;
	k->file = file;
	k->arg = arg;
	k->bytes_left = BYTES_MAX;
	return k;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->files.n; i++) {
		elf_symbols_free(k->files.at[i].symbols);
		u64map_free(&k->files.at[i].answers);
	}
	vec_free(&k->files);
	free(k);
}

static struct kept_file *file_of(struct kept *k, uint32_t module, const struct elf_file *ef)
{
	const struct module *mod = modules_get(k->modules, module);
	struct elf_file *debug = NULL;
	struct kept_file *f;
	int fd = -1;

	while (k->files.n <= module)
		vec_push(&k->files, (struct kept_file){0});
	f = &k->files.at[module];
	if (f->asked)
		return f;
	f->asked = true;
	if (table_open_debug(mod, ef, &fd, &debug))
		debug = NULL;
	if (elf_symbols_load(ef, debug, &f->symbols))
		f->symbols = NULL;
	elf_file_close(debug);
	if (fd >= 0)
		close(fd);
	return f;
}

static bool decode(struct kept *k, const struct elf_file *ef, const struct elf_symbol *function, uint64_t vaddr)
{
	uint8_t code[KEEPS_BYTES_MAX];
	size_t n = function->size < sizeof(code) ? function->size : sizeof(code);

	if (vaddr - function->vaddr >= sizeof(code))
		return false;
	/* The rest of a function of unknown size is not known. */
	if (n <= vaddr - function->vaddr)
		n = vaddr - function->vaddr + 1;
	if (k->bytes_left < n)
		return false;
	k->bytes_left -= n;
	return elf_read_vaddr(ef, function->vaddr, code, n) == n &&
	       keeps_frame_pointer(code, n, function->vaddr, vaddr);
}

static const struct elf_file *elf_of(struct kept *k, uint32_t module)
{
	return module < k->modules->list.n && modules_get(k->modules, module)->kind == MODULE_ELF ?
	       k->file(k->arg, module) : NULL;
}

bool kept_root_at(struct kept *k, uint32_t module, uint64_t vaddr)
{
	const struct elf_file *ef = elf_of(k, module);
	uint8_t code[KEEPS_ROOT_BYTES];
	size_t n = vaddr + 1 < sizeof(code) ? vaddr + 1 : sizeof(code);

	return ef && elf_read_vaddr(ef, vaddr + 1 - n, code, n) == n && keeps_root(code, n);
}

bool kept_at(struct kept *k, uint32_t module, uint64_t vaddr)
{
	const struct elf_file *ef = elf_of(k, module);
	struct elf_symbol function;
	struct kept_file *f;
	uint64_t *answer;
	bool is_new;

	if (!ef)
		return false;
	f = file_of(k, module, ef);
	answer = u64map_put(&f->answers, vaddr, &is_new);
	if (is_new)
		*answer = f->symbols && elf_symbols_at(f->symbols, vaddr, &function) && decode(k, ef, &function, vaddr);
	return *answer;
}
