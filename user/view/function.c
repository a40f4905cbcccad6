/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By function: all sites of a function together. A frame without a name is a row of its own. */
#include "view/rows.h"

void view_group_function(const struct profile *p, struct symbolizer *s, struct view_rows *rows)
{
	static const struct view_frame_kind kind = {
		.is_frame = true, .each_name = true, .name = symbol_text, .key = view_key_in_module,
	};

	view_group_by_frame(p, s, rows, &kind);
}
