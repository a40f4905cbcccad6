/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaks that are known and not to be shown, in the format of LeakSanitizer's suppression files:
 *
 *     # comment
 *     leak:^png_create_       a beginning
 *     leak:libfontconfig.so   a part of the name
 *     leak:init*table$        anything between, an end
 *
 * A pattern is compared with each frame's functions (inlined ones too), source files and module path.
 */
#ifndef ALLOCTRACE_VIEW_SUPPRESS_H
#define ALLOCTRACE_VIEW_SUPPRESS_H

#include <stdbool.h>

#include "model/recording.h"

struct suppressions;

/* Reads the file. Returns 0, or -errno after logging an error with the number of the line. */
int suppress_open(const char *path, struct suppressions **out);
/* NULL is a no-op. */
void suppress_close(struct suppressions *s);
/* Moves the profile's PROFILE_LEAKS of the stacks that match to PROFILE_SUPPRESSED. */
void suppress_leaks(struct suppressions *s, struct profile *p, struct names *names);
/* As of the last suppress_leaks(); NULL has none. */
const struct suppression *suppress_list(const struct suppressions *s, size_t *n);
/* Whether a name matches a pattern; for tests. */
bool suppress_matches(const char *pattern, const char *name);

#endif
