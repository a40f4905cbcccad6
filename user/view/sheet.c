/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/sheet.h"

#include <stdlib.h>

size_t sheet_list(const struct recording *r, uint32_t views, const struct view_by *by, const struct view_by *then,
		  enum metric metric, bool cum, struct sheet out[SHEETS_MAX])
{
	struct sheet like = {.r = r, .by = by, .then = then, .metric = metric};
	const struct view_kind *last_by_age = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < VIEW_KINDS; i++)
		if (views & VIEW_BIT(i) && view_kinds[i].by_age)
			last_by_age = &view_kinds[i];
	for (uint32_t i = 0; i < VIEW_KINDS; i++) {
		if (!(views & VIEW_BIT(i)))
			continue;
		like.kind = &view_kinds[i];
		like.cum = cum && view_has_cum(by, then) && !like.kind->histogram;
		out[n++] = like;
		if (r->profile->generations && like.kind == last_by_age) {
			like.kind = &view_since_mark;
			out[n++] = like;
		}
	}
	return n;
}

/* Shares are of the exact total where there is one beside the estimates: what all rows add up to is off by its error,
 * and may be less than the rows shown, or more. */
static void use_exact_total(struct sheet *s)
{
	const struct recording *r = s->r;

	if (s->kind->counted != PROFILE_ALLOC || !(r->account.unsampled || r->exact_total))
		return;
	if (r->windows.scaled || r->n_losses)
		return;
	s->view.total.bytes = r->recorded.bytes;
	s->view.total.calls = r->recorded.calls;
}

static int compare_inner(const void *a, const void *b, void *arg)
{
	const struct sheet *s = arg;
	const uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct view_row *x = &s->inner.rows[i], *y = &s->inner.rows[k];
	const uint64_t mx = counters_metric(x->cum, s->metric), my = counters_metric(y->cum, s->metric);

	if (mx != my)
		return mx > my ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* Of the inner rows of the first n_rows rows, the `top` heaviest (0: all), and of each row one at least. In a row they
 * are the first ones, since that is how they are ordered there. */
static void choose_inner(struct sheet *s, size_t top)
{
	const size_t n = s->inner_first[s->n_rows];
	uint32_t *order = xmalloc((n + 1) * sizeof(*order)), *row_of = xmalloc((n + 1) * sizeof(*row_of));

	for (size_t i = 0; i < s->n_rows; i++) {
		s->inner_shown[i] = 0;
		for (size_t k = s->inner_first[i]; k < s->inner_first[i + 1]; k++)
			row_of[k] = i;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (top && top < n)
		qsort_r(order, n, sizeof(*order), compare_inner, s);
	for (size_t i = 0; i < n && (!top || i < top); i++)
		s->inner_shown[row_of[order[i]]]++;
	for (size_t i = 0; i < s->n_rows; i++)
		if (!s->inner_shown[i] && s->inner_first[i] < s->inner_first[i + 1])
			s->inner_shown[i] = 1;
	free(order);
	free(row_of);
}

/* Numbers the rows that are shown, for details of these alone: there may be many more. */
static void fill_inner_details(struct sheet *s)
{
	struct view shown = s->inner;
	uint32_t n = 0;

	for (size_t i = 0; i < s->inner.n; i++)
		s->inner.rows[i].id = VIEW_NO_ROW;
	for (size_t i = 0; i < s->n_rows; i++)
		for (size_t k = 0; k < s->inner_shown[i]; k++)
			s->inner.rows[s->inner_first[i] + k].id = n++;
	shown.row_of = xmalloc((shown.n_stacks + 1) * sizeof(*shown.row_of));
	for (size_t i = 0; i < shown.n_stacks; i++)
		shown.row_of[i] = s->inner.row_of[i] == VIEW_NO_ROW ? VIEW_NO_ROW :
				  s->inner.rows[s->inner.row_of[i]].id;
	s->inner_details = xcalloc(n + 1, sizeof(*s->inner_details));
	view_details(&shown, s->r->profile, s->kind, !s->r->interval, n, s->inner_details);
	free(shown.row_of);
}

static void fill_inner(struct sheet *s, size_t top)
{
	s->inner_first = view_build_inner(s->r, s->kind->counted, &s->view, s->n_rows, s->then, s->metric, s->cum,
					  &s->inner);
	s->inner_shown = xcalloc(s->n_rows + 1, sizeof(*s->inner_shown));
	choose_inner(s, top);
	fill_inner_details(s);
}

void sheet_show_fewer(struct sheet *s, size_t top)
{
	if (top < s->n_rows)
		s->n_rows = top;
	choose_inner(s, top);
}

void sheet_fill(struct sheet *s, size_t top)
{
	view_build(s->r, s->kind->counted, s->by, s->metric, s->cum, &s->view);
	s->all_rows = s->view.total;
	if (s->r->whole)
		s->view.total = s->r->whole[s->kind->counted];
	use_exact_total(s);
	s->n_rows = top && top < s->view.n ? top : s->view.n;
	s->details = xcalloc(s->n_rows + 1, sizeof(*s->details));
	view_details(&s->view, s->r->profile, s->kind, !s->r->interval, s->n_rows, s->details);
	if (s->then)
		fill_inner(s, top);
}

void sheet_free(struct sheet *s)
{
	free(s->inner_details);
	free(s->inner_first);
	free(s->inner_shown);
	s->inner_details = NULL;
	s->inner_first = s->inner_shown = NULL;
	view_free(&s->inner);
	free(s->details);
	s->details = NULL;
	view_free(&s->view);
}

double sheet_share(const struct sheet *s, struct counters c)
{
	uint64_t total = counters_metric(s->view.total, s->metric);

	return total ? (double)counters_metric(c, s->metric) / total : 0;
}
