/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An output file that is written whole or not at all: the bytes go to an unnamed file (O_TMPFILE; a hidden name in the
 * same directory where the file system has none) which takes the target's name, by rename, only after everything was
 * written and fsync said yes. Anything that is not a regular file (a pipe, a terminal, /dev/null) is written directly.
 */
#ifndef ALLOCTRACE_BASE_OUTFILE_H
#define ALLOCTRACE_BASE_OUTFILE_H

#include <stdio.h>
#include <stdint.h>
#include <time.h>

struct outfile;

/* path NULL or "-" is stdout. Returns 0, or -errno after logging an error. *out is freed by exactly one of commit
 * and abort. */
int outfile_open(const char *path, struct outfile **out);
/* A commit does not wait for the disk: after a crash of the machine the file may be empty. */
void outfile_no_sync(struct outfile *o);
/* fileno() of it is -1 for a file that is made anew, and else the descriptor that is written: for isatty(). */
FILE *outfile_stream(struct outfile *o);
/* Returns 0, or -errno after logging an error, with nothing left behind. -EPIPE is returned without a message: the
 * reader went away, which is an end and not an error. stdout is flushed and checked, not closed. */
int outfile_commit(struct outfile *o);
/* NULL is a no-op. */
void outfile_abort(struct outfile *o);
/* What a signal handler that is about to _exit calls: removes hidden temporary names. Async-signal-safe. */
void outfile_cleanup_on_exit(void);

/* "%p" pid, "%t" local time as 20261122T213000, "%h" host, "%%" a percent sign. Another % is -EINVAL with a message.
 * *path is the caller's to free. */
int outfile_expand(const char *pattern, const char *pid, time_t now, char **path);

#endif
