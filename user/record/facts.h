/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside record/: the facts of a run as a message. */
#ifndef ALLOCTRACE_RECORD_FACTS_H
#define ALLOCTRACE_RECORD_FACTS_H

#include "base/arena.h"
#include "model/recording.h"
#include "recording.pb-c.h"

/* What is made is in the arena, or borrowed from r. */
Pb__Facts *facts_pack(const struct recording *r, struct arena *a);
/* Sets r's facts; strings are copied to the arena, escaped. */
void facts_unpack(const Pb__Facts *m, struct recording *r, struct arena *a);
Pb__Counters *facts_pack_counters(struct arena *a, struct counters c);
struct counters facts_unpack_counters(const Pb__Counters *m);
/* The facts of two runs together, in *r; what *with has and r needs is borrowed. */
void facts_add(struct recording *r, const struct recording *with, struct arena *a);

/* What a file says as a number that can be shown: it fits into 64 bits, rounded. */
double facts_number(double x);
/* A copy in the arena, as text_escape() makes it; NULL of NULL. */
char *facts_text(struct arena *a, const char *s);
/* A part of facts_add(). */
void facts_add_resident(struct recording_resident *m, const struct recording_resident *with);

#endif
