/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that say which cgroups there are. Part of proc/cgroup.h. */
#ifndef ALLOCTRACE_PROC_CGROUP_FILES_H
#define ALLOCTRACE_PROC_CGROUP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* root: stands before all paths; "" otherwise. */

struct cgroup_mount {
	char *point;	/* owned, root before it; NULL: it is not mounted */
	char *root;	/* owned: which directory of the hierarchy is mounted there */
};

/* By ROOT/proc/self/mountinfo: v2, also of a hybrid system (/sys/fs/cgroup/unified), or v1's memory controller; of
 * several mounts, the one of the whole hierarchy. */
void cgroup_mount_find(const char *root, bool v2, struct cgroup_mount *out);
void cgroup_mount_free(struct cgroup_mount *m);

/*
 * By ROOT/proc/PID/cgroup, for the caller to free: the path in v2; if that is the root or there is none, in v1's memory
 * controller or, if it is in the root there, too, in systemd's hierarchy. NULL: it can't be read, or says none of them.
 */
char *cgroup_of_process(const char *root, pid_t pid);
/* Cuts off " (deleted)", which the kernel writes behind the path of a cgroup that has gone. */
void cgroup_cut_deleted(char *path);

/* Calls take() for the directory and all directories below it, with the inode number and the path from there on ("",
 * "/a", "/a/b"), until it returns false. Follows no link, and keeps one descriptor open. Returns 0 or -errno: -E2BIG
 * after `most` directories. */
int cgroup_walk(int dir, size_t most, bool (*take)(void *arg, uint64_t id, const char *below), void *arg);

#endif
