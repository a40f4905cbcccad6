// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/gostack.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gopclntab.h"

struct image_gostack {
	struct elf_file *ef;
	struct gopclntab *table;
};

struct inlined {
	struct go_frame at[GOPCLNTAB_FRAMES_MAX];
	size_t n;
};

struct image_gostack *image_gostack_open(int fd, const char *path)
{
	struct image_gostack *g = xcalloc(1, sizeof(*g));

	if (elf_file_open(fd, path, &g->ef) || gopclntab_open(g->ef, &g->table, NULL)) {
		image_gostack_close(g);
		return NULL;
	}
	return g;
}

void image_gostack_close(struct image_gostack *g)
{
	if (!g)
		return;
	gopclntab_close(g->table);
	elf_file_close(g->ef);
	free(g);
}

/* The runtime leaves wrappers out of its stacks. */
static void frames_at(const struct image_gostack *g, uint64_t vaddr, struct inlined *f)
{
	const size_t n = gopclntab_frames(g->table, vaddr, f->at, GOPCLNTAB_FRAMES_MAX);

	f->n = 0;
	for (size_t i = 0; i < n; i++)
		if (!f->at[i].is_wrapper)
			f->at[f->n++] = f->at[i];
}

/* outer is where what is inlined at inner is called: the same frames but for the innermost one. */
static bool is_caller_of_inlined(const struct inlined *inner, const struct inlined *outer)
{
	if (outer->n + 1 != inner->n)
		return false;
	for (size_t i = 0; i < outer->n; i++) {
		const struct go_frame *a = &inner->at[i + 1], *b = &outer->at[i];

		if (a->line != b->line || strcmp(a->function, b->function) != 0 || strcmp(a->file, b->file) != 0)
			return false;
	}
	return true;
}

static bool same_function(const struct image_gostack *g, uint64_t a, uint64_t b)
{
	struct go_function f;

	return gopclntab_find(g->table, a, &f) && b >= f.entry && b < f.end;
}

/* Of most neighbours it takes a look at their functions alone. */
size_t image_gostack_fold(const struct image_gostack *g, uint64_t *vaddrs, size_t n, bool *whole)
{
	struct inlined inner, outer;
	struct go_function f;
	size_t kept = 0;
	uint64_t last = 0;	/* of the runtime's stack, before this one */

	*whole = n && gopclntab_find(g->table, vaddrs[n - 1], &f) && f.is_top;
	for (size_t i = 0; i < n; i++) {
		const uint64_t vaddr = vaddrs[i];

		if (!kept || !same_function(g, last, vaddr)) {
			vaddrs[kept++] = vaddr;
		} else {
			frames_at(g, last, &inner);
			frames_at(g, vaddr, &outer);
			if (!is_caller_of_inlined(&inner, &outer))
				vaddrs[kept++] = vaddr;
		}
		last = vaddr;
	}
	return kept;
}
