/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: the JSON of an HTML report. */
/* Part of format/html.c. */
#ifndef ALLOCTRACE_FORMAT_HTML_H
#define ALLOCTRACE_FORMAT_HTML_H

#include "format/render.h"
#include "view/columns.h"

/* Appends a string that text_escape() has made, or a constant. */
void html_put_string(struct buf *out, const char *s);
/* Appends any text as a string; what a browser would obey or not show becomes \xNN. */
void html_put_escaped(struct buf *out, const char *s, size_t len);
/* Appends "key":, after a comma unless it is the first of its object. */
void html_put_key(struct buf *out, const char *key);

#endif
