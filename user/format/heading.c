/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands above the table of each view, where it isn't the allocations alone. */
#include "format/table.h"

static void put_scale(const struct table *t, struct buf *b)
{
	if (t->bars.per_column > 1)
		buf_printf(b, "," BREAK "%u powers of two to a column", t->bars.per_column);
	else
		buf_str(b, "," BREAK "a power of two to a column");
}

static void put_marks(const struct table *t, struct buf *b)
{
	bool any = false;

	for (size_t i = 0; i < t->s.n_rows; i++)
		any |= t->s.details[i].grew >= GREW_MARKED;
	if (any)
		buf_printf(b, ";" BREAK "\xe2\x86\x91N: grown in each of the last N intervals (%d: or more)",
			   PROFILE_PAST);
}

void table_put_heading(const struct table *t, struct buf *out)
{
	const struct view_kind *kind = t->s.kind;
	struct buf text = {0};

	kind->heading(&t->s, &text);
	if (kind->histogram && t->s.view.n)
		put_scale(t, &text);
	if (kind->by_age)
		put_marks(t, &text);
	summary_line(out, t->o, kind->name, &text, "");
	buf_free(&text);
}
