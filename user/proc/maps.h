/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of /proc/PID/maps. Reads no files: text in, fields out. */
#ifndef ALLOCTRACE_PROC_MAPS_H
#define ALLOCTRACE_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct maps_line {
	uint64_t start, end, offset;	/* end > start */
	uint64_t dev, ino;		/* dev as makedev() makes it; both 0 without a file */
	bool exec, write, shared;
	/* Empty for anonymous memory; with the suffix " (deleted)" where the kernel wrote it; lives in the caller's
	 * buffer. */
	const char *path;
};

/* Takes the next well-formed line off *text (which ends at end) and puts its path, newlines restored, into *path. Lines
 * that are not well-formed are skipped. False at the end of the text. */
bool maps_next(const char **text, const char *end, struct maps_line *line, struct buf *path);

#endif
