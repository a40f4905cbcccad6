/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/headings.h"

#include "base/text.h"
#include "view/value.h"

#define BREAK VIEW_BREAK

/* Whether there is more to say than "nothing". */
static bool put_total(const struct sheet *s, struct buf *out, const char *what)
{
	if (s->view.n)
		value_put_sum(out, s->r, s->view.total, what);
	else
		buf_str(out, "nothing");
	return s->view.n;
}

static void put_of_allocated(const struct sheet *s, struct buf *out)
{
	struct counters all = recording_total(s->r, PROFILE_ALLOC);
	uint64_t n = counters_metric(all, s->metric);

	/* What is live of Go was allocated since its process began, not in this run. */
	if (!n || s->r->runtime.records)
		return;
	buf_str(out, "," BREAK);
	value_put_share(out, (double)counters_metric(s->view.total, s->metric) / n);
	buf_str(out, " of what was allocated");
}

void heading_alloc(const struct sheet *s, struct buf *out)
{
	put_total(s, out, "call");
}

void heading_rss(const struct sheet *s, struct buf *out)
{
	put_total(s, out, "fault");
}

void heading_mapped(const struct sheet *s, struct buf *out)
{
	put_total(s, out, "call");
}

void heading_mappings(const struct sheet *s, struct buf *out)
{
	put_total(s, out, "mapping");
}

void heading_live(const struct sheet *s, struct buf *out)
{
	if (put_total(s, out, "block"))
		put_of_allocated(s, out);
}

void heading_leaks(const struct sheet *s, struct buf *out)
{
	const struct recording_heap *h = &s->r->heap;

	put_total(s, out, "block");
	if (s->r->runtime.processes && !s->r->seen.calls) {
		buf_str(out, BREAK "in use, of any age");
		return;
	}
	if (h->ended && !h->min_age_ns) {
		buf_str(out, BREAK "that the command never freed");
		return;
	}
	buf_str(out, BREAK "live for ");
	text_duration(out, h->min_age_ns);
	buf_printf(out, " or longer (--min-age)%s", s->r->runtime.processes ? "," BREAK "of Go of any age" : "");
	if (s->r->duration_ns && h->min_age_ns > s->r->duration_ns)
		buf_str(out, ";" BREAK "tracing has not lasted so long yet");
}

void heading_peak(const struct sheet *s, struct buf *out)
{
	if (!put_total(s, out, "block"))
		return;
	buf_str(out, BREAK "live at ");
	text_duration(out, s->r->heap.peak_ns);
	buf_str(out, ", when there were most bytes;" BREAK "the moment is exact to the call," BREAK
		"but for calls under way on other CPUs");
}

void heading_temp(const struct sheet *s, struct buf *out)
{
	if (!put_total(s, out, "call"))
		return;
	buf_str(out, BREAK "freed within ");
	text_duration(out, s->r->heap.temp_age_ns);
	buf_str(out, BREAK "or before the thread's next allocation");
	put_of_allocated(s, out);
}

/* Of histograms what is counted; that has no bytes. */
static bool put_calls(const struct sheet *s, struct buf *out)
{
	if (s->view.n)
		value_put_calls(out, s->r, s->view.total);
	else
		buf_str(out, "nothing");
	return s->view.n;
}

void heading_lifetimes(const struct sheet *s, struct buf *out)
{
	if (put_calls(s, out))
		buf_printf(out, " %s freed:" BREAK "from allocation to free",
			   s->view.total.calls == 1 ? "block that was" : "blocks that were");
}

void heading_sizes(const struct sheet *s, struct buf *out)
{
	if (put_calls(s, out))
		buf_printf(out, " allocation%s", s->view.total.calls == 1 ? "" : "s");
}

void heading_since_mark(const struct sheet *s, struct buf *out)
{
	const struct profile *p = s->r->profile;
	const struct recording_heap *h = &s->r->heap;

	value_put_sum(out, s->r, s->view.total, "live block");
	buf_str(out, BREAK "allocated since");
	for (uint32_t i = 0; i < p->generations; i++) {
		uint32_t mark = p->first_generation + i;

		buf_printf(out, "%s" BREAK "mark %u", i ? "," : "", mark);
		if (mark <= h->n_marks) {
			buf_str(out, " (at ");
			text_duration(out, h->marks_ns[mark - 1]);
			buf_char(out, ')');
		}
	}
}
