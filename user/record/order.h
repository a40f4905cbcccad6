/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which a recording is written, which depends on what was seen and not on when it came: equal data make
 * equal files. Only what samples use is written.
 */
#ifndef ALLOCTRACE_RECORD_ORDER_H
#define ALLOCTRACE_RECORD_ORDER_H

#include "model/recording.h"

#define ORDER_NONE UINT32_MAX

struct order_list {
	uint32_t *ids;		/* of the profile, in order */
	size_t n;
	uint32_t *place;	/* by id: where it stands; ORDER_NONE: nowhere */
};

struct order {
	struct order_list modules;	/* the program first */
	struct order_list frames, tasks, functions, stacks;
};

void order_make(const struct recording *r, struct order *o);
void order_free(struct order *o);

#endif
