/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that compare recordings share. */
/* Part of cli/cmd.h. */
#ifndef ALLOCTRACE_CLI_COMPARISON_H
#define ALLOCTRACE_CLI_COMPARISON_H

#include "cli/options.h"
#include "format/compared.h"

#define COMPARISON_FILES_MAX 1000

/* Makes s empty, of what the options say; view: where they name none. */
void comparison_start(const struct options *o, enum view_id view, struct series *s);
/* Reads a recording and adds it to a side. Returns 0, or -errno after logging an error that names the file. */
int comparison_add(const struct options *o, struct series *s, const char *path, int side);
/* After the last one. */
void comparison_finish(struct series *s);
/* --format json; else it is a table. */
bool comparison_is_json(const struct options *o);
/* Writes what write() makes where it was asked for. Returns 0, or -errno after logging an error; that the reader went
 * away is none. */
int comparison_write(const struct options *o, const struct compared_options *like,
		     int (*write)(FILE *f, const void *what, const struct compared_options *co), const void *what);

#endif
