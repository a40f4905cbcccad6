/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file systems may keep a reader waiting for ever: those where a server answers, or a program. */
#ifndef ALLOCTRACE_PROC_MOUNTS_H
#define ALLOCTRACE_PROC_MOUNTS_H

#include <stdint.h>
#include <sys/types.h>

enum mount_kind {
	MOUNT_LOCAL,
	MOUNT_SERVED,	/* NFS and the like: a reader that waits can be killed */
	MOUNT_FUSE,	/* not even that; or not known */
};

/* text: as /proc/PID/mountinfo has it, with a NUL at its end. -1: the device is not in it. */
int mounts_find(const char *text, uint64_t dev);
/* The same by a path in this mount namespace (absolute, without links): the mount that its longest beginning names. */
int mounts_find_path(const char *text, const char *path);
/* Turns \040 and the like, as mountinfo has them in paths, into what they stand for, in place. */
void mounts_unescape(char *path);
/* Of a path of ours. Asks no file system. */
enum mount_kind mount_kind_of_path(const char *path);
/* Of a device of a file that the process has mapped. Asks no file system. */
enum mount_kind mount_kind(pid_t pid, uint64_t dev);

#endif
