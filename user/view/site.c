/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By site: the exact place of the call, "parse_line (parse.c:123)" or "parse_line+0x1f". */
#include "view/rows.h"

/* An inlined function's line is a site in each function that it is inlined in: what is shared must not hide who shares
 * it. */
static void site_key(const struct symbol *sym, const struct module *mod, const char *name, struct buf *key)
{
	view_key_in_module(sym, mod, name, key);
	for (sym = sym->into; sym; sym = sym->into) {
		buf_char(key, '\n');
		symbol_site_text(sym, key);
	}
}

void view_group_site(const struct recording *r, struct view_rows *rows)
{
	static const struct view_frame_kind kind = {.is_frame = true, .name = symbol_site_text, .key = site_key};

	view_group_by_frame(r, rows, &kind);
}
