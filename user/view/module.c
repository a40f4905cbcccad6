/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By module: the file that the site is in. */
#include "view/rows.h"

static void module_name(const struct symbol *sym, struct buf *out)
{
	buf_str(out, sym->module);
}

void view_group_module(const struct recording *r, struct view_rows *rows)
{
	static const struct view_frame_kind kind = {.name = module_name, .key = view_key_in_module};

	view_group_by_frame(r, rows, &kind);
}
