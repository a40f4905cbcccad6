/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By who allocates: a thread "worker (4711/4715)", where those are not counted separately a process; a process
 * "server (4711)"; a program "server", which is all processes of that name. */
#include <stdlib.h>

#include "view/rows.h"

/* Which task the process is named by: its first thread's, if there is that. */
static uint32_t leader_of(const struct profile *p, uint32_t id)
{
	const struct profile_task *task = &p->tasks.at[id];
	uint32_t first = id;

	for (uint32_t i = 0; i < p->tasks.n; i++) {
		const struct profile_task *other = &p->tasks.at[i];

		if (other->pid != task->pid || other->exec != task->exec)
			continue;
		if (!other->tid || other->tid == other->pid)
			return i;
		first = i < first ? i : first;
	}
	return first;
}

static uint32_t find_row(const struct profile *p, struct view_rows *rows, uint32_t id, bool thread)
{
	const struct profile_task *task = &p->tasks.at[id];
	struct buf key = {0}, name = {0};
	uint32_t row;

	buf_printf(&key, "%u", id);
	if (thread && task->tid)
		buf_printf(&name, "%s (%u/%u)", task->name, task->pid, task->tid);
	else
		buf_printf(&name, "%s (%u)", task->name, task->pid);
	row = view_rows_find(rows, key.data, name.data, VIEW_NO_ROW);
	buf_free(&key);
	buf_free(&name);
	return row;
}

static uint32_t thread_row(const struct profile *p, struct view_rows *rows, uint32_t id)
{
	return find_row(p, rows, id, true);
}

static uint32_t process_row(const struct profile *p, struct view_rows *rows, uint32_t id)
{
	return find_row(p, rows, leader_of(p, id), false);
}

static uint32_t program_row(const struct profile *p, struct view_rows *rows, uint32_t id)
{
	const char *name = p->tasks.at[leader_of(p, id)].name;

	return view_rows_find(rows, name, name, VIEW_NO_ROW);
}

static void group(const struct recording *r, struct view_rows *rows,
		  uint32_t (*row_for)(const struct profile *p, struct view_rows *rows, uint32_t id))
{
	const struct profile *p = r->profile;
	uint32_t *row_of = xmalloc((p->tasks.n + 1) * sizeof(*row_of));

	for (size_t i = 0; i < p->tasks.n; i++)
		row_of[i] = row_for(p, rows, i);
	for (size_t i = 0; i < p->stacks.n; i++)
		view_rows_add(rows, row_of[p->stacks.at[i].task], i, profile_sum(p, rows->kind, i));
	view_rows_chain_from_site(r, rows, 0);
	free(row_of);
}

void view_group_thread(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, thread_row);
}

void view_group_process(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, process_row);
}

void view_group_program(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, program_row);
}
