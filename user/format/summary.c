/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The summary above a table (on stderr beside a machine format):
 *
 *     target     redis-server (pid 4711), glibc 2.36, 10.0 s
 *     host       812 processes of 64 programs in 5 containers and outside, 710 ended; 12.3k probe hits of processes
 *                that are not selected
 *     not seen   plugin.so: its text is mapped writable, where the kernel places no probe
 *     allocated  1.23 GiB in 4.56M calls: 126 MiB/s, 456k calls/s, mean 290 B
 *     per op     32549 B/op, 11.65 allocs/op in 1000 operations; bytes as requested: go test -benchmem counts size
 *                classes
 *     traced     4.1 % of the time, in 12 windows (--max-overhead 5); totals and rows are scaled up by the target's
 *                reads, which adds an error of 2.3 %
 *     sampled    312k of 4.56M calls, the first 250k all, 512 KiB or 1.05k calls apart on average now; totals are
 *                exact, rows are estimates
 *     live       12.3 MiB in 1.23k blocks; at most 15.1 MiB, at 3.20 s
 *     records    1.23k of Go's runtime, one in 512 KiB allocated: what is live of Go since its process began, an
 *                estimate, as of its latest garbage collection
 *     frees      4.55M, 34 of blocks that were not recorded; 12 blocks ended by exec or exit
 *     unfollowed 120 of 4.56M calls (<0.01 %) recorded: of functions that may throw, in no view but alloc
 *     left out   1.20k of 4.57M calls (0.03 %): size filter
 *     missing    losses and errors of estimates: another program than alloctrace wrote this file
 *     lost       12 of 4.57M calls (<0.01 %): stack table full (--max-stacks) 10, no working memory 2
 *     account    4.57M calls seen = 4.56M recorded + 1.20k filtered + 12 lost
 *     suppressed 12 blocks, 1.2 KiB by 2 patterns
 *     truncated  1.20k of 4.56M calls (0.03 %): depth limit
 *     uncertain  120 of 4.56M calls (<0.01 %): callers may be missing at [?], in code without unwind information
 *     not read   3 parts of files: no memory left (--max-memory); names or stacks are missing
 *     unnamed    12 of 340 frames: file without symbols
 *     cost       about 2.51 s (25.1 % of the duration): 4.56M probe hits x 551 ns
 *
 * "lost" is there unless "missing" is; the others that have nothing to say are left out.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "format/render.h"

/* CPUs that probes take while they are there: from there on the target is notably slower then. */
#define LOAD_SAID 0.1
#define SLOWDOWN_SAID 1.1

void summary_line(struct buf *out, const struct report_options *o, const char *label, const struct buf *text,
		  const char *style)
{
	size_t width = o->width ? o->width : SIZE_MAX, column = SUMMARY_LABEL;
	struct buf piece = {0};

	if (o->colour)
		buf_printf(out, "%s%-*s" STYLE_OFF "%s", STYLE_BOLD, SUMMARY_LABEL, label, style);
	else
		buf_printf(out, "%-*s", SUMMARY_LABEL, label);
	for (const char *s = buf_cstr(text); *s; s += strspn(s, BREAK)) {
		size_t len = strcspn(s, BREAK), columns;

		buf_reset(&piece);
		buf_add(&piece, s, len);
		s += len;
		columns = text_width(piece.data);
		if (column > SUMMARY_LABEL && column + 1 + columns > width) {
			buf_printf(out, "\n%*s", SUMMARY_LABEL, "");
			column = SUMMARY_LABEL;
		} else if (column > SUMMARY_LABEL) {
			buf_char(out, ' ');
			column++;
		}
		text_fit(out, piece.data, width > column ? width - column : 1, false, false);
		column += columns;
	}
	buf_printf(out, "%s\n", o->colour ? STYLE_OFF : "");
	buf_free(&piece);
}

static void escape_str(struct buf *b, const char *s)
{
	text_escape(b, s, strlen(s));
}

