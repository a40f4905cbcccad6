/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampled records of a Go program's own heap profiler, read out of its memory while it runs. Nothing stops it, and
 * it takes no lock: records are never freed, what leads from one to the next never changes, and counters are read again
 * where they are not whole.
 *
 *     runtime.mbuckets ──> bucket ──> bucket ──> … ──> 0        the latest first
 *
 *     bucket: next, allnext, typ, hash, size, nstk, pcs[nstk], active, future[3]
 *             size: of each of its allocations; pcs: return addresses; active: counts as of the last garbage
 *             collection that was finished; future: what is counted since
 *     counts: allocs, frees, bytes of both up to Go 1.26; allocs, frees from 1.27 on
 *
 * The memory may say anything: every number is checked, and each bucket is visited once.
 */
#ifndef ALLOCTRACE_PROC_GORECORDS_H
#define ALLOCTRACE_PROC_GORECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"

#define GORECORDS_MAX (1u << 20)	/* records of a process that are read */
#define GORECORDS_FRAMES_MAX 1024	/* of one: what GODEBUG=profstackdepth is cut to */

struct go_record {
	uint64_t size;		/* bytes of each allocation */
	uint64_t allocs, frees;	/* that were sampled; frees <= allocs */
	size_t at;		/* its return addresses, the innermost first: pcs.at[at], … */
	uint32_t n;
};

struct go_records {
	vec_of(struct go_record) list;
	vec_of(uint64_t) pcs;
	uint64_t rate;		/* bytes from one sample to the next, on average */
	bool collected;		/* counts are as of a garbage collection; none yet: as of now */
	size_t unstable;	/* records that were left out, since they changed each time that they were read */
	bool more;		/* there are more than GORECORDS_MAX, or than memory allows */
};

/* Reads up to len bytes at addr, from the first on; returns how many. */
typedef size_t (*go_memory_fn)(void *arg, uint64_t addr, void *data, size_t len);

/* The records that the word at `buckets` leads to; rate: where MemProfileRate is. *why (a static string) is set on an
 * error, and *out is to be freed in any case. Returns 0; -ENODATA (the rate is 0: the program records nothing); -EFAULT
 * (that is not readable: the process has gone, or they lead elsewhere); -EBADMSG (what is there are no such records);
 * -ELOOP. */
int gorecords_walk(go_memory_fn read, void *arg, uint64_t buckets, uint64_t rate, struct go_records *out,
		   const char **why);
/* The same of a process. -ESTALE: it has execed meanwhile; -ESRCH: it has exited. */
int gorecords_read(pid_t pid, uint64_t buckets, uint64_t rate, struct go_records *out, const char **why);
void gorecords_free(struct go_records *r);

#endif
