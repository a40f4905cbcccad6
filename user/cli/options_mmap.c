/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --mmap: two more views, of what programs map themselves. */
#include "cli/options_table.h"

#define MAP_VIEWS (VIEW_BIT(VIEW_MAPPED) | VIEW_BIT(VIEW_MAPPINGS))

static const char *one_view_format(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs; i++)
		if (o->outputs[i].format->one_view)
			return o->outputs[i].format->name;
	return NULL;
}

int options_check_mmap(struct options *o)
{
	const char *one = one_view_format(o);

	if (o->mmap && one && !(o->views & MAP_VIEWS))
		return option_error("--format %s takes one --view: instead of --mmap, give --view mapped or "
				    "mappings, or another view without --mmap", one);
	/* One moment is not of an interval alone. */
	if (o->mmap && !one)
		o->views |= o->delta ? VIEW_BIT(VIEW_MAPPED) : MAP_VIEWS;
	o->mmap = o->views & MAP_VIEWS;
	o->no_heap = !(o->views & ~MAP_VIEWS);
	if (o->mmap && o->unwind == UNWIND_FP && o->command->bit & FOR_TRACE)
		return option_error("--mmap needs stacks by .eh_frame, which tell what an allocator maps: there is "
				    "no --unwind fp");
	return 0;
}
