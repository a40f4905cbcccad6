/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What adapts while tracing: how thinly to sample, to how fast the processes allocate (--sample auto). */
#ifndef ALLOCTRACE_ADAPT_H
#define ALLOCTRACE_ADAPT_H

#include <stdint.h>

#include "kern/tracer.h"
#include "options.h"

struct adapt;

/* Everything is borrowed. Probes are attached. now_ns: CLOCK_MONOTONIC, as below. */
struct adapt *adapt_new(const struct options *o, struct tracer *t, uint64_t now_ns);
/* free(NULL) is fine. */
void adapt_free(struct adapt *a);
/* Call some twenty times a second. */
void adapt_tick(struct adapt *a, uint64_t now_ns);

#endif
