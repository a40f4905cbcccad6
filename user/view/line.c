/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By line of the source: "parse.c:123". Where lines are not known, by site. */
#include <string.h>

#include "view/rows.h"

/* A line of a header is the same one in whatever library it was compiled into. */
static void line_key(const struct symbol *sym, const struct module *mod, const char *name, struct buf *key)
{
	if (sym->file)
		buf_printf(key, "%u:%s", sym->line, sym->file);
	else
		view_key_in_module(sym, mod, name, key);
}

void view_group_line(const struct recording *r, struct view_rows *rows)
{
	static const struct view_frame_kind kind = {
		.is_frame = true, .each_name = true, .by_source = true, .name = symbol_line_text, .key = line_key,
	};

	view_group_by_frame(r, rows, &kind);
}