static void put_target(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	escape_str(&text, r->host.selection ? r->host.selection : r->target);
	if (r->allocator) {
		buf_str(&text, "," BREAK);
		escape_str(&text, r->allocator);
	}
	if (r->interval)
		buf_printf(&text, "," BREAK "interval %llu%s", (unsigned long long)r->interval,
			   r->delta ? " alone" : "");
	if (r->duration_ns) {
		buf_str(&text, "," BREAK);
		text_duration(&text, r->duration_ns);
	}
	summary_line(out, o, "target", &text, "");
	buf_free(&text);
}

static void put_gaps(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	escape_str(&text, r->gaps);
	summary_line(out, o, "not seen", &text, STYLE_RED);
	buf_free(&text);
}

/* "4 of 9 calls (44.4 %)"; "4 calls" where it isn't known of how many. */
static void events_of(struct buf *text, const struct recording *r, uint64_t n, uint64_t all)
{
	text_count(text, n);
	if (all) {
		buf_str(text, " of ");
		text_count(text, all);
	}
	buf_printf(text, " %s%s", recording_event(r), (all ? all : n) == 1 ? "" : "s");
	if (all) {
		buf_str(text, " (");
		value_put_share(text, (double)n / all);
		buf_char(text, ')');
	}
}

/* ": depth limit 3, unreadable 2"; a single reason needs no count. */
static void put_reasons(struct buf *text, const struct recording_count *counts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_printf(text, "%s" BREAK "%s", i ? "," : ":", counts[i].reason);
		if (n > 1) {
			buf_char(text, ' ');
			text_count(text, counts[i].n);
		}
	}
}

static uint64_t total_count(const struct recording_count *counts, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += counts[i].n;
	return total;
}

static void put_counts(struct buf *out, const struct report_options *o, const char *label,
		       const struct recording_count *counts, size_t n, const struct recording *r, uint64_t all,
		       const char *style)
{
	struct buf text = {0};

	events_of(&text, r, total_count(counts, n), all);
	put_reasons(&text, counts, n);
	summary_line(out, o, label, &text, style);
	buf_free(&text);
}

/* Calls that are no allocations of this profile on purpose. */
static void put_left_out(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct recording_count counts[2];
	size_t n = 0;

	if (r->filtered)
		counts[n++] = (struct recording_count){"size filter", r->filtered};
	if (r->failed)
		counts[n++] = (struct recording_count){"calls that failed", r->failed};
	if (n)
		put_counts(out, o, "left out", counts, n, r, r->seen.calls, "");
}

static void put_lost(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf nothing = {0};

	if (r->n_losses) {
		put_counts(out, o, "lost", r->losses, r->n_losses, r, r->seen.calls,
			   recording_lost_share(r) > RECORDING_LOST_LIMIT ? STYLE_RED : "");
		return;
	}
	buf_str(&nothing, "nothing");
	summary_line(out, o, "lost", &nothing, "");
	buf_free(&nothing);
}

static void put_uncertain(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	events_of(&text, r, r->uncertain, r->recorded.calls);
	buf_str(&text, ":" BREAK "callers may be missing at [?], in code without unwind information");
	summary_line(out, o, "uncertain", &text, "");
	buf_free(&text);
}

static void put_calls_apart(struct buf *text, const struct recording *r)
{
	if (!(r->sample_calls > 0) || r->resident.used)
		return;
	buf_str(text, " or ");
	text_count(text, llround(r->sample_calls));
	buf_str(text, " calls");
}

