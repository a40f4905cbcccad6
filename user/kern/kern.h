/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the BPF programs, attaches them, and reads what they counted.
 *
 *     kern_open() -> kern_attach() for each file of each process -> kern_sums() … -> kern_detach() -> kern_close()
 */
#ifndef ALLOCTRACE_KERN_KERN_H
#define ALLOCTRACE_KERN_KERN_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "kern/features.h"
#include "model/plan.h"
#include "shared.h"

/* What is recorded of the allocations of Go code. */
enum go_source {
	GO_EITHER,	/* calls; the samples of its runtime from kern_go_by_samples() on */
	GO_CALLS,
	GO_SAMPLES,
};

struct kern_options {
	uint32_t max_stacks;	/* entries of the stack table */
	uint32_t max_frames;	/* 1 … STACK_MAX_FRAMES */
	uint32_t ring_bytes;	/* power of two, a multiple of the page size */
	uint64_t min_size, max_size;
	bool by_thread;		/* a stack of another thread is another stack */
	bool by_goroutine;	/* the same of a goroutine; */
	bool by_label;		/* or of one with other labels (one of the two) */
	bool creators;		/* where goroutines were made is kept, at the end of their stacks */
	bool blocks;		/* follow blocks from their allocation to their free */
	uint32_t max_blocks;	/* entries of the table of live blocks */
	bool peak;		/* keep what was live when most was */
	bool temp;		/* count blocks that live less than temp_age_ns, or not until their thread's next */
	uint64_t temp_age_ns;
	bool sizes, lifetimes;	/* keep histograms of these */
	bool no_go_probes;	/* nothing is asked of Go's allocations that its runtime's own records do not say; */
	enum go_source go_source;	/* where Go is traced by its calls, unless no_go_probes */
	bool usdt;		/* processes' own samples are recorded where they tell of them (kern_uses_usdt()) */
	bool go_records;	/* what is live of it is, and read from there (trace/golive.h) */
	/* SAMPLE_LAW() (sample.h). It can be changed later, but SAMPLE_ALL only if it isn't fixed. */
	uint64_t sample_law;
	bool sample_fixed;
	uint32_t exact_calls;	/* at least so many are recorded before the law begins */
	bool governed;		/* probes come and go: kern_set_window_factor() */
	/* Probes are in every process that maps a file (kern_attach() with pid 0), and kern/members.h says who is
	 * traced; */
	bool wide;
	bool by_process;	/* a stack of another process is another stack; else of another program; */
	bool follow;		/* children of chosen processes are chosen; */
	bool takes_all;		/* those that were not chosen are traced if the rules take them; */
	const struct select_rules *rules;	/* NULL: they take everyone. Borrowed until kern_open() returns; */
	const struct place_rules *places;	/* the same of cgroups (trace/places.h). Borrowed */
	bool maps;		/* what programs map themselves is told: kern_set_on_map(); */
	bool no_heap;		/* that alone */
	bool resident;		/* growth of resident memory is counted, and no function is probed; wide */
	bool kernel;		/* what the kernel allocates is (kern/kmem.h), and no function is probed; wide */
	bool hold;		/* load the programs that hold a launched command */
	uint32_t hold_signal;	/* 0: SIGSTOP; for tests, one that cannot be sent */
	enum bench_mode bench;	/* what the benchmark compares with, instead of counting */
	enum unwind_mode unwind;	/* UNWIND_AUTO: by .eh_frame (kern/unwind.h) if the kernel takes that program */
	uint64_t unwind_bytes;	/* room for unwind tables */
	bool force;		/* probe a program that seems to copy its own code (probe/selfcopy.h) */
	bool trusts_code;	/* code in memory is not compared with the file's; for tests that set breakpoints */
	bool told_mappings;	/* as where bpf_find_vma() is missing: mappings are told, not asked for; for tests */
	enum attach_mode mode;	/* ATTACH_AUTO is resolved */
};

/* Where processes come and go, one may be seen to tell of its samples after its first calls: their blocks would never
 * be freed. */
static inline bool kern_uses_usdt(const struct kern_options *o)
{
	return o->usdt && !o->resident && !(o->wide && o->blocks);
}

struct kern;

