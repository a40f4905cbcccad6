/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings as files: gzipped pprof profiles (user/record/profile.proto), with what pprof has no place for in one
 * field of ours (recording.proto), which other readers skip. A file is hostile input.
 */
#ifndef ALLOCTRACE_RECORD_RECORD_H
#define ALLOCTRACE_RECORD_RECORD_H

#include <stdio.h>

#include "model/recording.h"
#include "view/view.h"

/*
 * Writes r, gzipped; equal data make equal files. view, metric: what other readers show first.
 *
 * Sample types are Go's four, or the first two where no block was followed: alloc_objects/count, alloc_space/bytes,
 * inuse_objects/count, inuse_space/bytes. Values beyond 2^63 - 1 are that. Returns 0, or -errno of the stream.
 */
int record_write(FILE *f, const struct recording *r, enum view_id view, enum metric metric);

struct stored;

struct stored_options {
	bool no_inline;			/* functions proper only */
	bool demangle;			/* where frames are named here */
	bool timed;			/* only what was allocated from … until, since the start of each run */
	uint64_t from_ns, until_ns;
	const char *const *symbol_path;	/* directories, NULL-terminated: where files are looked for by build id */
};

struct stored *stored_new(const struct stored_options *o);
/* Adds what the file has to what was added before. Returns 0, or -errno after logging an error that names the file. */
int stored_add(struct stored *s, const char *path);
/* The same from memory, for tests; size bytes, not compressed. */
int stored_add_data(struct stored *s, const char *path, const void *data, size_t size);
/* What all files came to; valid as long as s, and until the next stored_add(). */
const struct recording *stored_recording(struct stored *s);
/* NULL is a no-op. */
void stored_free(struct stored *s);

#endif
