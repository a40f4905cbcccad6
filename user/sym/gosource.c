// SPDX-License-Identifier: GPL-2.0-or-later
#include "sym/gosource.h"

#include <stdlib.h>

#include "base/mem.h"
#include "elf/gopclntab.h"
#include "sym/gotypes.h"

struct gosource {
	const struct elf_file *ef;
	struct gopclntab *table;
	uint64_t text, etext;
	uint64_t switched;	/* entry of systemstack_switch */
};

struct gosource *gosource_open(const struct elf_file *ef)
{
	struct gopclntab *table;
	struct go_function f;
	struct gosource *g;

	if (gopclntab_open(ef, &table, NULL))
		return NULL;
	g = xcalloc(1, sizeof(*g));
	g->ef = ef;
	g->table = table;
	g->text = gopclntab_moduledata(table)->text;
	g->etext = gopclntab_moduledata(table)->etext;
	gopclntab_find_names(table, (const char *const[]){"runtime.systemstack_switch"}, 1, &f);
	g->switched = f.name ? f.entry : 0;
	return g;
}

void gosource_close(struct gosource *g)
{
	if (!g)
		return;
	gopclntab_close(g->table);
	free(g);
}

size_t gosource_at(const struct gosource *g, uint64_t vaddr, struct dwarf_place places[DWARF_PLACES_MAX],
		   uint64_t *start, bool *hidden)
{
	struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	struct go_function proper;
	size_t n = 0, all;

	*hidden = false;
	/* No call returns there: the runtime makes it the caller of a callback from C. */
	if (vaddr + 1 == g->switched)
		vaddr++;
	if (vaddr < g->text || vaddr >= g->etext || !gopclntab_find(g->table, vaddr, &proper))
		return 0;
	*start = proper.entry;
	all = gopclntab_frames(g->table, vaddr, frames, GOPCLNTAB_FRAMES_MAX);
	for (size_t i = 0; i < all && n < DWARF_PLACES_MAX; i++) {
		if (frames[i].is_wrapper && (n || i + 1 < all))
			continue;
		*hidden = frames[i].is_wrapper;
		places[n++] = (struct dwarf_place){
			.function = *frames[i].function ? frames[i].function : NULL,
			.file = *frames[i].file ? frames[i].file : NULL, .line = frames[i].line,
		};
	}
	return n;
}

bool gosource_type(const struct gosource *g, uint64_t type, const uint64_t *frames, size_t n, struct buf *out)
{
	return gotypes_name(g->table, g->ef, type, frames, n, out);
}
