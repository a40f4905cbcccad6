/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By function: all sites of a function together. A frame without a name is a row of its own. */
#include "view/rows.h"

void view_group_function(const struct profile *p, struct symbolizer *s, struct view_rows *rows)
{
	view_group_by_frame(p, s, rows, true, symbol_text);
}
