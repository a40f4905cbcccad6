/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for frames, looked up when they are shown and kept. One open per file. */
#ifndef ALLOCTRACE_SYM_SYMBOLIZER_H
#define ALLOCTRACE_SYM_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "model/module.h"
#include "model/symbol.h"

struct symbolizer_options {
	bool demangle;
	bool no_inline;		/* functions proper only */
};

struct symbolizer;

/* modules is borrowed and may grow. */
struct symbolizer *symbolizer_new(const struct modules *modules, struct symbolizer_options options);
void symbolizer_free(struct symbolizer *s);
/* The names that it looks up; they live as long as it does. */
struct names *symbolizer_names(struct symbolizer *s);
/* Perf maps are read again at the next look-up that misses (a JIT appends to them). Called once per interval. */
void symbolizer_refresh(struct symbolizer *s);
#endif