static void put_sampled(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const bool estimated = r->windows.scaled || r->recorded.bytes_var > 0;
	struct buf text = {0};

	if (!r->account.unsampled)
		return;
	text_count(&text, r->account.recorded);
	buf_str(&text, " of ");
	text_count(&text, r->account.seen);
	buf_printf(&text, " %ss,", recording_event(r));
	if (r->exact_calls) {
		buf_str(&text, BREAK "the first ");
		text_count(&text, r->exact_calls);
		buf_str(&text, " all,");
	}
	if (r->sample_mean > 1) {
		buf_str(&text, BREAK);
		text_bytes(&text, r->sample_mean);
		put_calls_apart(&text, r);
		buf_printf(&text, " apart on average%s;", r->sample_auto ? " now" : "");
	} else {
		buf_str(&text, BREAK "every one now;");
	}
	buf_str(&text, estimated ? BREAK "totals and rows are estimates" :
		BREAK "totals are exact, rows are estimates");
	summary_line(out, o, "sampled", &text, "");
	buf_free(&text);
}

static void put_scaling(struct buf *text, const struct recording_windows *w)
{
	buf_printf(text, "totals and rows are scaled up by %s," BREAK, w->by);
	if (w->at_least)
		buf_str(text, "which makes totals a lower bound and rows rough");
	else if (w->error < 0.001)
		buf_str(text, "which adds an error of <0.1 %");
	else
		buf_printf(text, "which adds an error of %.1f %%", 100 * w->error);
}

/* What happens while probes are there. */
static void put_meanwhile(struct buf *text, const struct recording_windows *w)
{
	if (w->load < LOAD_SAID)
		return;
	buf_printf(text, ";" BREAK "meanwhile probes take %.0f %% of a CPU", 100 * w->load);
	if (w->at_least)
		buf_str(text, "," BREAK "and a target without idle time does less");
	else if (w->slowdown >= SLOWDOWN_SAID)
		buf_printf(text, "," BREAK "and target throughput drops to %.0f %%", 100 / w->slowdown);
	if (w->mixed || w->batched)
		buf_printf(text, ";" BREAK "the target %s then:" BREAK
			   "if it batches its work," BREAK "counts are off by what that changes",
			   w->batched ? "reads other amounts at once" : "waits less often for the same work");
}

static void put_windows(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct recording_windows *w = &r->windows;
	struct buf text = {0};

	if (!w->scaled)
		return;
	value_put_share(&text, w->share);
	buf_printf(&text, " of the time," BREAK "in %llu window%s", (unsigned long long)w->n, w->n == 1 ? "" : "s");
	buf_printf(&text, BREAK "(--max-overhead %.3g);" BREAK, w->limit);
	put_scaling(&text, w);
	put_meanwhile(&text, w);
	summary_line(out, o, "traced", &text, "");
	buf_free(&text);
}

static bool follows_blocks(const struct report_options *o)
{
	for (size_t i = 0; i < VIEW_KINDS; i++)
		if (o->views & VIEW_BIT(i) && view_kinds[i].blocks)
			return true;
	return false;
}

static void put_live(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct counters live = recording_total(r, PROFILE_LIVE);
	struct buf text = {0};

	value_put_sum(&text, r, live, "block");
	buf_str(&text, r->heap.ended ? " never freed" : "");
	/* The peak is followed only where a view needs it. */
	if (r->heap.peak_bytes) {
		buf_str(&text, ";" BREAK "at most ");
		text_bytes(&text, r->heap.peak_bytes);
		buf_str(&text, ", at ");
		text_duration(&text, r->heap.peak_ns);
	}
	summary_line(out, o, "live", &text, "");
	buf_free(&text);
}

static void put_unfollowed(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	events_of(&text, r, r->heap.unfollowed, r->account.recorded);
	buf_printf(&text, " recorded:" BREAK "of functions that may throw%s," BREAK "in no view but alloc",
		   r->runtime.processes ? " and of Go" : "");
	summary_line(out, o, "unfollowed", &text, "");
	buf_free(&text);
}

static void put_term(struct buf *text, const char *before, uint64_t n, const char *what)
{
	if (!n && *before == '+')
		return;
	buf_printf(text, "%s%s", *before ? BREAK : "", before);
	if (log_verbose())
		buf_printf(text, "%llu", (unsigned long long)n);
	else
		text_count(text, n);
	buf_printf(text, " %s", what);
}

