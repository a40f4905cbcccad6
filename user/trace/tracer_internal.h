/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by tracer.c and tracer_*.c only. */
/* Part of trace/tracer.h. */
#ifndef ALLOCTRACE_TRACE_TRACER_INTERNAL_H
#define ALLOCTRACE_TRACE_TRACER_INTERNAL_H

#include "alloc/family.h"
#include "image/image.h"
#include "kern/tables.h"
#include "trace/attachment.h"
#include "trace/forked.h"
#include "trace/golive.h"
#include "trace/host.h"
#include "trace/sharing.h"
#include "trace/tracer.h"

/* What is known of a module's file. */
struct traced_file {
	bool tried;
	struct image *image;	/* NULL: no ELF file, or it can't be read */
	struct plan *plan;	/* the image's; NULL if that is, or if the file has no allocator function */
};

/* A function of the command line, by its row's id. */
struct named {
	bool found;
	char *why;	/* it is not traced where it is; NULL: it was not seen */
};

/* The probes on a function that a resolver chose, where the plan of its file does not have it. */
struct extra_plan {
	uint32_t module;
	uint64_t vaddr;
	struct image *image;	/* NULL: none can be made */
	struct plan *plan;	/* the image's; NULL if that is, or if it has none */
};

struct tracer {
	struct kern *kern;
	bool wide;
	bool resident, resident_begun;	/* kern_options.resident: no function is probed; kern_resident_begin() */
	bool kernel, kernel_begun;	/* kern_options.kernel: likewise; kern_kmem_begin() */
	struct host host;	/* if that is so */
	struct modules modules;
	struct processes processes;
	struct profile profile;
	struct task_events *events;
	struct collector *collector;
	struct unwind *unwind;
	struct golive *golive;		/* NULL: no view wants what is live of Go; */
	struct golive_sums go_sums;	/* of the last tracer_collect() */
	const char *not_of_go;		/* a view that Go's blocks are not in; NULL: none is asked for */
	struct kept *kept;		/* NULL: stacks are walked by frame pointers */
	const char *function_names[ALLOC_MAX_FUNCTIONS];
	struct named named[ALLOC_MAX_FUNCTIONS];
	vec_of(char *) gaps;		/* what is there and not traced, for people */
	size_t more_gaps;		/* beyond them */
	vec_of(struct extra_plan) extras;
	vec_of(struct traced_file) files;	/* by module id */
	struct attachments attachments;		/* of processes that have not exited, or have a moment ago */
	bool said_unread;
	struct forked_list forked;
	struct sharers sharers;
	struct cleaner *cleaner;
	pid_t held_pid;
	uint64_t held, continued;	/* stops for which probes were attached; and those that were ended */
	uint64_t hold_failed;		/* as of kern_hold_failed() */
	uint64_t hold_seen_ns;		/* when a stop was asked for that has not come; 0: none */
	size_t files_at_exec;		/* the held process's mappings of files when it had just execed */
	size_t n_probes;
	enum site_cost cost;
	unsigned int plan_flags;
	bool blocks;	/* are followed; */
	bool maps;	/* and what programs map themselves */
	bool by_label;	/* labels of goroutines are asked for */
	bool force, refused;	/* kern_options.force; an executable was refused without it */
	bool trusts_code;	/* kern_options.trusts_code */
	bool paused;
	bool by_usdt;	/* a process tells of its own samples, and these are recorded */
	bool go_by_samples;	/* Go's allocations are recorded by the samples of its runtime */
};

/* Nothing of the process is probed: 0 if there is something to be read of it all the same, or -errno after a message.
 */
int tracer_fail_of_process(const struct tracer *t, const struct process *p);
/* The module's file, read and planned at the first call. */
struct traced_file *tracer_file(struct tracer *t, uint32_t module);
/* Reads a module's file (tracer_plan.c), for image_free(): all that is wanted of it; or a plan alone, by what was
 * chosen instead of what the resolvers' code shows. NULL: it is no ELF file. Its functions have their names from
 * then on. */