/* Loads, attaches nothing. Returns 0, or -errno after logging an error. */
int kern_open(const struct kern_options *o, struct kern **out);
/* Detaches what is attached. NULL is a no-op. */
void kern_close(struct kern *k);
enum attach_mode kern_mode(const struct kern *k);
/* The BPF side asks the kernel what is mapped: kern_options.wide needs it. */
bool kern_asks_mappings(const struct kern *k);
/* The number of the plan's first probe (struct stack_frames); the others follow. False: it has none yet. */
bool kern_first_probe(const struct kern *k, const struct plan *plan, uint32_t *first);
/* Stacks are walked by .eh_frame's tables, not by frame pointers. */
bool kern_unwinds_by_tables(const struct kern *k);
/* Stacks are read in place, not copied (bpf/direct.bpf.h). */
bool kern_reads_in_place(const struct kern *k);
/* Kernel memory of the maps before there is anything in them, bytes; the tables grow as needed. */
size_t kern_memory(const struct kern *k);
/* An entry of a table with its bucket, in the kernel's size classes: header (48 bytes), key, value. */
#define KERN_STACK_BYTES 144
#define KERN_BLOCK_BYTES 144
#define KERN_MEMORY_SHARE 4
/* Entries of a table: those wanted, or what fits into this share of the machine's memory. */
uint32_t kern_entries_within(uint32_t wanted, size_t entry_bytes);

/* Attaches to every probe of the plan, in the file behind fd, for one process (pid 0: for all). module: a number of the
 * file, below MODULES_MAX. The plan stays as long as k; where blocks are followed, it was made with PLAN_BLOCKS.
 * Returns 0, or -errno after logging an error; then nothing of it stays attached. Silent: -ESRCH (the process is gone),
 * -ECANCELED (kern_end()). left_out: by probe, those that must not be there; NULL: none. */
int kern_attach(struct kern *k, pid_t pid, int fd, const char *path, uint16_t module, const struct plan *plan,
		const bool *left_out);
/*
 * Takes out of a forked child the breakpoints that it inherited with its parent's memory: uprobe_multi leaves them
 * there, and the child would take a trap for each call that nobody counts (perf uprobes are removed when they are hit).
 * Done by attaching to the child and detaching: unregistering a consumer removes the breakpoints of every process that
 * none wants (kernel/events/uprobes.c register_for_each_vma()), so that one child stands for all. Waits some 50 ms for
 * the kernel. From any thread. left_out as above. 0 or -errno without a message; -ESRCH: the child is gone, and nothing
 * was done.
 */
int kern_clean(struct kern *k, pid_t pid, int fd, const struct plan *plan, const bool *left_out);
/* Detaches every probe; counters stay readable. */
void kern_detach(struct kern *k);
/* From any thread, and whatever the main thread is in: nothing is counted any more, every probe is taken out (by a
 * thread of its own; kern_end_wait() waits for it), and none is attached any more: kern_attach() returns -ECANCELED. */
void kern_end(struct kern *k);
void kern_end_wait(struct kern *k);
bool kern_is_over(const struct kern *k);
/* Detaches what kern_attach() attached; kern_hold() goes on. */
void kern_detach_probes(struct kern *k);
/* The same for one process. */
void kern_detach_process(struct kern *k, pid_t pid);
/* The same for one file of a process. */
void kern_detach_file(struct kern *k, pid_t pid, uint16_t module);
/* The same for several files, keys of the map, in all processes: at once. */
void kern_detach_files(struct kern *k, const struct u64map *modules);

/* From now on the samples of Go's runtimes are recorded instead of the calls of its allocators (GO_EITHER), from one
 * call to the next; the probes on these are taken out, which is waited for. */
void kern_go_by_samples(struct kern *k);
/* Puts the probes on these calls back into one file, as kern_attach(); and when all are there: they count again, and
 * samples do not. */
int kern_attach_go(struct kern *k, pid_t pid, int fd, const char *path, uint16_t module, const struct plan *plan,
		   const bool *left_out);
void kern_go_by_calls(struct kern *k);
/* Bytes from one of these samples to the next on average; 0: they differ, or none has come. */
uint64_t kern_sampler_rate(const struct kern *k);

/* The totals so far, over all CPUs. */
void kern_counts(const struct kern *k, uint64_t counts[COUNT_MAX]);
/* Of these, calls that were seen and are in no table. */
uint64_t kern_lost(const uint64_t counts[COUNT_MAX]);
/* Calls back for every stack that was recorded, with its sums so far. Returns 0 or -errno after logging an error. */
int kern_sums(struct kern *k, void (*on_sum)(void *arg, uint64_t id, const struct stack_sum *sum), void *arg);
/* Calls back for every live block, in no order; for none where blocks are not followed. Returns 0 or -errno after
 * logging an error. */
int kern_blocks(struct kern *k, void (*on_block)(void *arg, const struct block_key *key, const struct block *block),
		void *arg);
/* Calls back for every bucket of the histograms that has something in it; calls << CALLS_SHIFT. Returns 0 or -errno
 * after logging an error. */
int kern_hists(struct kern *k, void (*on_hist)(void *arg, const struct hist_key *key, uint64_t calls), void *arg);
/* The labels that a struct stack_frames.tag stands for. False: they are not there. */
bool kern_labels(const struct kern *k, uint64_t tag, struct label_set *out);
/* How many different sets of labels are kept. */
#define KERN_LABEL_SETS 16384
/* The live heap of all processes and its peak, as of now. */
struct heap kern_heap(const struct kern *k);
/*
 * Takes the blocks of the address spaces that these processes had before those times (CLOCK_MONOTONIC) out of the live
 * heap, at their exec or exit, and calls back for each: the kernel's sums still have them as live. Returns 0 or -errno
 * after logging an error.
 */