static void put_account(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct recording_account *a = &r->account;
	bool wrong = a->checked && a->unaccounted;
	struct buf text = {0};

	if (!a->seen || r->interval)
		return;
	put_term(&text, "", a->seen, r->resident.used ? a->seen == 1 ? "fault seen" : "faults seen" :
		 a->seen == 1 ? "call seen" : "calls seen");
	put_term(&text, wrong ? "!= " : "= ", a->recorded, "recorded");
	put_term(&text, "+ ", a->filtered, "filtered");
	put_term(&text, "+ ", a->unsampled, "not sampled");
	put_term(&text, "+ ", a->lost, "lost");
	if (wrong)
		put_term(&text, ": ", a->unaccounted, "unaccounted");
	summary_line(out, o, "account", &text, wrong ? STYLE_RED : "");
	buf_free(&text);
}

static void put_pattern(struct buf *text, const struct recording *r, const struct suppression *s)
{
	buf_str(text, ";" BREAK);
	escape_str(text, s->pattern);
	buf_char(text, ' ');
	value_put_sum(text, r, s->hidden, "block");
}

static void put_suppressed(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct suppression *list = r->suppressions;
	size_t n = r->n_suppressions, used = 0;
	struct counters all = recording_total(r, PROFILE_SUPPRESSED);
	struct buf text = {0};

	for (size_t i = 0; i < n; i++)
		used += !counters_none(list[i].hidden);
	value_put_calls(&text, r, all);
	buf_printf(&text, " block%s, ", all.calls == 1 ? "" : "s");
	value_put_bytes(&text, r, all);
	buf_printf(&text, " by %zu of %zu pattern%s", used, n, n == 1 ? "" : "s");
	for (size_t i = 0; i < n && log_verbose(); i++)
		put_pattern(&text, r, &list[i]);
	summary_line(out, o, "suppressed", &text, "");
	buf_free(&text);
}

/* In the unit of the limit. */
static void put_cost_share(struct buf *text, const struct recording *r)
{
	const double cpus = r->host.cpus;

	buf_str(text, " (");
	value_put_share(text, r->cost_ns / r->duration_ns / (cpus > 0 ? cpus : 1));
	if (cpus > 0)
		buf_printf(text, " of %.6g CPU%s)", cpus, cpus == 1 ? "" : "s");
	else
		buf_str(text, " of the duration)");
}

static void put_cost(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	if (r->cost_ns > 0) {
		buf_str(&text, r->cost_is_all ? "at most " : "about ");
		text_duration(&text, r->cost_ns);
		if (r->duration_ns)
			put_cost_share(&text, r);
		if (r->cost_is_all)
			buf_str(&text, "," BREAK "all of the target's CPU time");
		buf_str(&text, ":" BREAK);
	}
	text_count(&text, r->hits);
	buf_str(&text, r->hits == 1 ? " probe hit" : " probe hits");
	if (r->hit_ns > 0 && !r->cost_is_all) {
		buf_str(&text, " x ");
		text_duration(&text, r->hit_ns + 0.5);
	}
	if (r->nested && log_verbose()) {
		buf_str(&text, "," BREAK);
		text_count(&text, r->nested);
		buf_str(&text, " of them nested in another");
	}
	if (r->windows.scaled)
		buf_str(&text, "," BREAK "and what attaching and detaching take");
	summary_line(out, o, "cost", &text, "");
	buf_free(&text);
}

/* Of a file that has not all that alloctrace knows: no count of losses is not none. */
static void put_missing(struct buf *out, const struct recording *r, const struct report_options *o)
{
	struct buf text = {0};

	escape_str(&text, r->missing);
	summary_line(out, o, "missing", &text, "");
	buf_free(&text);
}