struct image *tracer_read(struct tracer *t, const struct module *m, const struct plan_chosen *chosen);
void tracer_read_file(struct tracer *t, const struct module *m, struct traced_file *f);
/* Something that may be called is not traced: once for each text. */
void tracer_add_gap(struct tracer *t, const char *what);
void tracer_free_gaps(struct tracer *t);
/* The launched command is over. */
void tracer_hold_ended(struct tracer *t);
/* What resolvers chose (tracer_chosen.c): of a file that was just attached to, then each time that something may have
 * changed; of a process that execs. */
void tracer_expect_chosen(struct tracer *t, struct attachment *a, uint32_t module);
int tracer_attach_chosen(struct tracer *t, struct attachment *a);
void tracer_forget_chosen(struct attachment *a);
void tracer_free_chosen(struct tracer *t);
/* What is logged and counted once of each plan in each process. */
void tracer_account_probes(struct tracer *t, uint32_t module, pid_t pid, const struct plan *plan,
			   const struct placement *pl);
/* The file's probes are in the process at this moment. */
bool tracer_has_probes(const struct tracer *t, const struct attachment *a, uint32_t module);
/*
 * Compares the code at all probes of the process's files, those to come and those that are there, with the files'; in a
 * wide run a is the host's, and a difference in one process counts for all. Each difference is logged
 * once. Probes where something changed are taken out, and a file's remaining ones are to be attached anew. 0; silent:
 * -ESRCH.
 */
int tracer_compare(struct tracer *t, struct attachment *a, struct process *p);
/* The file's code must have no probe, since the process may copy it: logged once. */
bool tracer_refuses_copier(struct tracer *t, const struct process *p, uint32_t module);
/* The process's own samples take the place of this probe; or of its samples' probe, it takes no samples. */
bool tracer_replaces(const struct attachment *a, const struct plan_probe *p);
/* From here on a->by_usdt, if the process has mapped what tells of its samples (tracer_usdt.c). */
void tracer_look_for_usdt(struct tracer *t, struct attachment *a);
/* The code of an allocator's function: no caller of it. */
bool tracer_in_allocator(struct tracer *t, uint32_t module, uint64_t vaddr);
/* What a frame in a file says of the mapping that its stack made. */
enum map_owner tracer_map_owner(struct tracer *t, uint32_t module, uint64_t vaddr);
/* Without this probe blocks seem to be live that are not. */
bool placement_spoils_live(const struct plan_probe *p);
/* Which probes of the module's plan are in the process now: all that are not left out, if it is attached to. Valid
 * until the next call. */
const bool *tracer_probes_there(struct tracer *t, struct attachment *a, uint32_t module);
/* Where the text is mapped writable, the kernel takes a probe and places no breakpoint: a gap. True: so it is for all
 * probes of the file. */
bool tracer_is_refused(struct tracer *t, const struct process *p, const struct traced_file *f, uint32_t module);
/* The process may copy what it executes of the file, in a wide run: a gap. */
bool tracer_refuses_copiers(struct tracer *t, uint32_t module);
/* Probes were not attached (pid 0: in any process); or are there again. */
void tracer_add_unattached(struct tracer *t, const struct module *m, pid_t pid, int err);
void tracer_end_gap(struct tracer *t, const struct module *m, pid_t pid, struct attached_file *f);

/* Does what is to be done for the process since it was marked: the BPF side learns its mappings, and every file that
 * it has mapped gets its probes. Returns 0, or -errno after logging an error, and it is tried again; silent: -ESRCH. */
int tracer_attach_new(struct tracer *t, struct attachment *a);
/* An exec by a thread that was not the leader: the process is to be attached to again, by tracer_attach_new(). */
void tracer_exec_by_thread(struct tracer *t, struct attachment *a);
/* Go's allocations are recorded by samples, and a runtime takes none: it is a gap, as of now. */
void tracer_check_samplers(struct tracer *t);

#endif
