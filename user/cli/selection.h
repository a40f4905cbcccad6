/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is traced, as the command line says it: the options of kern_options that come of it. */
#ifndef ALLOCTRACE_CLI_SELECTION_H
#define ALLOCTRACE_CLI_SELECTION_H

#include "cli/options.h"
#include "kern/kern.h"
#include "trace/places.h"

/* --comm and the like were given. */
bool selection_has_rules(const struct options *o);
/* "every process", or the options that select: for people. NULL: others do, as --pid. *text is where it is put
 * together. */
const char *selection_text(const struct options *o, struct buf *text);

struct selection {
	struct select_rules rules;
	struct place_rules places;
};

/* Reads them. Returns 0, or -EINVAL after logging an error. */
int selection_read(const struct options *o, struct selection *s);
/* Sets what is wide, followed, and taken; file: of the command, NULL: there is none. n: processes of the list. s is
 * borrowed. */
void selection_set(const struct options *o, const char *file, size_t n, const struct selection *s,
		   struct kern_options *ko);

#endif
