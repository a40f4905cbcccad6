/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of comparisons: tables for people, JSON for programs. */
#ifndef ALLOCTRACE_FORMAT_COMPARED_H
#define ALLOCTRACE_FORMAT_COMPARED_H

#include <stdio.h>

#include "compare/diff.h"
#include "compare/growth.h"

struct compared_options {
	size_t top;		/* rows; 0: all */
	bool colour;
	size_t width;		/* columns; 0: not a terminal, at most 200 */
	const char *labels[2];	/* what the sides are called */
};

/* In JSON: as in json.h. */
#define JSON_COMPARISON_VERSION 1

/* Return 0, or -errno of the stream. */
int compared_write_diff(FILE *f, const struct diff *d, const struct compared_options *o);
int compared_write_growth(FILE *f, const struct growth *g, const struct compared_options *o);
int compared_json_diff(FILE *f, const struct diff *d, const struct compared_options *o);
int compared_json_growth(FILE *f, const struct growth *g, const struct compared_options *o);
/* Appends why the gate fires: "total +12.31% (p=0.002); 2 rows, such as parse +40.00%". */
void compared_put_reasons(const struct diff *d, struct buf *out);

#endif
