/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside view/: labels of stacks, for view/filter.h. */
#ifndef ALLOCTRACE_VIEW_FILTER_TAGS_H
#define ALLOCTRACE_VIEW_FILTER_TAGS_H

#include <regex.h>

#include "model/profile.h"

struct filter_tag {
	bool set;
	int key;		/* in a table of theirs; -1: any */
	bool has_regex;
	regex_t regex;
	uint64_t least, most;	/* of bytes, without has_regex */
};

/* What is wrong with "KEY=REGEX", "REGEX" or "bytes=1k:64k"; NULL: nothing. To be freed. */
char *filter_tag_error(const char *option, const char *text);
/* Of what filter_tag_error() finds nothing wrong with. */
void filter_tag_set(struct filter_tag *t, const char *text);
void filter_tag_free(struct filter_tag *t);
bool filter_tag_matches(const struct filter_tag *t, const struct profile *p, uint32_t stack);

#endif
