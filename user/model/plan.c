/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/plan.h"

#include <stdlib.h>

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_names; i++)
		free(p->names[i]);
	free(p->names);
	free(p->probes);
	free(p->skips);
	free(p->ifuncs);
	free(p->allocator);
	free(p);
}
