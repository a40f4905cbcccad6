/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where processes run: cgroups, containers and users by name; and which of these are traced. */
#ifndef ALLOCTRACE_TRACE_PLACES_H
#define ALLOCTRACE_TRACE_PLACES_H

#include "kern/rules.h"
#include "proc/cgroup.h"

/* Patterns; what has none takes all. */
struct place_rules {
	struct select_rules cgroups, containers, units;
};

struct places;

/* Of a cgroup that is gone, by its number: its path, valid until the next call; NULL: not known. */
typedef const char *(*places_removed)(void *arg, uint64_t cgroup);

/* rules: NULL: all are taken. Borrowed. removed: NULL: none is known. */
struct places *places_new(const struct place_rules *rules, places_removed removed, void *arg);
/* NULL is a no-op. */
void places_free(struct places *p);
/* Of a cgroup, by the number that the BPF side has for it (struct member); pid: a process that was in it. */
const struct cgroup_place *places_of(struct places *p, uint64_t cgroup, pid_t pid);
/* Do the rules take it? */
bool places_take(const struct places *p, const struct cgroup_place *place);
/* Calls back for each cgroup that is there now. */
void places_each(struct places *p, void (*take)(void *arg, uint64_t cgroup, const struct cgroup_place *place),
		 void *arg);
const char *places_user(struct places *p, uid_t uid);

#endif
