/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is traced where probes are in every process that maps a file (kern_options.wide): bpf/member.bpf.h decides, by
 * what is said here.
 */
#ifndef ALLOCTRACE_KERN_MEMBERS_H
#define ALLOCTRACE_KERN_MEMBERS_H

#include "kern/kern.h"

/* From now on forks are followed, and ends counted; after kern_open(). Returns 0, or -errno after logging an error. */
int kern_members_begin(struct kern *k);
/* The process is traced, or is not, whatever the filters say; children: and so are those that it has from now on.
 * 0 or -errno, no message; -ESRCH: it is gone. */
int kern_choose(struct kern *k, pid_t pid, bool traced, bool children);
/* From now on samples that the process tells of are recorded, and no calls of it, until it execs, and so of children
 * that it has from now on; or calls again. As kern_choose(). */
int kern_set_teller(struct kern *k, pid_t pid, bool tells);
struct member_counts kern_member_counts(const struct kern *k);
/* Calls back for each group of processes (struct member, program), with what they have done so far: hits, and work
 * since they were known. 0 or -errno after logging an error. */
int kern_group_work(struct kern *k, void (*take)(void *arg, uint64_t program, const struct group_work *w), void *arg);
/* The law of sampling (SAMPLE_LAW()) of a group, once kern_group_work() has told its members; 0: that of all. */
void kern_set_group_law(struct kern *k, uint64_t program, uint64_t law);
/* Calls back for every cgroup that the BPF side has met and not been told of: take() returns whether the rules that
 * name cgroups take it; pid: a process that was in it. */
void kern_members_cgroups(struct kern *k, bool (*take)(void *arg, uint64_t cgroup, pid_t pid), void *arg);
/* Tells the BPF side of a cgroup before it asks. */
void kern_members_tell(struct kern *k, uint64_t cgroup, bool taken);
/* The path of a cgroup that is gone, in its hierarchy; of the latest ones alone. Returns whether it is known. */
bool kern_members_removed(const struct kern *k, uint64_t cgroup, char path[REMOVED_PATH]);

#endif
