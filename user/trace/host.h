/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A wide run, where probes are in every process that maps a file. For the files of the tracer only. */
/* Part of trace/tracer.h. */
#ifndef ALLOCTRACE_TRACE_HOST_H
#define ALLOCTRACE_TRACE_HOST_H

#include "proc/events.h"
#include "trace/attachment.h"
#include "trace/collector.h"
#include "trace/places.h"

struct tracer;

/* Of a wide run (trace/host.c): probes are in every process that maps a file. */
struct host {
	struct process *everyone;	/* pid 0: stands for whoever maps a file; */
	struct attachment *files;	/* its, of all files */
	struct collector_wide wide;
	struct places *places;
	char removed_path[REMOVED_PATH];	/* host_removed_cgroup() */
	vec_of(uint64_t) programs;	/* by task of the profile: struct member */
	bool by_process, by_thread;	/* stacks are told apart by that, too */
	bool all, follow;		/* every process is looked at; children of those that are */
	bool started;			/* what was there at the start is attached */
	struct u64map known_as;		/* modules -> what the same inode is known as */
	struct u64map modules;		/* hashes of (device, inode) of records -> module */
	struct u64map unseen;		/* hashes of files whose processes had ended before they were read */
	struct u64map followed;		/* pids, where it is not all; 1: it has execed */
	struct u64map others;		/* pids that are not -> which of files' they have mapped, bit by bit */
	struct u64map headless;		/* pids whose first thread has exited before others -> when */
	vec_of(pid_t) gone, changed;	/* to be dropped; to be compared with their files */
	size_t n_gone;		/* of the first, those that are due */
	vec_of(pid_t) tellers;	/* whose samples are to be recorded, once the file's probes are there */
	vec_of(struct ended_process) ended, kept;	/* whose blocks are no more; or will be in a while */
	/* Of host_files.c: when it was last looked for files that nobody uses, with how many open, how often of
	 * late for nothing, and which these were. */
	uint64_t pass_ns;
	size_t pass_open;
	unsigned int passes_in_vain;
	struct u64map unused;		/* modules */
	bool files_lent;		/* tracer_lend_files() */
	double cpus;			/* of the machine */
	uint64_t swept_ns;
	uint64_t last_end_ns;		/* of a process that is followed */
	uint64_t late_files, unread;	/* files with probes that came later; processes that can't be read */
};

/* A wide run: begins and ends with the tracer. */
int host_open(struct tracer *t, const struct kern_options *o);
void host_free(struct tracer *t);
/* Every process, now and later; or one that is chosen, with its children where they are followed. As tracer_add(). */
int host_add_all(struct tracer *t);
int host_add(struct tracer *t, pid_t pid);
/* A command that is launched; and what it has mapped when it is held. */
int host_hold(struct tracer *t, pid_t pid);
void host_see(struct tracer *t, struct process *p);
/* Is it to be looked at which files the process maps? */
bool host_wants(const struct tracer *t, pid_t pid);
/* What the process has mapped, read if it is not known. NULL: it is gone. */
struct process *host_process(struct tracer *t, pid_t pid);
void host_event(struct tracer *t, const struct task_event *ev);
/* The process has mapped the file: if that tells of samples (tracer_usdt.c), these are to be recorded of it instead of
 * calls; and so they are from now on. */
void host_see_teller(struct tracer *t, struct process *p, uint32_t module);
void host_set_tellers(struct tracer *t);
/* lost: some events were. */
void host_after_events(struct tracer *t, bool lost);
void host_drop_gone(struct tracer *t);
/* Attaches to all files that wait for it. 0, -ECANCELED. */
int host_attach(struct tracer *t);
/* Takes what ended processes have left out of what is live, if it is time; or now. 0 or -errno after logging an error.
 */
int host_sweep(struct tracer *t, bool now);

/* Closes files that nobody has mapped any more, and gives their tables and probes back, if it is time. */
void host_release(struct tracer *t);

/* Of the files of host*.c alone. What host.modules has for a file by its device (as makedev() makes it) and inode. */
static inline uint64_t host_file_hash(uint64_t dev, uint64_t ino)
{
	return mix64(mix64(dev) + ino);
}

/* The module that the file is known as; it is registered, and to be attached to. */
uint32_t host_see_file(struct tracer *t, uint32_t module);
/* Reads what the process has mapped. NULL: it is gone, or its mappings can't be read. */
struct process *host_read_process(struct tracer *t, pid_t pid);
/* Compares the code of a process that is not traced with the files that have probes, or are about to. */
void host_compare_other(struct tracer *t, pid_t pid);
/* Calls back for each process in /proc but alloctrace. 0 or -errno after logging an error. */
int host_each_pid(void (*take)(void *arg, pid_t pid), void *arg);
/* Reads all processes there are, and compares their code. 0 or -errno after logging an error. */
int host_read_all(struct tracer *t);
/* For places_new(). */
const char *host_removed_cgroup(void *arg, uint64_t cgroup);
/* Do the rules take it? For kern_members_cgroups(). */
bool host_takes_cgroup(void *arg, uint64_t cgroup, pid_t pid);
void host_tell_cgroup(void *arg, uint64_t cgroup, const struct cgroup_place *place);
/* Whose stack it is, for struct collector_wide. */
uint32_t host_task_of(void *arg, const struct stack_frames *rec);

#endif
