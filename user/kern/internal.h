/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of kern/ only. */
/* Part of kern/kern.h. */
#ifndef ALLOCTRACE_KERN_INTERNAL_H
#define ALLOCTRACE_KERN_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/mem.h"
#include "kern/kern.h"
#include "kern/uapi.h"
/* After shared.h, whose types it uses. */
#include "alloctrace.skel.h"

#define MAX_PROBES (1 << 16)	/* what the cookie has room for */

/* In which order probes are attached; they are detached in the opposite one. */
enum link_stage {
	LINK_FREE,	/* a block that is seen to come must be seen to go */
	LINK_RETURN,	/* a call that is seen to begin must be seen to end */
	LINK_ENTRY,
	LINK_GO,	/* entries of Go's allocator, which its runtime's samples may replace */
};

/* Every probe and tracepoint is one of these file descriptors. */
struct link {
	int fd;
	pid_t pid;
	enum link_stage stage;
	uint16_t module;	/* of kern_attach() */
};

struct links {
	struct link *at;
	size_t n, cap;
};

struct kern {
	struct alloctrace_bpf *skel;
	struct kern_options options;
	struct ring_buffer *ring;
	uint64_t stashed;	/* as of the last kern_frames() */
	uint64_t cgroup_asks;	/* as of the last kern_members_cgroups() */
	struct links links, hold_links;	/* kern/links.c has the lock */
	_Atomic(bool) over;	/* kern_end() was called: nothing is attached any more */
	unsigned int closing;	/* threads that take probes out for kern_end() */
	bool session;		/* returns are seen by session probes, not by uretprobes beside those at the entry */
	uint32_t n_probes;	/* ids given to probes so far: entries of the map `probes` */
	struct u64map probe_ids;	/* plan -> the id of its first probe */
	void (*on_frames)(void *arg, const struct stack_frames *rec);
	void *on_frames_arg;
	void (*on_map)(void *arg, const struct map_event *ev);
	void *on_map_arg;
	uint32_t map_budget;	/* how many more of them kern_frames() takes */
	/* The map `scratches`, in place: struct slot at every slot_bytes. */
	const char *slots;
	uint32_t n_slots;
	size_t slot_bytes;
	int n_cpus;
	vec_of(int) message_links;	/* of kern_count_messages() */
	int task_iter;		/* link of kern_group_work(); -1: none yet */
	int guard;		/* link of kern_guard(); -1: none */
	pthread_t second_maker;	/* makes the second table of live blocks */
	bool making_second;	/* there is one to be joined */
	_Atomic(int) second_blocks;	/* that table; -1: none yet */
	bool copies_args;	/* the verifier refuses to have some arguments of tracepoints read in place */
	/* Of kern_options.kernel: kern_kmem_has_pages(); and the map `kmem_lanes`, in place. */
	bool counts_pages;
	const struct kmem_lane *lanes;
	uint32_t n_lanes;
	int unwind_slab;	/* the first slab of unwind tables, and the pattern of the others */
};

/* Attaches prog at n offsets of the file behind fd for pid, and appends the links (one, or one for each offset). 0 or
 * -errno, and then nothing was appended. ref_ctrs, cookies: as uprobe_multi_link(). UPROBE_SESSION: by
 * uprobe_multi only. */
int attach_uprobes(enum attach_mode mode, int prog_fd, enum uprobe_when when, struct link link, int fd,
		   const uint64_t *offsets, const uint64_t *ref_ctrs, const uint64_t *cookies, size_t n,
		   struct links *links);
/* Of a thread that closes links. */
#define LINKS_STACK ((size_t)64 << 10)
/* Closes every step-th of the links. A link is closed by this alone: a SIGKILL in the middle leaves no breakpoints
 * (base/apart.h). */
void links_close(const int *fds, size_t n, size_t step);
#define ANY_MODULE -1
/* Moves the links from a list of the caller's to one of k's. -ECANCELED, and they are closed: kern_end() was called. */
int links_add(struct kern *k, struct links *to, struct links *from);
/* Closes the links of a list of the caller's. */
void links_drop(struct links *links);
/* Takes the probes of one process (0: of every process) in one file (ANY_MODULE: in all) out of one of k's lists, in
 * the order of stages; waits for it. */
void links_detach(struct links *links, pid_t pid, int module);
void links_detach_stage(struct links *links, pid_t pid, int module, enum link_stage stage);
/* The same of several files, keys of the map, in every process. */
void links_detach_files(struct links *links, const struct u64map *modules);
/* Reads a hash table in batches, by buckets: what is added to it meanwhile may or may not be seen, nothing is seen
 * twice. fd: that of the map, or of another of its kind. 0 or -errno after logging an error. */
int table_read(const struct bpf_map *map, int fd, void (*on_entry)(void *arg, const void *key, const void *value),
	       void *arg);
/* Attaches a program of the type tp_btf, until kern_detach(): the tracepoint is the one that it was loaded for. 0 or
 * -errno after logging an error; -ECANCELED: kern_end(). */
int tracepoint_attach(struct kern *k, const struct bpf_program *prog, const char *tracepoint);
/* Has every task of the system add what it did, and what of it is resident. 0 or -errno after logging an error. */
int each_task(struct kern *k);
/* Before loading: what resident memory is followed with (kern_options.resident); how large its tables are. */
void resident_set(struct kern *k, struct alloctrace_bpf *skel);
void resident_size(struct kern *k, struct alloctrace_bpf *skel);
/* The same of what the kernel allocates (kern_options.kernel). */
void kmem_set(struct kern *k, struct alloctrace_bpf *skel);
void kmem_size(struct kern *k, struct alloctrace_bpf *skel);
/* After loading: maps what it counts beside slots. 0 or -errno after logging an error. */
int kmem_map(struct kern *k);
void kmem_unmap(struct kern *k);
/* Adds that. */
void kmem_counts(const struct kern *k, uint64_t counts[COUNT_MAX]);
/* Begins to make the second table of live blocks, where there is to be one; once. */
void blocks_extend(struct kern *k);
/* Chooses the programs on functions that are loaded, and how; between open and load. Returns 0 or -errno after
 * logging an error. */
int probes_select(struct kern *k);

#endif
