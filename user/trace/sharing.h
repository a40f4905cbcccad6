/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that share an address space (vfork(), clone() with CLONE_VM and without CLONE_THREAD). Their heap ends with
 * the last of them.
 */
#ifndef ALLOCTRACE_TRACE_SHARING_H
#define ALLOCTRACE_TRACE_SHARING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"

/* A process with the memory of a traced one. */
struct sharer {
	pid_t pid, owner;
};

/* A traced process that has execed or exited while others have its memory still. */
struct left_space {
	pid_t owner;
	uint64_t time_ns;
};

struct sharers {
	vec_of(struct sharer) all;
	vec_of(struct left_space) left;
};

void sharers_free(struct sharers *s);
/* The traced process, or a child that shares its memory, has forked. True: child shares it, too. */
bool sharers_fork(struct sharers *s, pid_t parent, bool is_traced, pid_t child);
/* The traced process whose memory the process shares; 0: none. */
pid_t sharers_owner(const struct sharers *s, pid_t pid);
/* The child runs beside its parent, whose thread does not wait for it as in vfork(): it may do a part of the work. */
bool sharer_is_lasting(pid_t parent, pid_t parent_tid, pid_t child);
/* The traced process has execed or exited: may its blocks end? Else sharers_gone() says when. */
bool sharers_leave(struct sharers *s, pid_t owner, uint64_t time_ns);
/* A process has execed or exited. True: the blocks of *out are to end, nobody has its memory any more. */
bool sharers_gone(struct sharers *s, pid_t pid, struct left_space *out);

/* The program calls clone() itself, so that it may have such children: a uprobe_multi link does not count for them
 * (Linux 6.11 and later), a perf uprobe does. False also where the file can't be read. */
bool program_clones(pid_t pid);
bool file_clones(const char *path);
/* The program may start others, or become one that does, by what it calls itself. True where that can't be told. */
bool file_forks(const char *path);

#endif
