/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: what the renderers share. */
/* Part of format/report.h. */
#ifndef ALLOCTRACE_FORMAT_RENDER_H
#define ALLOCTRACE_FORMAT_RENDER_H

#include "base/buf.h"
#include "format/report.h"
#include "view/value.h"

#define STYLE_BOLD "\033[1m"
#define STYLE_DIM "\033[2m"
#define STYLE_RED "\033[31m"
#define STYLE_OFF "\033[0m"

/* The renderers of report_formats[], a file each. */
int report_write_table(FILE *f, const struct recording *r, const struct report_options *o);
/* Instead of the table, with report_options.base. */
int report_write_subtraction(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_pprof(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_folded(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_benchfmt(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_json(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_csv(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_svg(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_speedscope(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_prom(FILE *f, const struct recording *r, const struct report_options *o);
int report_write_html(FILE *f, const struct recording *r, const struct report_options *o);

/* Columns of a summary's line before its text. */
#define SUMMARY_LABEL 11
/* The summary's lines, each ended by a newline; what they say about names is known only after the rows were made. */
void summary_head(const struct recording *r, const struct report_options *o, struct buf *out);
void summary_unnamed(const struct recording *r, const struct report_options *o, struct buf *out);

#define BREAK VIEW_BREAK
/* No probe has seen anything, or there was none: all that there is comes from the records of Go's runtime. */
bool summary_of_records(const struct recording *r);
/* Nothing of a heap was recorded. */
bool summary_without_heap(const struct recording *r);
void summary_frees(const struct recording *r, const struct report_options *o, struct buf *out);
/* The samples that Go's runtimes took (recording.sampler). */
void summary_sampler(const struct recording *r, const struct report_options *o, struct buf *out);
/* Those that processes told of themselves. */
void summary_usdt(const struct recording *r, const struct report_options *o, struct buf *out);
/* What a run of the whole host has met (recording.host), if anything. */
void summary_host(const struct recording *r, const struct report_options *o, struct buf *out);
/* Where what is live of Go comes from. */
void summary_runtime(const struct recording *r, const struct report_options *o, struct buf *out);
/* "label      text", broken to the width. */
void summary_line(struct buf *out, const struct report_options *o, const char *label, const struct buf *text,
		  const char *style);

/* What was allocated: in all; by operation, of which there is at least one. */
void summary_allocated(struct buf *out, const struct recording *r, const struct report_options *o);
/* Of the view rss: against what the kernel counts itself. */
void summary_resident(struct buf *out, const struct recording *r, const struct report_options *o);
/* What programs map themselves. */
void summary_mapped(struct buf *out, const struct recording *r, const struct report_options *o);
void summary_per_op(struct buf *out, const struct recording *r, const struct report_options *o);

/* Leaves the first n lines, n > 0. */
void render_cut_lines(struct buf *b, size_t n);
/* Writes and empties b. 0 or -errno. */
int render_flush(FILE *f, struct buf *b);
/* The same for what people read: ASCII, unless the locale is one of UTF-8. */
int render_flush_text(FILE *f, struct buf *b);
/* The result of a renderer: err if it is one, else what flushing f says. */
int render_end(FILE *f, int err);

#endif
