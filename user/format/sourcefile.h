/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source files on this machine, by the path that debugging information gives. */
#ifndef ALLOCTRACE_FORMAT_SOURCEFILE_H
#define ALLOCTRACE_FORMAT_SOURCEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/rights.h"

struct sourcefile {
	char *text;
	vec_of(size_t) starts;	/* of each line in text; and its end */
};

/*
 * Below the directories of `dirs` (NULL-terminated; NULL: none), each of which may be several with colons between: the
 * path, or an end of it, the longest that there is. Then the path itself if it is absolute; since a hostile program may
 * have chosen it, with its rights. 0 or -ENOENT. *out is to be freed.
 */
int sourcefile_open(const char *path, const char *const *dirs, const struct rights *rights, struct sourcefile *out);
void sourcefile_free(struct sourcefile *sf);
/* Line 1 … ; its bytes without the newline, not escaped. "" (0 bytes) beyond the end. */
const char *sourcefile_line(const struct sourcefile *sf, uint32_t line, size_t *len);

#endif
