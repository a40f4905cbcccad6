/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/sheet.h"

#include <stdlib.h>

size_t sheet_list(const struct recording *r, uint32_t views, const struct view_by *by, enum metric metric, bool cum,
		  struct sheet out[SHEETS_MAX])
{
	struct sheet like = {.r = r, .by = by, .metric = metric};
	const struct view_kind *last_by_age = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < VIEW_KINDS; i++)
		if (views & VIEW_BIT(i) && view_kinds[i].by_age)
			last_by_age = &view_kinds[i];
	for (uint32_t i = 0; i < VIEW_KINDS; i++) {
		if (!(views & VIEW_BIT(i)))
			continue;
		like.kind = &view_kinds[i];
		like.cum = cum && by->has_cum && !like.kind->histogram;
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

	if (s->kind->counted != PROFILE_ALLOC || !r->account.unsampled)
		return;
	if (r->windows.scaled || r->n_losses)
		return;
	s->view.total.bytes = r->recorded.bytes;
	s->view.total.calls = r->recorded.calls;
}

void sheet_fill(struct sheet *s, size_t top)
{
	view_build(s->r, s->kind->counted, s->by, s->metric, s->cum, &s->view);
	s->all_rows = s->view.total;
	use_exact_total(s);
	s->n_rows = top && top < s->view.n ? top : s->view.n;
	s->details = xcalloc(s->n_rows + 1, sizeof(*s->details));
	view_details(&s->view, s->r->profile, s->kind, !s->r->interval, s->n_rows, s->details);
}

void sheet_free(struct sheet *s)
{
	free(s->details);
	s->details = NULL;
	view_free(&s->view);
}

double sheet_share(const struct sheet *s, struct counters c)
{
	uint64_t total = counters_metric(s->view.total, s->metric);

	return total ? (double)counters_metric(c, s->metric) / total : 0;
}
