/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By who allocates: a thread "worker (4711/4715)", where those are not counted separately a process; a process
 * "server (4711)", in a container "server (4711, inner 1)", where those are not counted separately all of a program:
 * "server (all processes)"; a program "server"; a container "docker:web", a user, a cgroup.
 */
#include <stdlib.h>

#include "view/rows.h"

/* Whether two tasks share a row, and what it is called; each appends. Keys of different forms differ. */
struct task_kind {
	void (*key)(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out);
	void (*name)(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out);
};

static void put_all(const struct profile_task *task, struct buf *out)
{
	buf_printf(out, "%s (all processes)", task->name);
}

static void put_task(const struct profile_task *task, bool thread, struct buf *out)
{
	if (!task->pid) {
		put_all(task, out);
		return;
	}
	buf_printf(out, "%s (%u", task->name, task->pid);
	if (thread && task->tid)
		buf_printf(out, "/%u", task->tid);
	if (task->inner_pid)
		buf_printf(out, ", inner %u", task->inner_pid);
	buf_char(out, ')');
}

/* Of processes that are not counted separately there is a row for all that have a name. */
static void thread_key(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	if (p->tasks.at[id].pid)
		buf_printf(out, "%u/%u", leader, p->tasks.at[id].tid);
	else
		buf_printf(out, "/%s", p->tasks.at[id].name);
}

static void thread_name(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	put_task(&p->tasks.at[id], true, out);
}

static void process_key(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	thread_key(p, leader, leader, out);
}

static void process_name(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	put_task(&p->tasks.at[leader], false, out);
}

static void program_name(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	buf_str(out, p->tasks.at[leader].name);
}

/* Nothing that is known is "". */
static void put_known(const char *text, struct buf *out)
{
	buf_str(out, text ? text : "");
}

static void container_key(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	put_known(p->tasks.at[id].container, out);
}

static void user_key(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	put_known(p->tasks.at[id].user, out);
}

static void cgroup_key(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	put_known(p->tasks.at[id].cgroup, out);
}

static void container_name(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	buf_str(out, p->tasks.at[id].container ? p->tasks.at[id].container : "(no container)");
}

static void user_name(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	buf_str(out, p->tasks.at[id].user ? p->tasks.at[id].user : "(unknown user)");
}

static void cgroup_name(const struct profile *p, uint32_t id, uint32_t leader, struct buf *out)
{
	buf_str(out, p->tasks.at[id].cgroup ? p->tasks.at[id].cgroup : "(unknown cgroup)");
}

static uint32_t find_row(const struct profile *p, struct view_rows *rows, uint32_t id, uint32_t leader,
			 const struct task_kind *kind)
{
	struct buf key = {0}, name = {0};
	uint32_t row;

	kind->key(p, id, leader, &key);
	kind->name(p, id, leader, &name);
	row = view_rows_find(rows, buf_cstr(&key), buf_cstr(&name), VIEW_NO_ROW);
	buf_free(&key);
	buf_free(&name);
	return row;
}

static void group(const struct recording *r, struct view_rows *rows, struct task_kind kind)
{
	const struct profile *p = r->profile;
	uint32_t *row_of = xmalloc((p->tasks.n + 1) * sizeof(*row_of));
	struct profile_members members;

	profile_members_make(p, &members);
	for (size_t i = 0; i < p->tasks.n; i++)
		row_of[i] = find_row(p, rows, i, members.leaders[i], &kind);
	for (size_t i = 0; i < p->stacks.n; i++)
		view_rows_add(rows, row_of[p->stacks.at[i].task], i, profile_sum(p, rows->kind, i));
	view_rows_chain_from_site(r, rows, 0);
	profile_members_free(&members);
	free(row_of);
}

void view_group_thread(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, (struct task_kind){thread_key, thread_name});
}

void view_group_process(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, (struct task_kind){process_key, process_name});
}

void view_group_program(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, (struct task_kind){program_name, program_name});
}

void view_group_container(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, (struct task_kind){container_key, container_name});
}

void view_group_user(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, (struct task_kind){user_key, user_name});
}

void view_group_cgroup(const struct recording *r, struct view_rows *rows)
{
	group(r, rows, (struct task_kind){cgroup_key, cgroup_name});
}
