/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside record/: a recording on its way into the messages of a file. */
/* Part of record/record.h. */
#ifndef ALLOCTRACE_RECORD_WRITER_H
#define ALLOCTRACE_RECORD_WRITER_H

#include "base/arena.h"
#include "profile.pb-c.h"
#include "record/order.h"
#include "record/record.h"

#define NO_FRAMES STACK_END_MAX	/* in writer.marks */

struct writer {
	const struct recording *r;
	const struct profile *p;
	struct order o;
	struct arena a;
	struct strpool strings;
	struct strpool functions;	/* "name\nfile" -> index in function */
	vec_of(Pb__Function *) function;
	struct strpool types;		/* what tells one from the others -> index in type */
	vec_of(Pb__Type *) type;
	struct u64map tags;		/* id -> index in tag */
	vec_of(Pb__Tag *) tag;
	uint64_t marks[STACK_END_MAX + 1];	/* location ids; 0: not made */
	vec_of(Pb__Location *) location;
	bool *hidden;			/* by place of the frame */
	uint64_t *slides;		/* by place of the module */
	uint64_t next_slide;
	int n_types;
	Pb__Profile out;
	Pb__Recording ext;
};

#define NEW(w, n, type) ((type *)arena_get(&(w)->a, (n), sizeof(type)))

/* Counters, ages, histograms and earlier readings by sample, in the extension (writecounts.c). */
void writer_add_counts(struct writer *w);

#endif
