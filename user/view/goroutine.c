/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By goroutine: "goroutine 17", with several Go processes "goroutine 17 of svc (4711)". */
#include "view/rows.h"

#define NOT_GO "(not Go: no goroutine)"
#define NOT_KNOWN "(unknown goroutine)"
#define OF_NONE "(no goroutine: the runtime)"

static bool has_several(const struct profile *p)
{
	uint32_t task = VIEW_NO_ROW;

	for (size_t i = 0; i < p->stacks.n; i++) {
		if (!p->stacks.at[i].type)
			continue;
		if (task != VIEW_NO_ROW && task != p->stacks.at[i].task)
			return true;
		task = p->stacks.at[i].task;
	}
	return false;
}

static uint32_t goroutine_row(const struct profile *p, struct view_rows *rows, const struct profile_stack *st,
			      bool several)
{
	const struct profile_task *task = &p->tasks.at[st->task];
	const uint64_t number = p->tags.at[st->tag].goroutine;
	struct buf key = {0}, name = {0};
	uint32_t row;

	if (!st->tag || !number) {
		const char *text = !st->type ? NOT_GO : st->tag ? OF_NONE : NOT_KNOWN;

		return view_rows_find(rows, text, text, VIEW_NO_ROW);
	}
	buf_printf(&key, "%u %llu", st->task, (unsigned long long)number);
	buf_printf(&name, "goroutine %llu", (unsigned long long)number);
	if (several)
		buf_printf(&name, " of %s", task->name);
	if (several && task->pid)
		buf_printf(&name, " (%u)", task->pid);
	row = view_rows_find(rows, buf_cstr(&key), buf_cstr(&name), VIEW_NO_ROW);
	buf_free(&key);
	buf_free(&name);
	return row;
}

void view_group_goroutine(const struct recording *r, struct view_rows *rows)
{
	const struct profile *p = r->profile;
	const bool several = has_several(p);

	for (size_t i = 0; i < p->stacks.n; i++)
		if (view_takes(p, rows, i))
			view_rows_add(rows, goroutine_row(p, rows, &p->stacks.at[i], several), i,
				      profile_sum(p, rows->kind, i));
	view_rows_chain_from_site(r, rows, 0);
}
