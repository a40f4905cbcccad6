/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traced processes: who they are and, over time, what was mapped where. Mappings are remembered after they are gone
 * (munmap, exec, exit), each with the time it was valid, because a stack is named after it was taken.
 */
#ifndef ALLOCTRACE_PROC_PROCESS_H
#define ALLOCTRACE_PROC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rights.h"
#include "model/module.h"

/* An executable mapping. Times are CLOCK_MONOTONIC, ns. */
struct mapping {
	uint64_t start, end, offset;	/* offset in the file */
	uint32_t module;
	bool copied;	/* anonymous memory that holds this code of the file: no uprobe is placed there */
	uint64_t from_ns, until_ns;	/* [from, until); until_ns UINT64_MAX: still there */
	/* It may have been there since earliest_ns: a mapping found by reading is younger than the reading before. */
	uint64_t earliest_ns;
	uint64_t max_end;	/* of this one and all before it in the list: where a search backwards may stop */
};

/* A program that a process ran before it execed another. */
struct former_program {
	uint64_t until_ns;
	char *name;
};

/* A part of a file's code that the process has copied into anonymous memory (target/copied.h). */
struct code_copy {
	uint64_t start, end, offset;
	uint32_t module;
};

struct process {
	pid_t pid;
	uid_t uid;
	struct rights rights;	/* with which it opens files, as of process_read_rights() */
	char *name;		/* comm */
	vec_of(struct former_program) former;	/* oldest first */
	bool exited;
	bool chosen;		/* by its pid: reports name it, however long it has been gone */
	bool tells;		/* of its own samples, by a file that it has mapped since its last exec */
	bool maps_changed;	/* something was mapped, or became executable, since whoever looks at this cleared it */
	bool leader_exited;	/* its first thread has; others may go on, and exec */
	vec_of(struct mapping) maps;	/* sorted by start, then from_ns */
	vec_of(struct code_copy) copies;	/* since the last exec */
	uint64_t start_stack;	/* where the stack of its first thread began; 0: not known (unwind_update()) */
	uint64_t read_ns;	/* when the mappings were read last; 0 never */
	uint64_t reading_ns;	/* of the reading under way, or the last one */
	size_t n_ended;		/* of maps, those that are gone */
};

struct processes {
	struct modules *modules;	/* borrowed */
	vec_of(struct process *) list;
	struct u64map by_pid;
	struct u64map by_inode;	/* (st_dev, st_ino) of an opened file -> module */
};

void processes_init(struct processes *ps, struct modules *modules);
void processes_free(struct processes *ps);
struct process *processes_find(const struct processes *ps, pid_t pid);

/* Checks that the pid is a process alloctrace can trace: it exists, is no thread of another process, no kernel
 * thread, not 32-bit, not a zombie, and ours to look into. Returns 0, or -errno after logging an error (what, why,
 * what to do). */
int process_check(pid_t pid);

/* Adds the process (no check) and reads its mappings. *out belongs to ps. Returns 0, or -errno after logging an
 * error. Adding a process that is there already rereads its mappings. */
int processes_add(struct processes *ps, pid_t pid, struct process **out);

/* The process has just execed, and is known by events alone from here on: nothing of it is read. One that was known by
 * that pid has exited, or has not execed before. */
struct process *processes_exec(struct processes *ps, pid_t pid, uint64_t time_ns, const char *name);
/* A process's number is not its own any more: all of it is freed. */
void processes_drop(struct processes *ps, struct process *p);

/*
 * Rereads /proc/PID/maps: what is new is added from now_ns on, what is gone ends at now_ns; an older time than the
 * clock's is taken as the clock's. What is new also resolves for times back to the reading before, since when it may
 * have been there. 0 or -errno (-ESRCH: has exited; everything stays), no message. Opens each new file by
 * /proc/PID/map_files (the very inode, also when it was deleted or replaced), else by /proc/PID/root + path if dev
 * and inode agree (mapfile.c).
 */
int process_read_maps(struct processes *ps, struct process *p, uint64_t now_ns);

/* Its rights now. Those of a zombie stay what they were, if they are; they are unknown if it is gone. */
void process_read_rights(struct process *p);

/* What all processes may read: the rights of one if they are all the same. */
struct rights processes_rights(const struct processes *ps);

/* A mapping event of the kernel; dev as makedev() makes it. prot_exec mappings only. Overlapped older mappings end at
 * time_ns. */
void process_mmap(struct processes *ps, struct process *p, uint64_t time_ns, uint64_t start, uint64_t len,
		  uint64_t offset, uint64_t dev, uint64_t ino, const char *path);
/* The same where the file's module is known. */
void process_mmap_module(struct process *p, uint64_t time_ns, uint64_t start, uint64_t len, uint64_t offset,
			 uint32_t module);
/* The process execs: every mapping ends; name (may be NULL) is the new comm, copied. */
void process_exec(struct process *p, uint64_t time_ns, const char *name);
/* The new comm, copied. */
void process_rename(struct process *p, const char *name);
/* Every mapping ends. For the process's end, not a single thread's. */
void process_exit(struct process *p, uint64_t time_ns);
/* Forgets all about the process, which is not traced after all. */
void processes_remove(struct processes *ps, pid_t pid);
/* It has exited, and no stack of it is left without names: what was mapped where is freed. Its names stay. */
void process_forget(struct process *p);
/* The program's name at that time, and in *exec how often the process had execed before (since it is known). */
const char *process_name_at(const struct process *p, uint64_t time_ns, uint32_t *exec);

/* Where the address belonged at that time. False: no executable mapping held it. *file_offset is of the file for a
 * file's mapping, otherwise the address itself (for the vDSO: from its start). */
bool process_resolve(const struct process *p, const struct modules *modules, uint64_t addr, uint64_t time_ns,
		     uint32_t *module, uint64_t *file_offset);

/* "redis-server (pid 4711)", or "3 processes (nginx, redis-server)" with each name once; appends. */
void processes_describe(const struct processes *ps, struct buf *out);

/* Items of a list that can't be traced, each with the message that says why. Begins as zeroes. */
struct skipped {
	vec_of(char *) why;
	int err;	/* of the first */
};

/* Takes text, the message that was caught. */
void skipped_add(struct skipped *s, int err, const struct buf *text);
/* Logs them: as warnings if something is left to be traced, and returns 0; otherwise as errors, and returns the first
 * one's. Frees what s holds. */
int skipped_end(struct skipped *s, bool left);

/* "-p" as users write it: PIDs and process names (comm, or the base name of the executable) with commas between.
 * Appends each pid once. A name that matches nothing, or a number that is no process, goes to *skip; skip NULL: it
 * is an error. Returns 0, or -errno after logging an error. */
int processes_parse_list(const char *arg, pid_t **pids, size_t *n, struct skipped *skip);

/* Calls take() for each process of the list. Those that it refuses, with a message and -errno, are skipped like those
 * that are not there: with a warning while any other is taken. Returns 0, or -errno after logging an error. */
int processes_each(const char *list, int (*take)(void *arg, pid_t pid), void *arg);

#endif
