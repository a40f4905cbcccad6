/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is live of Go: not by probes, since nothing calls a function to free, but from the sampled records of the
 * runtime of each process (proc/gorecords.h), which count since the process began.
 */
#ifndef ALLOCTRACE_TRACE_GOLIVE_H
#define ALLOCTRACE_TRACE_GOLIVE_H

#include "base/buf.h"
#include "image/image.h"
#include "model/profile.h"
#include "proc/process.h"

struct golive;

/* NULL: the module is no ELF file. */
typedef struct image *(*golive_image_fn)(void *arg, uint32_t module);

/* Everything is borrowed. */
struct golive *golive_new(struct processes *processes, struct profile *profile, golive_image_fn image_of, void *arg);
/* NULL is a no-op. */
void golive_free(struct golive *g);

struct golive_sums {
	uint64_t records;	/* that were read; of */
	uint64_t processes;	/* so many processes */
	uint64_t rate;		/* bytes from one sample to the next; 0: processes differ */
	bool collected;		/* counts are as of the latest garbage collection of each process */
};

/* Adds what the records of all processes that are left say to PROFILE_LIVE, PROFILE_LEAKS and PROFILE_RUNTIME: after
 * the profile was reset. What is missing is logged once for each process, and kept for golive_missing(). */
struct golive_sums golive_add(struct golive *g);
/* Where and why there were no records, or not all: "svc (pid 12): …; …". Appends nothing if there is no such thing. */
void golive_missing(const struct golive *g, struct buf *out);
/* The process maps a Go program. *why: why what is live in it can't be read (a static string); NULL: it can. */
bool golive_is_go(const struct golive *g, const struct process *p, const char **why);
/* The process has exited, and its mappings are to be forgotten. */
void golive_exited(struct golive *g, const struct process *p);

#endif
