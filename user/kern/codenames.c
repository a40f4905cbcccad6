/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/codenames.h"

#include <linux/types.h>

#include "shared.h"

uint64_t codenames_add(struct codenames *c, uint32_t module, uint64_t vaddr, uint64_t bytes)
{
	const struct code_names *last = c->at.n ? &c->at.at[c->at.n - 1] : NULL;
	/* One between two files: a return address may be that of the byte behind the code. */
	const uint64_t first = last ? last->first + last->bytes + 1 : FRAME_FILE;

	if (!bytes || bytes > CODE_BYTES_MAX || first + bytes + 1 >= FRAME_LOST)
		return 0;
	vec_push(&c->at, ((struct code_names){.first = first, .bytes = bytes, .vaddr = vaddr, .module = module}));
	return first;
}

bool codenames_find(const struct codenames *c, uint64_t name, uint32_t *module, uint64_t *vaddr)
{
	size_t low = 0, high = c->at.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (c->at.at[mid].first <= name)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || name - c->at.at[low - 1].first >= c->at.at[low - 1].bytes)
		return false;
	*module = c->at.at[low - 1].module;
	*vaddr = c->at.at[low - 1].vaddr + (name - c->at.at[low - 1].first);
	return true;
}
