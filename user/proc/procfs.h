/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc says about a process. No messages here. */
#ifndef ALLOCTRACE_PROC_PROCFS_H
#define ALLOCTRACE_PROC_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct proc_stat {
	char state;		/* R, S, Z, … */
	pid_t parent;
	bool kernel_thread;
	bool exiting;		/* that thread; others of the process may go on: */
	int threads;
	uint64_t start_ns;	/* CLOCK_BOOTTIME, in whole ticks; of the process, if another thread execs */
};

/* The file /proc/PID/NAME, whole (at most 256 MiB), in *b. 0 or -errno. */
int procfs_read(pid_t pid, const char *name, struct buf *b);
/* 0 or -errno: -ENOENT or -ESRCH if there is no such process. */
int procfs_stat(pid_t pid, struct proc_stat *out);
/* The process's first thread's id, and its effective user. pid may be the id of any thread. 0 or -errno. */
int procfs_ids(pid_t pid, pid_t *tgid, uid_t *euid);
/* With what rights the process opens files. False where they cannot be determined, or where its paths or user ids
 * are not ours (another root directory, mount or user namespace), or where it is root without root's right to read
 * all. */
struct rights;
bool procfs_rights(pid_t pid, struct rights *out);
/* Only what ids say, which holds for a zombie, too. */
bool procfs_rights_ids(pid_t pid, struct rights *out);
/* comm, without the newline; "?" if it cannot be read. Caller frees. */
char *procfs_comm(pid_t pid);
/* The process that traces it by ptrace (a debugger, strace); 0: none, or it cannot be determined. */
pid_t procfs_debugger(pid_t pid);
/* SIGSTOP was sent to it, and it has not stopped yet. */
bool procfs_stop_is_pending(pid_t pid);
/* A thread of the process that has not exited yet: the first one unless it has. 0: none. */
pid_t procfs_live_thread(pid_t pid);
/* The process's first thread has exited at that time (monotonic_ns()): the process goes on, with other threads or with
 * what one of them has execed. Not of another process that has the number by now. */
bool procfs_goes_on(pid_t pid, uint64_t time_ns);
/* The number that a name in /proc is; 0 if it is none. */
pid_t procfs_pid_of_name(const char *name);

/* Field 28 of /proc/PID/stat, which an exec changes; 0 if it can't be read. */
uint64_t procfs_start_stack(pid_t pid);

#endif
