/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug files from the servers that DEBUGINFOD_URLS names: off unless that is set, and until debuginfod_allow().
 * Bounded by DEBUGINFOD_TIMEOUT seconds for each file (10 unless it is set), and three times that for the whole run.
 */
#ifndef ALLOCTRACE_SYM_DEBUGINFOD_H
#define ALLOCTRACE_SYM_DEBUGINFOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether DEBUGINFOD_URLS is set. */
bool debuginfod_is_set(void);
/* From now on files may be fetched: for the last report, when nothing waits that is being traced. */
void debuginfod_allow(void);
bool debuginfod_is_allowed(void);
/* The debug file of a build id, open for reading, or a negative errno. path is for messages: each failure is logged
 * with -v. */
int debuginfod_fetch(const uint8_t *id, size_t id_len, const char *path);

#endif
