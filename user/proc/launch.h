/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command under tracing: forked, held before its exec until the probes are ready, signals passed on to it. */
#ifndef ALLOCTRACE_PROC_LAUNCH_H
#define ALLOCTRACE_PROC_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct launch;

/* Forks the child, which waits before execvp(argv[0]) with the signal mask and the ignored signals that alloctrace
 * was started with, every other signal as by default, and no file descriptor of alloctrace's. It stays in
 * alloctrace's process group, so that the terminal's Ctrl-C reaches it. It exits if alloctrace ends before
 * launch_exec(). argv outlives the launch. A command that is not found or not executable is reported here, before
 * anything is set up. Returns 0, or -errno after logging an error. */
int launch_new(char *const argv[], struct launch **out);
pid_t launch_pid(const struct launch *l);
/* Path of the file that argv[0] names; the launch owns it. */
const char *launch_file(const struct launch *l);
/* Lets the child exec. Returns 0, or -errno of its execvp after logging an error (the child is to be reaped then
 * too). Returns once the exec has happened (or the child was stopped by SIGSTOP right after it), or the child was
 * killed before it. */
int launch_exec(struct launch *l);
/* It has exited, whether it is reaped or not. */
bool launch_ended(const struct launch *l);
/* Reaps without waiting: true once the child is gone; *status as of waitpid(). Before that, *stopped tells whether it
 * is stopped by a signal now (WUNTRACED, WCONTINUED). */
bool launch_reap(struct launch *l, int *status, bool *stopped);
/* CPU time of a child that is reaped, with the children that it waited for itself; 0: not known. */
uint64_t launch_cpu_ns(const struct launch *l);
/* What a shell would return for the status: the exit status, or 128 + the signal. */
int launch_exit_status(int status);
/* Passes a signal on to the child (nothing if it is gone). */
void launch_signal(struct launch *l, int sig);
/* Frees. The child, if it has not been let go yet, is killed; otherwise it is left running. NULL is a no-op. */
void launch_free(struct launch *l);

#endif
