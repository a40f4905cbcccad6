/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets a held command go if alloctrace dies while it is stopped. PR_SET_PDEATHSIG does that for most, but exec clears
 * it for programs that are setuid, setgid or have capabilities. So a small process waits for our end; it is in a
 * process group of its own, where no signal for ours meets it, holds nothing open, and ends with us or the command.
 */
#ifndef ALLOCTRACE_PROC_RELEASE_H
#define ALLOCTRACE_PROC_RELEASE_H

#include <sys/types.h>

struct release {
	pid_t pid;	/* 0: there is none */
	int fd;		/* of a pipe: a byte sends it away, the end means that we are gone */
};

/* pidfd: of the command. Without a message if it can't be started: it is only that the command may stay stopped. */
struct release release_start(pid_t command, int pidfd);
/* It goes away and does nothing. */
void release_end(struct release *r);

#endif
