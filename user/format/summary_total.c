/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary's lines on what was allocated in all. */
#include "base/text.h"
#include "format/render.h"

static uint64_t per_second(uint64_t n, uint64_t ns)
{
	unsigned __int128 rate = ((unsigned __int128)n * 1000000000 + ns / 2) / ns;

	return rate > UINT64_MAX ? UINT64_MAX : rate;
}

void summary_allocated(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct counters c = r->recorded;
	const double bytes_error = value_error(r, c, METRIC_BYTES), calls_error = value_error(r, c, METRIC_CALLS);
	struct buf text = {0};

	if (!c.calls) {
		buf_str(&text, "nothing");
		summary_line(out, o, "allocated", &text, "");
		buf_free(&text);
		return;
	}
	if (r->windows.scaled && r->windows.at_least)
		buf_str(&text, "at least ");
	value_put_sum(&text, r, c, "call");
	buf_char(&text, ':');
	if (r->duration_ns) {
		uint64_t bytes = per_second(c.bytes, r->duration_ns), calls = per_second(c.calls, r->duration_ns);

		buf_str(&text, BREAK);
		text_bytes_about(&text, bytes, bytes_error * bytes);
		buf_str(&text, "/s," BREAK);
		text_count_about(&text, calls, calls_error * calls);
		buf_str(&text, " calls/s,");
	}
	buf_str(&text, BREAK "mean ");
	text_bytes(&text, c.bytes / c.calls);
	summary_line(out, o, "allocated", &text, "");
	buf_free(&text);
}

/* Go's is the allocator that is told types. */
static bool has_go(const struct profile *p)
{
	return p->types.n > 1;
}

void summary_per_op(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	if (r->windows.scaled && r->windows.at_least)
		buf_str(&text, "at least ");
	value_put(&text, value_per_op(r, r->recorded, METRIC_BYTES));
	buf_str(&text, " B/op," BREAK);
	value_put(&text, value_per_op(r, r->recorded, METRIC_CALLS));
	buf_printf(&text, " allocs/op" BREAK "in %llu operation%s", (unsigned long long)r->ops, r->ops == 1 ? "" : "s");
	if (has_go(r->profile) && !r->sampler.used)
		buf_str(&text, ";" BREAK "bytes as requested:" BREAK "go test -benchmem counts size classes");
	summary_line(out, o, "per op", &text, "");
	buf_free(&text);
}
