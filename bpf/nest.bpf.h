/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocator functions that call allocator functions: the outermost call is the event, the others are none.
 *
 * A function's return address tells, but to read it costs 80 ns, which a call that is not sampled can do without most
 * often: a nested call comes after its thread's hit of a function that nests (COOKIE_NESTS), further down the stack and
 * not far. So that is kept in the slot. It is what this thread did last if the thread has not moved to another CPU
 * since, nor got another slot; if that isn't so, return addresses are read until one says that the call is no part of
 * another.
 */
#ifndef ALLOCTRACE_NEST_BPF_H
#define ALLOCTRACE_NEST_BPF_H

#define NEST_BYTES 4096		/* an allocator function and its helpers have smaller frames */
#define OUTER_UNKNOWN (~0ULL)

/* A call from another allocator function of the same file: the return address tells. */
static __always_inline bool in_nest(__u64 cookie, __u64 ip, __u64 ret)
{
	const struct probe_info *info = probe_info(cookie);
	__s64 delta = ret - ip;

	if (!info)
		return false;
	for (int i = 0; i < NEST_MAX; i++)
		if (delta >= info->nests[i].from && delta < info->nests[i].to)
			return true;
	return false;
}

/*
 * A call from an allocator function of another file (a preloaded wrapper): either the return address lies in one of
 * them, or one of them jumped here, so that this thread's last event came from another file with the same return
 * address at the same place.
 */
static __always_inline bool in_wrapper(__u64 cookie, __u64 sp, __u64 ret)
{
	struct bodies *b;
	__u32 pid, tid, module = cookie >> COOKIE_MODULE_SHIFT;
	struct last_event *last;

	current_ids(&pid, &tid);
	b = bpf_map_lookup_elem(&wrappers, &pid);
	if (!b)
		return false;
	for (int i = 0; i < BODIES_MAX; i++) {
		if (i >= b->n)
			break;
		if (ret >= b->at[i].from && ret < b->at[i].to)
			return true;
	}
	last = bpf_task_storage_get(&last_events, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!last)
		return false;
	if (last->sp == sp && last->ret == ret && last->module != module) {
		last->sp = 0;
		return true;
	}
	last->sp = sp;
	last->ret = ret;
	last->module = module;
	return false;
}

/* May the call be a part of another function's work in the same file? */
static __always_inline bool may_be_nested(struct scratch *s, __u64 sp)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 moves = task->se.nr_migrations;

	if (s->last_task != (__u64)task || s->last_moves != moves) {
		s->last_task = (__u64)task;
		s->last_moves = moves;
		s->outer_sp = OUTER_UNKNOWN;
	}
	return s->outer_sp == OUTER_UNKNOWN || s->outer_sp - sp - 1 < NEST_BYTES;
}

/* Reads the return address, if it is needed: then s->ret is it. */
static __always_inline bool is_nested(struct scratch *s, const struct pt_regs *ctx, __u64 cookie, __u64 sp)
{
	bool near;

	if (!(cookie & (COOKIE_HAS_NESTS | COOKIE_NESTS)))
		return false;
	near = may_be_nested(s, sp);
	if (near) {
		walk_begin(s, sp, false);
		if ((cookie & COOKIE_HAS_NESTS) && in_nest(cookie, ctx->ip, s->ret))
			return true;
	}
	if (cookie & COOKIE_NESTS)
		s->outer_sp = sp;
	else if (near)
		s->outer_sp = 0;
	return false;
}

#endif
