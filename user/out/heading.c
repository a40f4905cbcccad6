/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands above the table of each view, where it isn't the allocations alone. */
#include <string.h>

#include "base/text.h"
#include "out/table.h"

static void put_bytes(const struct table *t, struct buf *b, struct counters c)
{
	text_bytes_about(b, c.bytes, report_error(t->r, c, METRIC_BYTES) * c.bytes);
}

static void put_calls(const struct table *t, struct buf *b, struct counters c)
{
	text_count_about(b, c.calls, report_error(t->r, c, METRIC_CALLS) * c.calls);
}

/* "1.23 MiB in 45 blocks" */
static void bytes_in_calls(const struct table *t, struct buf *b, struct counters c, const char *what)
{
	put_bytes(t, b, c);
	buf_str(b, " in ");
	put_calls(t, b, c);
	buf_printf(b, " %s%s", what, c.calls == 1 ? "" : "s");
}

static void of_allocated(const struct table *t, struct buf *b)
{
	struct counters all = profile_total(t->r->profile, PROFILE_ALLOC);
	uint64_t n = counters_metric(all, t->o->metric);

	if (!n)
		return;
	buf_str(b, "," BREAK);
	render_share(b, (double)counters_metric(t->view.total, t->o->metric) / n);
	buf_str(b, " of what was allocated");
}

static void heading_leaks(const struct table *t, struct buf *b)
{
	const struct report_heap *h = &t->r->heap;

	if (t->view.n)
		bytes_in_calls(t, b, t->view.total, "block");
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
	const struct report_heap *h = &t->r->heap;

	bytes_in_calls(t, b, t->view.total, "live block");
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
	bytes_in_calls(t, b, t->view.total, "block");
	buf_str(b, BREAK "live at ");
	text_duration(b, t->r->heap.peak_ns);
	buf_str(b, ", when there were most bytes;" BREAK "the moment is exact to the call," BREAK
		"but for calls under way on other CPUs");
}

static void heading_temp(const struct table *t, struct buf *b)
{
	bytes_in_calls(t, b, t->view.total, "call");
	buf_str(b, BREAK "freed within ");
	text_duration(b, t->r->heap.temp_age_ns);
	buf_str(b, BREAK "or before the thread's next allocation");
	of_allocated(t, b);
}

static void heading_histogram(const struct table *t, struct buf *b)
{
	bool lifetimes = t->kind->hist == PROFILE_LIFETIMES;

	put_calls(t, b, t->view.total);
	buf_str(b, lifetimes ? " blocks that were freed:" BREAK "from allocation to free," BREAK :
		" allocations," BREAK);
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
		bytes_in_calls(t, &text, t->view.total, t->kind->state ? "block" : "call");
	if (t->kind == &view_kinds[VIEW_LIVE] && t->view.n && !t->since_mark)
		of_allocated(t, &text);
	if (!t->since_mark && (t->kind == &view_kinds[VIEW_LIVE] || t->kind == &view_kinds[VIEW_LEAKS]))
		heading_growth(t, &text);
	summary_line(out, t->o, t->since_mark ? "since mark" : t->kind->name, &text, "");
	buf_free(&text);
}
