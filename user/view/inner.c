/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of rows: the stacks of each row of a view, grouped once more. What groups them is given a profile of these
 * stacks alone, in which everything but stacks and what is counted of them is the whole profile's.
 */
#include <stdlib.h>

#include "view/view.h"

/* The stacks of rows that are shown: those of row i are ids[first[i]] … ids[first[i + 1] - 1]. */
struct parts {
	uint32_t *ids;
	size_t *first;
};

static void find_parts(const struct view *v, size_t n_rows, struct parts *out)
{
	size_t *at = xcalloc(n_rows + 2, sizeof(*at));

	out->ids = xmalloc((v->n_stacks + 1) * sizeof(*out->ids));
	out->first = xcalloc(n_rows + 1, sizeof(*out->first));
	for (size_t i = 0; i < v->n_stacks; i++)
		if (v->row_of[i] < n_rows)
			out->first[v->row_of[i] + 1]++;
	for (size_t i = 0; i < n_rows; i++)
		at[i + 1] = out->first[i + 1] += out->first[i];
	for (size_t i = 0; i < v->n_stacks; i++)
		if (v->row_of[i] < n_rows)
			out->ids[at[v->row_of[i]]++] = i;
	free(at);
}

static void take_kind(const struct profile *p, enum profile_kind kind, const uint32_t *ids, size_t n,
		      struct profile *sub)
{
	sub->sums[kind].at = xcalloc(n + 1, sizeof(*sub->sums[kind].at));
	sub->sums[kind].n = n;
	for (size_t i = 0; i < n; i++)
		sub->sums[kind].at[i] = profile_sum(p, kind, ids[i]);
}

/* Of n stacks; what groups them asks for what is counted, and for what was allocated. */
static struct profile sub_profile(const struct profile *p, enum profile_kind kind, const uint32_t *ids, size_t n)
{
	struct profile sub = *p;

	sub.stacks.at = xcalloc(n + 1, sizeof(*sub.stacks.at));
	sub.stacks.n = n;
	for (size_t i = 0; i < n; i++)
		sub.stacks.at[i] = p->stacks.at[ids[i]];
	for (size_t i = 0; i < PROFILE_KINDS; i++)
		sub.sums[i].n = 0;
	take_kind(p, PROFILE_ALLOC, ids, n, &sub);
	if (kind != PROFILE_ALLOC)
		take_kind(p, kind, ids, n, &sub);
	return sub;
}

static void free_sub(struct profile *sub, enum profile_kind kind)
{
	free(sub->stacks.at);
	free(sub->sums[PROFILE_ALLOC].at);
	if (kind != PROFILE_ALLOC)
		free(sub->sums[kind].at);
}

/* Appends the rows of a part, whose stacks get their own numbers again. */
static void append(struct view *out, const struct view *part, const uint32_t *ids)
{
	out->rows = xrealloc_array(out->rows, out->n + part->n + 1, sizeof(*out->rows));
	for (size_t i = 0; i < part->n; i++) {
		out->rows[out->n + i] = part->rows[i];
		out->rows[out->n + i].stack = ids[part->rows[i].stack];
	}
	for (size_t i = 0; i < part->n_stacks; i++)
		if (part->row_of[i] != VIEW_NO_ROW)
			out->row_of[ids[i]] = out->n + part->row_of[i];
	out->n += part->n;
}

size_t *view_build_inner(const struct recording *r, enum profile_kind kind, const struct view *v, size_t n_rows,
			 const struct view_by *by, enum metric metric, bool by_cum, struct view *out)
{
	size_t *first = xcalloc(n_rows + 1, sizeof(*first));
	struct parts parts;

	*out = (struct view){.total = v->total, .n_stacks = v->n_stacks};
	out->row_of = xmalloc((v->n_stacks + 1) * sizeof(*out->row_of));
	for (size_t i = 0; i < v->n_stacks; i++)
		out->row_of[i] = VIEW_NO_ROW;
	find_parts(v, n_rows, &parts);
	for (size_t i = 0; i < n_rows; i++) {
		const uint32_t *ids = parts.ids + parts.first[i];
		struct profile sub = sub_profile(r->profile, kind, ids, parts.first[i + 1] - parts.first[i]);
		struct recording rec = *r;
		struct view part;

		rec.profile = &sub;
		view_build(&rec, kind, by, metric, by_cum, &part);
		append(out, &part, ids);
		/* The rows are out's now. */
		free(part.rows);
		free(part.row_of);
		free_sub(&sub, kind);
		first[i + 1] = out->n;
	}
	free(parts.ids);
	free(parts.first);
	return first;
}
