/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: what the parts of an HTML report share. */
/* Part of format/html.c. */
#ifndef ALLOCTRACE_FORMAT_HTML_H
#define ALLOCTRACE_FORMAT_HTML_H

#include "base/jsonout.h"
#include "format/render.h"
#include "view/columns.h"

/* Writes any text as a string; what a browser would obey or not show becomes \xNN. */
void html_put_escaped(struct json_out *j, const char *key, const char *s, size_t len);

#endif
