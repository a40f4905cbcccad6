/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By the labels of goroutines: "endpoint=/api, tenant=7". */
#include "view/rows.h"

#define NOT_GO "(not Go: no labels)"
#define NOT_KNOWN "(unknown labels)"
#define NONE "(no labels)"

static void put_labels(const char *text, struct buf *out)
{
	struct profile_label l;

	for (const char *at = text; profile_next_label(&at, &l);) {
		if (out->len)
			buf_str(out, ", ");
		buf_add(out, l.key, l.key_len);
		buf_char(out, '=');
		buf_add(out, l.value, l.value_len);
	}
}

static uint32_t label_row(const struct profile *p, struct view_rows *rows, const struct profile_stack *st)
{
	const char *labels = p->tags.at[st->tag].labels;
	struct buf name = {0};
	uint32_t row;

	if (labels && *labels)
		put_labels(labels, &name);
	else
		buf_str(&name, !st->type ? NOT_GO : labels ? NONE : NOT_KNOWN);
	row = view_rows_find(rows, buf_cstr(&name), buf_cstr(&name), VIEW_NO_ROW);
	buf_free(&name);
	return row;
}

void view_group_label(const struct recording *r, struct view_rows *rows)
{
	const struct profile *p = r->profile;

	for (size_t i = 0; i < p->stacks.n; i++)
		if (view_takes(p, rows, i))
			view_rows_add(rows, label_row(p, rows, &p->stacks.at[i]), i, profile_sum(p, rows->kind, i));
	view_rows_chain_from_site(r, rows, 0);
}
