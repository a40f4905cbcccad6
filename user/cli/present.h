/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands a recording to the format that was chosen, and writes it where it was asked for: a terminal, a pipe, a file. */
#ifndef ALLOCTRACE_CLI_PRESENT_H
#define ALLOCTRACE_CLI_PRESENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/rights.h"
#include "cli/options.h"
#include "model/recording.h"

struct present;

/* Opens the output files that are written once, so that a path that cannot be written is an error before anything is
 * traced. first_pid: what %p stands for. The options are borrowed. Returns 0, or -errno after logging an
 * error. */
int present_open(const struct options *o, pid_t first_pid, struct present **out);
/* Gives an output up that has not been written. NULL is a no-op. */
void present_close(struct present *p);
/* What reports show the difference to; borrowed. NULL: nothing. */
void present_compare(struct present *p, const struct recording *base);
/* views: VIEW_BIT()s that are shown. rights: with which sources are read. *reader_gone is set where the reader of a
 * pipe went away, which is no error. Returns 0, or -errno after logging an error. */
int present_write(struct present *p, const struct recording *rec, uint32_t views, const struct rights *rights,
		  bool *reader_gone);
/* The size of the terminal that fd is; both 0, and false, if it is none. */
bool present_terminal_size(int fd, size_t *width, size_t *height);

#endif
