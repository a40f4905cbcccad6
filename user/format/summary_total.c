/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The summary's lines on what was allocated in all. */
#include <math.h>

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
		summary_line(out, o, r->resident.used ? "grown" : "allocated", &text, "");
		buf_free(&text);
		return;
	}
	if (r->windows.scaled && r->windows.at_least)
		buf_str(&text, "at least ");
	value_put_sum(&text, r, c, recording_event(r));
	buf_char(&text, ':');
	if (r->duration_ns) {
		uint64_t bytes = per_second(c.bytes, r->duration_ns), calls = per_second(c.calls, r->duration_ns);

		buf_str(&text, BREAK);
		text_bytes_about(&text, bytes, bytes_error * bytes);
		buf_str(&text, "/s," BREAK);
		text_count_about(&text, calls, calls_error * calls);
		buf_printf(&text, " %ss/s,", recording_event(r));
	}
	buf_str(&text, BREAK "mean ");
	text_bytes(&text, c.bytes / c.calls);
	summary_line(out, o, r->resident.used ? "grown" : "allocated", &text, "");
	buf_free(&text);
}

static void put_signed(struct buf *text, int64_t bytes)
{
	buf_char(text, bytes < 0 ? '-' : '+');
	text_bytes(text, bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes);
}

/* How much of the kernel's own change is explained. */
static void put_explained(struct buf *text, const struct recording_resident *m)
{
	const int64_t change = m->end - m->start - m->off;
	const int64_t counted = (int64_t)(m->grown - m->shrunk) + m->others;
	const double rest = fabs((double)change - (double)counted), all = (double)m->grown + (double)m->shrunk;

	if (all > 0)
		buf_printf(text, ";" BREAK "%.2f %% explained", 100 * fmax(1 - rest / all, 0));
}

void summary_resident(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct recording_resident *m = &r->resident;
	struct buf text = {0};

	text_bytes(&text, m->start > 0 ? (uint64_t)m->start : 0);
	buf_str(&text, " to ");
	text_bytes(&text, m->end > 0 ? (uint64_t)m->end : 0);
	buf_printf(&text, " in %llu address space%s," BREAK "says the kernel:" BREAK, (unsigned long long)m->spaces,
		   m->spaces == 1 ? "" : "s");
	put_signed(&text, m->end - m->start - m->off);
	buf_str(&text, ";" BREAK "counted ");
	put_signed(&text, (int64_t)m->grown);
	buf_char(&text, ' ');
	put_signed(&text, -(int64_t)m->shrunk);
	if (m->others) {
		buf_char(&text, ' ');
		put_signed(&text, m->others);
		buf_str(&text, " by others");
	}
	put_explained(&text, m);
	if (m->unfollowed)
		buf_printf(&text, ";" BREAK "%llu more found no room", (unsigned long long)m->unfollowed);
	summary_line(out, o, "resident", &text, "");
	buf_free(&text);
}

bool summary_without_heap(const struct recording *r)
{
	return r->mapped.used && !(r->views & ~(VIEW_BIT(VIEW_MAPPED) | VIEW_BIT(VIEW_MAPPINGS)));
}

void summary_mapped(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct counters all = recording_total(r, PROFILE_MAPPED), live = recording_total(r, PROFILE_MAPPED_LIVE);
	const struct recording_mapped *m = &r->mapped;
	struct buf text = {0};

	if (all.calls) {
		value_put_sum(&text, r, all, "call");
		buf_str(&text, "," BREAK "still mapped ");
		value_put_sum(&text, r, live, "mapping");
	} else {
		buf_str(&text, "nothing");
	}
	if (m->allocator_calls) {
		buf_str(&text, ";" BREAK "besides ");
		text_bytes(&text, m->allocator_bytes);
		buf_str(&text, " by allocators," BREAK "still mapped ");
		text_bytes(&text, m->allocator_live);
	}
	if (m->unfollowed) {
		buf_str(&text, ";" BREAK);
		text_count(&text, m->unfollowed);
		buf_printf(&text, " mapping%s not followed:" BREAK "at least that is still mapped",
			   m->unfollowed == 1 ? "" : "s");
	}
	if (m->lost) {
		buf_str(&text, ";" BREAK);
		text_count(&text, m->lost);
		buf_printf(&text, " call%s lost (--ring-size):" BREAK "what is mapped may be more, or less",
			   m->lost == 1 ? "" : "s");
	}
	summary_line(out, o, "mapped", &text, m->lost || m->unfollowed ? STYLE_RED : "");
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
