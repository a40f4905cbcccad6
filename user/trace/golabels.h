/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The labels of a goroutine, as the BPF side has read them, as a text. */
#ifndef ALLOCTRACE_TRACE_GOLABELS_H
#define ALLOCTRACE_TRACE_GOLABELS_H

#include <linux/types.h>
#include <stdint.h>

#include "base/buf.h"
#include "shared.h"

/* Appends the text of a struct profile_tag. What was cut ends with "…"; what is missing is a label of its own. */
void golabels_text(const struct label_set *set, struct buf *out);

#endif
