/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a run recorded nothing: what the target did meanwhile, as far as the system tells. */
#ifndef ALLOCTRACE_NOTHING_H
#define ALLOCTRACE_NOTHING_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct nothing;

/* Notes what CPU time the process and its children have used. */
struct nothing *nothing_begin(pid_t pid);
/* free(NULL) is fine. */
void nothing_free(struct nothing *n);
/* Appends what the process did since: "it slept all the time", "it used 1.2 s of CPU time, and called none of …". hits:
 * of all probes, which are n_probes. */
void nothing_why(const struct nothing *n, uint64_t hits, size_t n_probes, struct buf *out);

#endif
