/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for tests that are not about symbolization. A frame's address is FAKE(i) + offset for the function
 * fake_functions[i]; others are unnamed.
 */
#ifndef ALLOCTRACE_TESTS_FAKE_NAMES_H
#define ALLOCTRACE_TESTS_FAKE_NAMES_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/module.h"
#include "model/symbol.h"

#define FAKE_FUNCTIONS 256
#define FAKE(i) (((uint64_t)(i) + 1) << 12)

/* Set by the test: names, and where there are such, what a function is inlined in and its source (of all addresses). */
static const char *fake_functions[FAKE_FUNCTIONS];
static const struct symbol *fake_into[FAKE_FUNCTIONS];
static const char *fake_files[FAKE_FUNCTIONS];

static void fake_reset(void)
{
	memset(fake_functions, 0, sizeof(fake_functions));
	memset(fake_into, 0, sizeof(fake_into));
	memset(fake_files, 0, sizeof(fake_files));
}

struct fake_symbol {
	struct symbol sym;
	uint32_t asked;
};

struct fake_names {
	struct names names;	/* first */
	const struct modules *modules;
	vec_of(struct fake_symbol *) symbols;
	struct u64map known;
};

static struct fake_symbol *fake_find(struct fake_names *f, uint32_t module, uint64_t addr)
{
	uint64_t i = (addr >> 12) - 1;
	struct fake_symbol *fs;
	struct symbol *sym;
	bool is_new;
	uint64_t *id = u64map_put(&f->known, (uint64_t)module << 48 | addr, &is_new);

	if (!is_new)
		return f->symbols.at[*id];
	*id = f->symbols.n;
	fs = xcalloc(1, sizeof(*fs));
	vec_push(&f->symbols, fs);
	sym = &fs->sym;
	sym->module = module_basename(modules_get(f->modules, module));
	sym->offset = sym->start = addr;
	sym->reason = module ? SYM_STRIPPED : SYM_NO_MAPPING;
	if (i < FAKE_FUNCTIONS && fake_functions[i]) {
		sym->function = fake_functions[i];
		sym->offset = addr & 0xfff;
		sym->start = 0;
		sym->reason = SYM_NAMED;
		sym->into = fake_into[i];
		sym->file = fake_files[i];
		sym->line = fake_files[i] ? (uint32_t)sym->offset : 0;
	}
	return fs;
}

static const struct symbol *fake_symbol(struct names *names, uint32_t module, uint64_t addr)
{
	struct fake_symbol *fs = fake_find((struct fake_names *)names, module, addr);

	if (module == MODULE_UNCERTAIN)
		return &symbol_uncertain;
	names_count(names, &fs->asked, fs->sym.reason);
	return &fs->sym;
}

static struct names *fake_names_new(const struct modules *modules)
{
	struct fake_names *f = xcalloc(1, sizeof(*f));

	f->names.of = fake_symbol;
	f->modules = modules;
	return &f->names;
}

static void fake_names_free(struct names *names)
{
	struct fake_names *f = (struct fake_names *)names;

	for (size_t i = 0; i < f->symbols.n; i++)
		free(f->symbols.at[i]);
	vec_free(&f->symbols);
	u64map_free(&f->known);
	free(f);
}

#endif
