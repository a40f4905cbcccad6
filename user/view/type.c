/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By type: what Go code allocates, "[]main.Account". Allocators of other languages are not told. By slab cache of the
 * kernel's memory, which stands in a type's place: "dentry", "pages (order 2)". */
#include "view/rows.h"

#define NO_CACHES "(no cache: not the kernel's)"
#define NO_TYPES "(not Go: no type is passed to the allocator)"
#define UNKNOWN_TYPE "(unknown type)"

static uint32_t type_row(const struct recording *r, struct view_rows *rows, uint32_t stack, const char *none)
{
	const char *name = names_type(r->names, r->profile, stack);
	struct buf shown = {0};
	uint32_t row;

	if (name)
		buf_str(&shown, name);
	else
		buf_str(&shown, r->profile->stacks.at[stack].type ? UNKNOWN_TYPE : none);
	row = view_rows_find(rows, buf_cstr(&shown), buf_cstr(&shown), VIEW_NO_ROW);
	buf_free(&shown);
	return row;
}

static void group(const struct recording *r, struct view_rows *rows, const char *none)
{
	const struct profile *p = r->profile;

	for (size_t i = 0; i < p->stacks.n; i++)
		if (view_takes(p, rows, i))
			view_rows_add(rows, type_row(r, rows, i, none), i, profile_sum(p, rows->kind, i));
	view_rows_chain_from_site(r, rows, 0);
}

void view_group_type(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, NO_TYPES);
}

void view_group_cache(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, NO_CACHES);
}
