/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A symbolizer for tests that are not about symbolization: it defines all of sym/symbolizer.h, so that the library's
 * own is not linked in. A frame's address is FAKE(i) + offset for the function fake_functions[i]; others are unnamed.
 */
#ifndef ALLOCTRACE_TESTS_FAKE_SYMBOLIZER_H
#define ALLOCTRACE_TESTS_FAKE_SYMBOLIZER_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sym/symbolizer.h"

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

struct symbolizer {
	const struct modules *modules;
	vec_of(struct symbol *) symbols;
	struct u64map known;
	uint64_t counts[SYM_REASONS];
};

struct symbolizer *symbolizer_new(const struct modules *modules, struct symbolizer_options options)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->modules = modules;
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	for (size_t i = 0; i < s->symbols.n; i++)
		free(s->symbols.at[i]);
	vec_free(&s->symbols);
	u64map_free(&s->known);
	free(s);
}

const struct symbol *symbolize(struct symbolizer *s, uint32_t module, uint64_t addr)
{
	uint64_t i = (addr >> 12) - 1;
	struct symbol *sym;
	bool is_new;
	uint64_t *id = u64map_put(&s->known, (uint64_t)module << 48 | addr, &is_new);

	if (!is_new)
		return s->symbols.at[*id];
	*id = s->symbols.n;
	sym = xcalloc(1, sizeof(*sym));
	vec_push(&s->symbols, sym);
	sym->module = module_basename(modules_get(s->modules, module));
	sym->offset = addr;
	sym->reason = module ? SYM_STRIPPED : SYM_NO_MAPPING;
	if (i < FAKE_FUNCTIONS && fake_functions[i]) {
		sym->function = fake_functions[i];
		sym->offset = addr & 0xfff;
		sym->reason = SYM_NAMED;
		sym->into = fake_into[i];
		sym->file = fake_files[i];
		sym->line = fake_files[i] ? (uint32_t)sym->offset : 0;
	}
	s->counts[sym->reason]++;
	return sym;
}

const char *sym_reason_text(enum sym_reason reason)
{
	return reason == SYM_STRIPPED ? "file without symbols" : reason == SYM_NO_MAPPING ? "no mapping" : "other";
}

void symbolizer_stats(const struct symbolizer *s, uint64_t counts[SYM_REASONS])
{
	memcpy(counts, s->counts, sizeof(s->counts));
}

void symbolizer_refresh(struct symbolizer *s)
{
}

void symbol_text(const struct symbol *sym, struct buf *out)
{
	if (sym->function)
		buf_str(out, sym->function);
	else
		buf_printf(out, "%s+0x%llx", sym->module, (unsigned long long)sym->offset);
}

void symbol_site_text(const struct symbol *sym, struct buf *out)
{
	if (sym->function && sym->file)
		buf_printf(out, "%s (%s:%u)", sym->function, strrchr(sym->file, '/') + 1, sym->line);
	else if (sym->function)
		buf_printf(out, "%s+0x%llx", sym->function, (unsigned long long)sym->offset + 1);
	else
		symbol_text(sym, out);
}

void symbol_line_text(const struct symbol *sym, struct buf *out)
{
	if (sym->file)
		buf_printf(out, "%s:%u", strrchr(sym->file, '/') + 1, sym->line);
	else
		symbol_site_text(sym, out);
}

#endif
