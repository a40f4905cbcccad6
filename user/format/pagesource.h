/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: the source of an HTML report: what each line allocates, as --list counts it. */
#ifndef ALLOCTRACE_FORMAT_PAGESOURCE_H
#define ALLOCTRACE_FORMAT_PAGESOURCE_H

#include "base/jsonout.h"
#include "format/pagetree.h"

/* Functions whose lines are written, the heaviest of the first view; and bytes of source text, in all. */
#define PAGE_SOURCES_MAX 500
#define PAGE_SOURCE_BYTES (512 << 10)

/* Writes any text as a string; what a browser would obey or not show becomes \xNN. */
void page_put_escaped(struct json_out *j, const char *key, const char *s, size_t len);
/*
 * Writes "sources":[{"fn":…,"file":…,"found":…,"lines":[[number,text,flat bytes,calls,cum bytes,calls,…]]}], the four
 * of each view of t in turn; lines around those that allocate are [number,text]. "sourcesLeft" is how many functions
 * have lines that were left out.
 */
void page_put_sources(const struct page_tree *t, const struct report_options *o, struct json_out *j);

#endif
