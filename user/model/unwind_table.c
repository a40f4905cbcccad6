/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a table of unwind rows says. */
#include <errno.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "model/unwind_table.h"

void unwind_table_free(struct unwind_table *t)
{
	if (!t)
		return;
	free(t->rows);
	free(t->wide);
	free(t);
}

const struct unwind_row *unwind_table_at(const struct unwind_table *t, uint64_t vaddr)
{
	uint64_t pc = vaddr - t->base;
	size_t low = 0, high = t->n;

	if (vaddr < t->base)
		return NULL;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->rows[mid].pc <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low && t->rows[low - 1].kind != UNWIND_CFA_GAP ? &t->rows[low - 1] : NULL;
}

void unwind_table_count_bytes(const struct unwind_table *t, struct unwind_bytes *bytes)
{
	*bytes = (struct unwind_bytes){0};
	for (size_t i = 0; i + 1 < t->n; i++) {
		const struct unwind_row *row = &t->rows[i];
		uint32_t len = row[1].pc - row->pc;
		unsigned int cfa = row->kind & 15;

		bytes->cfa[cfa] += len;
		if (cfa == UNWIND_CFA_UNSUPPORTED)
			bytes->why[row->cfa_off] += len;
		else if (cfa != UNWIND_CFA_GAP && (cfa <= UNWIND_CFA_PLT || cfa == UNWIND_CFA_REGISTER))
			bytes->fp[(row->kind & UNWIND_FP_MASK) >> 4] += len;
	}
}

const char *unwind_load_why(int err)
{
	switch (err) {
	case 0:
		return "loaded";
	case -ENOENT:
		return "no .eh_frame";
	case -ENOTSUP:
		return "not an " ARCH_NAME " program or library";
	case -EFBIG:
		return "too many unwind rows";
	case -EOVERFLOW:
		return "code spans more than 4 GiB";
	default:
		return "damaged .eh_frame";
	}
}
