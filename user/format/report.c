/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/report.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "format/render.h"

const struct report_format report_formats[] = {
	{ "table", "hot spots, for people", report_write_table, VIEW_AS_TABLE, .machine = false, .compares = true },
	{ "folded", "one line per stack, for flamegraph.pl and the like", report_write_folded, VIEW_AS_STACKS,
	  .machine = true, .one_view = true, .compares = true, .ending = ".folded" },
	{ "pprof", "a recording: for alloctrace report, go tool pprof and the like", report_write_pprof,
	  VIEW_AS_RECORDING, .machine = true, .binary = true, .whole = true, .parts = true, .ending = ".pb.gz" },
	{ "benchfmt", "Go's benchmark format, a line per row: for benchstat; see --ops", report_write_benchfmt,
	  VIEW_AS_BENCHMARK, .machine = true, .one_view = true },
	{ "json", "the tables and the summary as one JSON object; with --interval, one a line", report_write_json,
	  VIEW_AS_TABLE, .machine = true, .facts = true, .lines = true, .ending = ".json" },
	{ "csv", "the table as comma-separated values", report_write_csv, VIEW_AS_TABLE,
	  .machine = true, .one_view = true, .ending = ".csv" },
	{ "svg", "a flame graph, to be opened in a browser", report_write_svg, VIEW_AS_STACKS,
	  .machine = true, .one_view = true, .ending = ".svg" },
	{ "speedscope", "stacks for www.speedscope.app, of all metrics", report_write_speedscope, VIEW_AS_STACKS,
	  .machine = true, .ending = ".speedscope.json" },
	{ "prom", "Prometheus text, for node_exporter's textfile collector", report_write_prom, VIEW_AS_STACKS,
	  .machine = true, .latest = true, .ending = ".prom" },
	{ "html", "one page with flame graph, table and source, for a browser", report_write_html, VIEW_AS_RECORDING,
	  .machine = true, .binary = true, .whole = true, .compares = true, .ending = ".html" },
	{ 0 }
};

const struct report_format *report_format_find(const char *name)
{
	for (const struct report_format *format = report_formats; format->name; format++)
		if (!strcmp(format->name, name))
			return format;
	return NULL;
}

void render_cut_lines(struct buf *b, size_t n)
{
	for (size_t i = 0, lines = 0; i < b->len; i++)
		if (b->data[i] == '\n' && ++lines == n)
			b->len = i + 1;
}

int render_flush(FILE *f, struct buf *b)
{
	size_t len = b->len;

	errno = 0;
	if (len && fwrite(b->data, 1, len, f) != len)
		return errno ? -errno : -EIO;
	buf_reset(b);
	return 0;
}

int render_flush_text(FILE *f, struct buf *b)
{
	if (!text_is_utf8())
		text_to_ascii(b);
	return render_flush(f, b);
}

int render_end(FILE *f, int err)
{
	if (err)
		return err;
	errno = 0;
	if (fflush(f) || ferror(f))
		return errno ? -errno : -EIO;
	return 0;
}