struct ended_process {
	pid_t pid;
	uint64_t before_ns;
};

int kern_end_blocks(struct kern *k, const struct ended_process *ended, size_t n,
		    void (*on_block)(void *arg, const struct block_key *key, const struct block *block), void *arg);
/* Begins a new generation of blocks; returns its number, the first being 0 and the last GENERATION_MAX. */
uint32_t kern_mark(struct kern *k);
/* From now on. */
void kern_set_sample_law(struct kern *k, uint64_t law);
uint64_t kern_sample_law(const struct kern *k);
/* Calls are still recorded whatever the law says. */
bool kern_exact(const struct kern *k);
/* From now on nothing is counted any more; attached probes do nothing. kern_go(): they count again. */
void kern_stop(struct kern *k);
void kern_go(struct kern *k);
/* How many calls each call stands for that is counted from now on, << CALLS_SHIFT; kern_options.governed. */
void kern_set_window_factor(struct kern *k, uint64_t factor);
/*
 * Puts a probe that is never hit on a function of our own, or takes it away: while it is there, and for some time
 * after, detaching takes breakpoints out at once, rather than after 40 to 95 ms (pace/governor.h says why). Putting it
 * there waits that long itself. Without a message: it is only slower if it fails.
 */
void kern_guard(struct kern *k, bool on);
/*
 * Counts messages on sockets from now on, of the processes of kern_count_messages_of(): by the kernel's tracepoints for
 * them, which costs every message on the machine some 50 ns, or before Linux 6.3 by that for system calls, which costs
 * every call. 0 or -errno, no message.
 */
int kern_count_messages(struct kern *k);
void kern_count_messages_of(struct kern *k, pid_t pid);
uint64_t kern_messages(const struct kern *k);
/* Calls back for the frames that are in the ring (n of them are valid; where end is WALK_RAW, rec is the beginning of a
 * struct stack_raw). Returns how many records there were, or -errno. */
int kern_frames(struct kern *k, void (*on_frames)(void *arg, const struct stack_frames *rec), void *arg);
/* What kern_frames() calls back for each event of kern_options.maps. */
void kern_set_on_map(struct kern *k, void (*on_map)(void *arg, const struct map_event *ev), void *arg);
/* For epoll: readable when the ring is a quarter full. */
int kern_frames_fd(const struct kern *k);

/* Holding a launched command (kern_options.hold): from now on the process is stopped by SIGSTOP after each exec, and
 * when its dynamic loader reaches the point set by kern_hold_loader(). */
int kern_hold(struct kern *k, pid_t pid);
/* fd, file_offset: of _dl_debug_state in the loader. 0 or -errno, no message. */
int kern_hold_loader(struct kern *k, pid_t pid, int fd, uint64_t file_offset);
/* How often it was stopped by us; and how often of these the kernel refused to. */
uint64_t kern_hold_count(const struct kern *k);
uint64_t kern_hold_failed(const struct kern *k);
/* The loader is done: hold no more until the next exec. */
void kern_hold_loader_done(struct kern *k);
/* True once after an exec by a thread other than the leader: probes attached before it no longer follow the process. */
bool kern_exec_by_thread(struct kern *k);

/* What a hit costs the traced program, in ns. */
struct hit_cost {
	double recorded;
	double other;	/* of a call that is not sampled; nearly the same: a free of an unknown block */
	bool in_place;	/* kern_reads_in_place() */
};

/* What a hit of an empty program costs, in ns; 0: unknown. Takes some 0.1 s, much of it waiting. */
double kern_trap_ns(struct kern *k);
/* Measures it on a function of our own with stacks of the given depth, probed at an instruction of the given cost
 * class. 0 or -errno without a message. */
int kern_calibrate(enum attach_mode mode, enum unwind_mode unwind, enum site_cost cost, unsigned depth,
		   struct hit_cost *hit);

/* The same in a process of its own, which takes some tenths of a second, while tracing goes on. NULL: it can't be
 * started. */
struct calibration;
struct calibration *kern_calibrate_begin(enum attach_mode mode, enum unwind_mode unwind, enum site_cost cost,
					 unsigned depth);
/* 0 (*hit is set) or -errno: it has ended, and c is freed. -EAGAIN: it has not; never if `wait`. */
int kern_calibrate_end(struct calibration *c, bool wait, struct hit_cost *hit);
/* Abandons it. NULL is a no-op. */
void kern_calibrate_cancel(struct calibration *c);

#endif
