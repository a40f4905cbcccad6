/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a uretprobe is safe for its process. Linux 6.11 (commit ff474a78cef5) lets a probed function return through a
 * system call of its own, uretprobe, which seccomp refuses like any other that its filter does not know: the process is
 * killed, or the call fails where it can't. Since 6.14 (commit cf6cb56ef244) and in later stable releases seccomp lets
 * it pass.
 */
/* Part of kern/features.h. */
#ifndef ALLOCTRACE_KERN_RETURNS_H
#define ALLOCTRACE_KERN_RETURNS_H

#include <stdbool.h>
#include <sys/types.h>

/* Tries it on a child of ours, which takes some 50 ms (FEATURE_RETURN_SECCOMP keeps the result). 0: it survives;
 * -EACCES: it is killed; other -errno: it could not be tried. */
int returns_try_seccomp(void);
/* A thread of the process is confined by seccomp. False if that can't be read. */
bool returns_confined(pid_t pid);
/* Returns 0, or -ENOTSUP after logging an error (what, why, what to do): the process would be killed. */
int returns_check(pid_t pid);

#endif
