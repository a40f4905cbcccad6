// SPDX-License-Identifier: GPL-2.0-or-later
/* Part of the summary: frees, and what programs sample themselves. */
#include "base/text.h"
#include "format/render.h"

static void put_rate(struct buf *text, uint64_t rate)
{
	if (rate > 1) {
		buf_str(text, "," BREAK "one in ");
		text_bytes(text, rate);
		buf_str(text, " allocated");
	} else if (rate == 1) {
		buf_str(text, "," BREAK "of every allocation");
	}
}

void summary_runtime(const struct recording *r, const struct report_options *o, struct buf *out)
{
	const struct recording_runtime *g = &r->runtime;
	struct buf text = {0};

	text_count(&text, g->records);
	buf_printf(&text, " of Go's runtime%s", g->processes > 1 ? "s" : "");
	put_rate(&text, g->rate);
	buf_printf(&text, ":" BREAK "what is live of Go" BREAK "since its process began,%s" BREAK "%s",
		   g->rate == 1 ? "" : " an estimate,",
		   g->collected ? "as of its latest garbage collection" : "with what is not collected yet");
	summary_line(out, o, "records", &text, "");
	buf_free(&text);
}

void summary_sampler(const struct recording *r, const struct report_options *o, struct buf *out)
{
	const struct recording_sampler *g = &r->sampler;
	struct buf text = {0};

	text_count(&text, g->samples);
	buf_str(&text, " by Go's runtime");
	put_rate(&text, g->rate);
	if (g->until_ns) {
		buf_str(&text, "," BREAK "from ");
		text_duration(&text, g->from_ns);
		buf_str(&text, " to ");
		text_duration(&text, g->until_ns);
		buf_str(&text, "," BREAK "which were too few to go by");
	} else if (g->from_ns) {
		buf_str(&text, "," BREAK "since ");
		text_duration(&text, g->from_ns);
		buf_str(&text, "," BREAK "when every call cost too much");
	}
	buf_str(&text, ":" BREAK "bytes of Go are those of size classes");
	if (g->rate != 1)
		buf_str(&text, "," BREAK "totals and rows are estimates");
	summary_line(out, o, "samples", &text, "");
	buf_free(&text);
}

void summary_usdt(const struct recording *r, const struct report_options *o, struct buf *out)
{
	struct buf text = {0};

	text_count(&text, r->usdt_samples);
	buf_str(&text, " by the program itself" BREAK "(otel_memory):" BREAK "totals and rows are estimates");
	summary_line(out, o, "samples", &text, "");
	buf_free(&text);
}

void summary_frees(const struct recording *r, const struct report_options *o, struct buf *out)
{
	const struct recording_heap *h = &r->heap;
	struct buf text = {0};

	text_count(&text, h->frees);
	if (h->frees_unknown) {
		buf_str(&text, "," BREAK);
		text_count(&text, h->frees_unknown);
		buf_str(&text, " of blocks that were not recorded");
	}
	if (h->replaced) {
		buf_str(&text, ";" BREAK);
		text_count(&text, h->replaced);
		buf_printf(&text, " block%s freed unseen", h->replaced == 1 ? "" : "s");
	}
	if (h->ended_blocks) {
		buf_str(&text, ";" BREAK);
		text_count(&text, h->ended_blocks);
		buf_printf(&text, " block%s ended by exec or exit", h->ended_blocks == 1 ? "" : "s");
	}
	summary_line(out, o, "frees", &text, "");
	buf_free(&text);
}

bool summary_of_records(const struct recording *r)
{
	return r->runtime.processes && !r->seen.calls;
}
