/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a run recorded nothing, or little: what the target did meanwhile, as far as the system shows. */
#ifndef ALLOCTRACE_CLI_NOTHING_H
#define ALLOCTRACE_CLI_NOTHING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nothing;

/* Notes what CPU time the process and its children have used. */
struct nothing *nothing_begin(pid_t pid);
/* NULL is a no-op. */
void nothing_free(struct nothing *n);
/* Notes what they have used by now; the process may have ended, if it was not reaped. What was noted last counts. */
void nothing_note(struct nothing *n);
/* Warns that nothing was recorded, and why: "it slept all the time", "it used 1.2 s of CPU time, and called none of
 * the …". n may be NULL. filtered: calls were left out by their sizes. hits: of all probes, which are n_probes. */
void nothing_warn(const struct nothing *n, bool filtered, uint64_t hits, size_t n_probes);
/* Warns if the process used less CPU time than its children, which are not traced. NULL is a no-op. */
void nothing_warn_children(const struct nothing *n);

#endif
