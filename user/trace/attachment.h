/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process under trace: which of its files have probes, where these are, and what is still to be done. Events mark
 * it; a process that nothing has happened to costs nothing.
 */
#ifndef ALLOCTRACE_TRACE_ATTACHMENT_H
#define ALLOCTRACE_TRACE_ATTACHMENT_H

#include "base/map.h"
#include "kern/tables.h"
#include "proc/process.h"

enum attached {
	NOT_ATTACHED,
	ATTACHED,	/* or it refused, and is not tried again */
	PAUSED,		/* was, and will be again: at once, or at tracer_resume() */
	REFUSED,	/* the kernel places no breakpoint there, or a probe would kill the process */
};

/* Where a file's probes are in one process; each by probe of its plan. */
struct placement {
	bool *left_out;		/* its code in memory is not the file's */
	bool *ours, *said;	/* the probe is there; a message was logged */
	size_t n_left_out;
};

struct attached_file {
	uint32_t module;
	enum attached state;
	bool failed;			/* when it was attached to: it has no probes */
	bool hooked;			/* the held process stops where it, a loader, has mapped libraries */
	uint64_t out_since_ns;		/* its probes were taken out, to leave some out; 0: no. Calls go by unseen */
	struct placement *placement;	/* NULL before the first comparison */
};

/* A function that a resolver chose, with probes by a plan of its own. */
struct chosen_function {
	uint32_t module;
	uint64_t vaddr;
	enum attached state;
};

/* A slot where the process may have what a resolver of the module chose. */
struct pending_slot {
	uint32_t module;
	uint64_t resolver;	/* vaddr */
	uint64_t addr;		/* in the process */
};

struct attachment {
	struct process *process;	/* borrowed */
	struct unwind_told *told;	/* NULL: nothing */
	bool untold;		/* its mappings may not be what the BPF side knows */
	bool incomplete;	/* files may have come that want probes, or want them back */
	bool by_usdt;		/* it tells of its own samples: no other calls of C allocators are recorded */
	bool usdt_refused;	/* it does so, but these are not recorded: which was logged */
	bool gone;		/* it has exited, and is freed when its last stacks have names */
	vec_of(struct attached_file) files;
	struct u64map by_module;	/* -> index of files */
	vec_of(struct chosen_function) chosen;
	vec_of(struct pending_slot) pending;
};

/* All zero: empty. */
struct attachments {
	vec_of(struct attachment *) list;	/* NULL: it was freed */
	struct u64map by_pid;			/* -> index of list */
};

/* Of that process, added where it has none; it is marked. */
struct attachment *attachments_add(struct attachments *all, struct process *p);
/* NULL: the pid is not traced, or not any more. */
struct attachment *attachments_find(const struct attachments *all, pid_t pid);
/* Frees the i-th. */
void attachments_drop(struct attachments *all, size_t i);
void attachments_free(struct attachments *all);

/* Something has changed: it is to be looked at. */
void attachment_mark(struct attachment *a);
/* What is known of the module in the process; added where nothing is. Valid until the next one is added. */
struct attached_file *attachment_file(struct attachment *a, uint32_t module);
/* Nothing is known of the module any more. */
void attachment_forget_file(struct attachment *a, uint32_t module);
enum attached attachment_state(const struct attachment *a, uint32_t module);
/* The file's probes are in the process now, or as soon as tracing is resumed. */
bool attachment_has(const struct attachment *a, uint32_t module);
/* NULL before the first comparison. */
/* It was attached to in vain. */
bool attachment_failed(const struct attachment *a, uint32_t module);
const struct placement *attachment_placement(const struct attachment *a, uint32_t module);
/* The same, made for n probes where there is none. */
struct placement *attachment_place(struct attachment *a, uint32_t module, size_t n);
/* The state of a function that a resolver chose; added as NOT_ATTACHED. Valid as attachment_file(). */
enum attached *attachment_chosen(struct attachment *a, uint32_t module, uint64_t vaddr);
/* The probes of the file were taken out (of all files: with attachment_pause_all()), and are to be put back. */
void attachment_pause(struct attachment *a, uint32_t module);
void attachment_pause_all(struct attachment *a);
/* None of its probes follows the process any more; placements stay. */
void attachment_reset(struct attachment *a);

#endif
