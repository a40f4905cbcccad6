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
	struct profile_members members;
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
	int first_mapped;	/* of these, where those of what is mapped begin; n_types: there are none */
	Pb__Profile out;
	Pb__Recording ext;
};

#define NEW(w, n, type) ((type *)arena_get(&(w)->a, (n), sizeof(type)))

/* Its place in the string table. */
int64_t writer_string(struct writer *w, const char *s);
/* As much of it as a value holds. */
static inline int64_t writer_int(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static inline const char *writer_allocator(const struct profile *p, uint16_t function)
{
	return function < p->n_functions ? p->function_names[function] : "[unknown function]";
}

/* A copy in the arena. */
char *writer_part(struct writer *w, const char *part, size_t len);
/* How many labels of a goroutine there are. */
size_t writer_n_labels(const struct profile_tag *tag);
/* The labels of a sample, of calls that are c (writelabels.c). */
void writer_add_labels(struct writer *w, Pb__Sample *s, const struct profile_stack *st, struct counters c);
/* Counters, ages, histograms and earlier readings by sample, in the extension (writecounts.c). */
void writer_add_counts(struct writer *w);
/* What was allocated in each interval, likewise (parts.c). */
void writer_add_parts(struct writer *w);

#endif
