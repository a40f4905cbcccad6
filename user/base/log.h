/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What alloctrace logs about itself, on stderr, each line "alloctrace: …". The one error idiom: the function that
 * knows the object prints the one message and returns a negative errno; callers pass it on and add nothing:
 *
 *     if (fd < 0)
 *             return fail(-errno, "cannot open %s: %s", path, strerror(errno));
 *
 * Messages may contain what a target controls: every one is escaped for the terminal here, in one place.
 */
#ifndef ALLOCTRACE_BASE_LOG_H
#define ALLOCTRACE_BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>

enum log_level {
	LOG_QUIET,	/* errors only */
	LOG_NORMAL,	/* warnings too */
	LOG_VERBOSE,	/* -v: notes too */
};

void log_set_level(enum log_level level);
bool log_verbose(void);
/* Where messages go; stderr by default. For tests, and for a display that refreshes in place. */
void log_set_stream(FILE *f);

struct buf;
/* From now on what fail() logs in this thread is appended to text instead, escaped (lines without "alloctrace: ", a
 * newline between them); NULL: it is printed again. For callers that can do without what failed. */
void log_catch(struct buf *text);
/* Prints what was caught after all, as errors. */
void log_caught(const struct buf *text);

/* Unit tests include this below cmocka.h, which has a macro of that name: it is put aside for the declaration, and a
 * test that means this one writes (fail)(...). */
#pragma push_macro("fail")
#undef fail
/* Prints the message at every level; returns err. */
int fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#pragma pop_macro("fail")
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
