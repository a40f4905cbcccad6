// SPDX-License-Identifier: GPL-2.0-or-later
/* Part of the summary: what a run that processes join and leave has met. */
#include "base/text.h"
#include "format/render.h"

/* "12.3k probe hits", "1 probe hit" */
static void put_n(struct buf *text, uint64_t n, const char *what)
{
	text_count(text, n);
	buf_printf(text, " %s%s", what, n == 1 ? "" : "s");
}

static void put_processes(const struct recording *r, struct buf *text)
{
	struct profile_members m;

	profile_members_make(r->profile, &m);
	text_count(text, r->host.processes);
	buf_str(text, r->host.processes == 1 ? " process" : " processes");
	if (m.programs) {
		buf_str(text, " of ");
		put_n(text, m.programs, "program");
	}
	if (m.containers) {
		buf_str(text, BREAK "in ");
		put_n(text, m.containers, "container");
		buf_str(text, m.outside ? " and outside" : "");
	}
	if (r->host.ended) {
		buf_str(text, "," BREAK);
		text_count(text, r->host.ended);
		buf_str(text, " ended");
	}
	profile_members_free(&m);
}

void summary_host(const struct recording *r, const struct report_options *o, struct buf *out)
{
	const struct recording_host *h = &r->host;
	struct buf text = {0};

	if (h->processes)
		put_processes(r, &text);
	if (h->others_hits) {
		buf_str(&text, text.len ? ";" BREAK : "");
		put_n(&text, h->others_hits, r->kernel ? "allocation" : "probe hit");
		buf_str(&text, " of processes that are not selected");
	}
	if (h->undecided) {
		buf_str(&text, text.len ? ";" BREAK : "");
		put_n(&text, h->undecided, "call");
		buf_str(&text, " of processes whose cgroup was not known yet");
	}
	if (h->new_files) {
		buf_str(&text, text.len ? ";" BREAK : "");
		put_n(&text, h->new_files, "file");
		buf_str(&text, " with an allocator first mapped meanwhile:" BREAK "the first calls are missing");
	}
	if (text.len)
		summary_line(out, o, "host", &text, "");
	buf_free(&text);
}