/* What was chosen of the first view. */
static void put_part(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const struct view_kind *kind = &view_kinds[__builtin_ctz(o->views)];
	struct counters part = profile_total(r->profile, kind->counted);
	const uint64_t all = counters_metric(r->whole[kind->counted], o->metric);
	struct buf text = {0};

	value_put_sum(&text, r, part, kind->state ? "block" : recording_event(r));
	if (all) {
		buf_str(&text, " (");
		value_put_share(&text, (double)counters_metric(part, o->metric) / (double)all);
		buf_char(&text, ')');
	}
	buf_str(&text, ":" BREAK);
	escape_str(&text, r->part);
	summary_line(out, o, "shown", &text, "");
	buf_free(&text);
}

void summary_head(const struct recording *r, const struct report_options *o, struct buf *out)
{
	put_target(out, r, o);
	if (r->host.wide)
		summary_host(r, o, out);
	if (r->gaps)
		put_gaps(out, r, o);
	if (!summary_of_records(r) && !summary_without_heap(r))
		summary_allocated(out, r, o);
	if (r->mapped.used)
		summary_mapped(out, r, o);
	if (r->resident.used)
		summary_resident(out, r, o);
	if (r->ops)
		summary_per_op(out, r, o);
	if (r->whole)
		put_part(out, r, o);
	put_windows(out, r, o);
	put_sampled(out, r, o);
	if (r->sampler.used)
		summary_sampler(r, o, out);
	if (r->by_usdt)
		summary_usdt(r, o, out);
	if (follows_blocks(o)) {
		put_live(out, r, o);
		if (r->runtime.processes)
			summary_runtime(r, o, out);
		if (!r->missing && !summary_of_records(r))
			summary_frees(r, o, out);
		if (r->heap.unfollowed)
			put_unfollowed(out, r, o);
	}
	put_left_out(out, r, o);
	if (r->missing)
		put_missing(out, r, o);
	if ((!r->missing && !summary_of_records(r) && !summary_without_heap(r)) || r->n_losses)
		put_lost(out, r, o);
	put_account(out, r, o);
	if (r->n_suppressions)
		put_suppressed(out, r, o);
	if (r->n_ends)
		put_counts(out, o, "truncated", r->ends, r->n_ends, r, r->recorded.calls, "");
	if (r->uncertain)
		put_uncertain(out, r, o);
	if (r->hits && !r->resident.used)
		put_cost(out, r, o);
}

static void put_unread(struct buf *out, const struct recording *r, const struct report_options *o)
{
	const uint64_t n = r->names->not_read;
	struct buf text = {0};

	if (!n)
		return;
	text_count(&text, n);
	buf_printf(&text, " part%s of files:" BREAK "no memory left (--max-memory);" BREAK
		   "names or stacks are missing", n == 1 ? "" : "s");
	summary_line(out, o, "not read", &text, STYLE_RED);
	buf_free(&text);
}

void summary_unnamed(const struct recording *r, const struct report_options *o, struct buf *out)
{
	const uint64_t *counts = r->names->asked;
	struct recording_count why[SYM_REASONS];
	uint64_t unnamed;
	struct buf text = {0};
	size_t n = 0;

	put_unread(out, r, o);
	for (size_t i = 0; i < SYM_REASONS; i++)
		if (i != SYM_NAMED && counts[i])
			why[n++] = (struct recording_count){sym_reason_text(i), counts[i]};
	unnamed = total_count(why, n);
	if (!unnamed)
		return;
	text_count(&text, unnamed);
	buf_str(&text, " of ");
	text_count(&text, unnamed + counts[SYM_NAMED]);
	buf_str(&text, unnamed + counts[SYM_NAMED] == 1 ? " frame" : " frames");
	put_reasons(&text, why, n);
	summary_line(out, o, "unnamed", &text, "");
	buf_free(&text);
}

void report_summary(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct buf out = {0};

	summary_head(r, o, &out);
	summary_unnamed(r, o, &out);
	render_flush_text(f, &out);
	buf_free(&out);
}
