/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By site: the exact place of the call, "parse_line+0x1f". */
#include "view/rows.h"

void view_group_site(const struct profile *p, struct symbolizer *s, struct view_rows *rows)
{
	view_group_by_frame(p, s, rows, true, symbol_site_text);
}
