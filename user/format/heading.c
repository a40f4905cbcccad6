/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands above the table of each view, where it isn't the allocations alone. */
#include <string.h>

#include "base/text.h"
#include "format/table.h"

static void of_allocated(const struct table *t, struct buf *b)
{
	struct counters all = profile_total(t->r->profile, PROFILE_ALLOC);
	uint64_t n = counters_metric(all, t->o->metric);

	if (!n)
		return;
	buf_str(b, "," BREAK);
	value_put_share(b, (double)counters_metric(t->view.total, t->o->metric) / n);
	buf_str(b, " of what was allocated");
}

static void heading_leaks(const struct table *t, struct buf *b)
{
	const struct recording_heap *h = &t->r->heap;

	if (t->view.n)
		value_put_sum(b, t->r, t->view.total, "block");
	else
		buf_str(b, "nothing");
	if (h->ended && !h->min_age_ns) {
		buf_str(b, BREAK "that the command never freed");
		return;
	}
	buf_str(b, BREAK "live for ");
	text_duration(b, h->min_age_ns);
	buf_str(b, " or longer (--min-age)");
	if (t->r->duration_ns && h->min_age_ns > t->r->duration_ns)
		buf_str(b, ";" BREAK "tracing has not lasted so long yet");
}

static void heading_marked(const struct table *t, struct buf *b)
{
	const struct profile *p = t->r->profile;
	const struct recording_heap *h = &t->r->heap;

	value_put_sum(b, t->r, t->view.total, "live block");
	buf_str(b, BREAK "allocated since");
	for (uint32_t i = 0; i < p->generations; i++) {
		uint32_t mark = p->first_generation + i;

		buf_printf(b, "%s" BREAK "mark %u", i ? "," : "", mark);
		if (mark <= h->n_marks) {
			buf_str(b, " (at ");
			text_duration(b, h->marks_ns[mark - 1]);
			buf_char(b, ')');
		}
	}
}

static void heading_peak(const struct table *t, struct buf *b)
{
	value_put_sum(b, t->r, t->view.total, "block");
	buf_str(b, BREAK "live at ");
	text_duration(b, t->r->heap.peak_ns);
	buf_str(b, ", when there were most bytes;" BREAK "the moment is exact to the call," BREAK
		"but for calls under way on other CPUs");
}

static void heading_temp(const struct table *t, struct buf *b)
{
	value_put_sum(b, t->r, t->view.total, "call");
	buf_str(b, BREAK "freed within ");
	text_duration(b, t->r->heap.temp_age_ns);
	buf_str(b, BREAK "or before the thread's next allocation");
	of_allocated(t, b);
}

static void heading_histogram(const struct table *t, struct buf *b)
{
	bool one = t->view.total.calls == 1;

	value_put_calls(b, t->r, t->view.total);
	if (t->kind->hist == PROFILE_LIFETIMES)
		buf_printf(b, " %s freed:" BREAK "from allocation to free," BREAK,
			   one ? "block that was" : "blocks that were");
	else
		buf_printf(b, " allocation%s," BREAK, one ? "" : "s");
	if (t->bars.per_column > 1)
		buf_printf(b, "%u powers of two to a column", t->bars.per_column);
	else
		buf_str(b, "a power of two to a column");
}

static void heading_growth(const struct table *t, struct buf *b)
{
	bool any = false;

	for (size_t i = 0; i < t->n_rows; i++)
		any |= t->details[i].grew >= GREW_MARKED;
	if (any)
		buf_printf(b, ";" BREAK "\xe2\x86\x91N: grown in each of the last N intervals (%d: or more)",
			   PROFILE_PAST);
}

void table_put_heading(const struct table *t, struct buf *out)
{
	struct buf text = {0};

	if (t->since_mark)
		heading_marked(t, &text);
	else if (t->kind == &view_kinds[VIEW_LEAKS])
		heading_leaks(t, &text);
	else if (!t->view.n)
		buf_str(&text, "nothing");
	else if (t->kind == &view_kinds[VIEW_PEAK])
		heading_peak(t, &text);
	else if (t->kind == &view_kinds[VIEW_TEMP])
		heading_temp(t, &text);
	else if (t->kind->histogram)
		heading_histogram(t, &text);
	else
		value_put_sum(&text, t->r, t->view.total, t->kind->state ? "block" : "call");
	if (t->kind == &view_kinds[VIEW_LIVE] && t->view.n && !t->since_mark)
		of_allocated(t, &text);
	if (t->by_age)
		heading_growth(t, &text);
	summary_line(out, t->o, t->since_mark ? "since mark" : t->kind->name, &text, "");
	buf_free(&text);
}
