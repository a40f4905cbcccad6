/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By stack: each distinct chain of callers, whatever task it was seen in and allocator function it called. */
#include "view/rows.h"

static uint32_t frameless_row(struct view_rows *rows, const struct profile_stack *st)
{
	return view_rows_find(rows, view_frameless(st), view_frameless(st), VIEW_NO_ROW);
}

/* A node of the tree is a stack: its number is the key. */
static uint32_t node_row(const struct recording *r, struct view_rows *rows, uint32_t node)
{
	size_t skipped;
	struct buf key = {0}, name = {0};
	uint32_t row;

	buf_printf(&key, "%u", node);
	symbol_site_text(view_site(r, node, &skipped), &name);
	row = view_rows_find(rows, key.data, buf_cstr(&name), VIEW_NO_ROW);
	buf_free(&key);
	buf_free(&name);
	return row;
}

void view_group_stack(const struct recording *r, struct view_rows *rows)
{
	const struct profile *p = r->profile;

	for (size_t i = 0; i < p->stacks.n; i++) {
		const struct profile_stack *st = &p->stacks.at[i];
		uint32_t row;

		if (!view_takes(p, rows, i))
			continue;
		row = view_frameless(st) ? frameless_row(rows, st) : node_row(r, rows, st->node);
		view_rows_add(rows, row, i, profile_sum(p, rows->kind, i));
	}
	view_rows_chain_from_site(r, rows, 1);
}
