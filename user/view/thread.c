/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By thread (by process where threads are not counted separately): "worker (4711/4715)". */
#include <stdlib.h>

#include "view/rows.h"

static uint32_t task_row(const struct profile *p, struct view_rows *rows, uint32_t id)
{
	const struct profile_task *task = &p->tasks.at[id];
	struct buf key = {0}, name = {0};
	uint32_t row;

	buf_printf(&key, "%u", id);
	if (task->tid)
		buf_printf(&name, "%s (%u/%u)", task->name, task->pid, task->tid);
	else
		buf_printf(&name, "%s (%u)", task->name, task->pid);
	row = view_rows_find(rows, key.data, name.data, VIEW_NO_ROW);
	buf_free(&key);
	buf_free(&name);
	return row;
}

void view_group_thread(const struct recording *r, struct view_rows *rows)
{
	const struct profile *p = r->profile;
	uint32_t *row_of = xmalloc((p->tasks.n + 1) * sizeof(*row_of));

	for (size_t i = 0; i < p->tasks.n; i++)
		row_of[i] = task_row(p, rows, i);
	for (size_t i = 0; i < p->stacks.n; i++)
		view_rows_add(rows, row_of[p->stacks.at[i].task], i, profile_sum(p, rows->kind, i));
	view_rows_chain_from_site(r, rows, 0);
	free(row_of);
}
