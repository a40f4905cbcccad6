/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processes are traced, by what they are: rules of user space (struct select_rule), looked at once after each
 * exec. A task is taken if, of each kind of rules, one takes it, or there are none but negated ones; and if no negated
 * rule does.
 *
 * A path is put together from the back, as the mount namespace of the task has it:
 *
 *     text    |                        /usr/sbin/nginx|
 *                                      ^ at           SELECT_TEXT
 */
#ifndef ALLOCTRACE_SELECT_BPF_H
#define ALLOCTRACE_SELECT_BPF_H

#include "ids.bpf.h"
#include "kernel.bpf.h"
#include "loop.bpf.h"
#include "ring.bpf.h"

/* Set before loading. */
const volatile struct select_rules select_rules = {};

/* What user space says of cgroups: 1: the rules that name them take them, or there are none, 2: they do not. Those that
 * it has not been asked for yet are missing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SELECT_CGROUPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} select_cgroups SEC(".maps");

/* Those that are asked for: struct select_ask. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, SELECT_CGROUPS);
	__uint(value_size, sizeof(struct select_ask));
} select_asked SEC(".maps");
__u64 select_asks = 0;	/* how many there were */

#define TEXT_AT(s, i) ((s)->select.text[MASKED(i, SELECT_TEXT - 1)])

static __always_inline bool token_takes(__u32 token, __u8 c)
{
	__u32 set = token & 0xff;

	if (token == SELECT_ANY)
		return true;
	if (token & SELECT_SET)
		return select_rules.sets[MASKED(set, SELECT_SETS - 1)].bits[c >> 6] >> (c & 63) & 1;
	return token == c;
}

/* One step of matching: a star takes as little as it can, and one more each time that what follows does not match. */
static long select_step(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;
	struct select *m = &s->select;
	const volatile struct select_rule *r = &select_rules.at[MASKED(m->rule, SELECT_RULES - 1)];
	__u32 token = m->token < r->n ? r->tokens[MASKED(m->token, SELECT_TOKENS - 1)] : SELECT_END;

	if (token == SELECT_STAR) {
		m->star = ++m->token;
		m->star_at = m->from;
		return 0;
	}
	if (m->from < m->end && token != SELECT_END && token_takes(token, TEXT_AT(s, m->from))) {
		m->token++;
		m->from++;
		return 0;
	}
	if (m->from >= m->end && token == SELECT_END) {
		m->matched = 1;
		return 1;
	}
	if (!m->star || m->star_at >= m->end)
		return 1;
	m->token = m->star;
	m->from = ++m->star_at;
	return 0;
}

/* Does the rule's pattern match text[from … end)? */
static __noinline int select_match(struct scratch *s, __u32 rule, __u32 from, __u32 end)
{
	struct select *m = &s->select;

	m->rule = rule;
	m->from = from;
	m->end = end;
	m->token = m->star = m->matched = 0;
	bpf_loop(SELECT_STEPS, select_step, &s, 0);
	return m->matched;
}

/* Puts a name before what there is of the path; false: there is no room, or it is done. */
static __always_inline bool path_prepend(struct select *m, const struct dentry *dentry)
{
	__u32 len = dentry->d_name.len, at;

	if (len >= m->at || len >= SELECT_TEXT / 2)
		return false;
	at = m->at - len;
	if (bpf_probe_read_kernel(&m->text[MASKED(at, SELECT_TEXT - 1)], MASKED(len, SELECT_TEXT / 2 - 1),
				  dentry->d_name.name))
		return false;
	m->at = at - 1;
	m->text[MASKED(at - 1, SELECT_TEXT - 1)] = '/';
	if (!m->base)
		m->base = at;
	return true;
}

static long path_step(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;
	struct select *m = &s->select;
	const struct mount *mount = bpf_rdonly_cast((void *)m->mount, bpf_core_type_id_kernel(struct mount));
	const struct dentry *dentry = bpf_rdonly_cast((void *)m->dentry, bpf_core_type_id_kernel(struct dentry));

	if (m->dentry == (__u64)mount->mnt.mnt_root) {
		if (m->mount == (__u64)mount->mnt_parent)
			return 1;
		m->dentry = (__u64)mount->mnt_mountpoint;
		m->mount = (__u64)mount->mnt_parent;
		return 0;
	}
	if (m->dentry == (__u64)dentry->d_parent || !path_prepend(m, dentry))
		return 1;
	m->dentry = (__u64)dentry->d_parent;
	return 0;
}

/* The path of the executable in text[at … SELECT_TEXT), its last part from `base` on. */
static __always_inline void path_of_exe(struct scratch *s, struct task_struct *task)
{
	struct file *exe = task->mm ? task->mm->exe_file : NULL;
	struct select *m = &s->select;

	m->at = SELECT_TEXT;
	m->base = 0;
	if (!exe)
		return;
	m->dentry = (__u64)exe->f_path.dentry;
	m->mount = (__u64)exe->f_path.mnt - bpf_core_field_offset(struct mount, mnt);
	bpf_loop(SELECT_DEPTH, path_step, &s, 0);
}

static __always_inline __u32 comm_end(struct scratch *s)
{
	__u32 n = 0;

	for (__u32 i = 0; i < 16; i++) {
		if (!s->select.text[i])
			break;
		n = i + 1;
	}
	return n;
}

/* enum member_is */
static __always_inline int cgroup_verdict(__u64 cgroup)
{
	__u32 *is = bpf_map_lookup_elem(&select_cgroups, &cgroup), unknown = MEMBER_UNKNOWN, tid;
	struct select_ask ask = {.cgroup = cgroup};

	if (is)
		return *is;
	current_ids(&ask.pid, &tid);
	if (!bpf_map_update_elem(&select_cgroups, &cgroup, &unknown, BPF_NOEXIST) &&
	    !bpf_map_push_elem(&select_asked, &ask, 0)) {
		__sync_fetch_and_add(&select_asks, 1);
		/* The sooner it answers, the fewer calls are undecided. */
		ring_wake();
	}
	return MEMBER_UNKNOWN;
}

/* Does the rule take the task? */
static __always_inline bool rule_takes(struct scratch *s, struct task_struct *task, __u32 i)
{
	const volatile struct select_rule *r = &select_rules.at[MASKED(i, SELECT_RULES - 1)];

	if (r->kind == SELECT_USER)
		return task->cred->euid.val == r->uid;
	if (r->kind == SELECT_COMM) {
		bpf_probe_read_kernel(s->select.text, 16, task->group_leader->comm);
		return select_match(s, i, 0, comm_end(s));
	}
	path_of_exe(s, task);
	return s->select.base && select_match(s, i, r->base_name ? s->select.base : s->select.at, SELECT_TEXT);
}

static long rule_step(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;
	const volatile struct select_rule *r = &select_rules.at[MASKED(i, SELECT_RULES - 1)];
	struct task_struct *task = bpf_get_current_task_btf();
	bool takes = rule_takes(s, task, i);

	if (r->negated && takes) {
		s->select.refused = 1;
		return 1;
	}
	if (!r->negated)
		s->select.wanted |= 1 << r->kind;
	if (!r->negated && takes)
		s->select.taken |= 1 << r->kind;
	return 0;
}

/* Of the current task: enum member_is. */
static __always_inline int select_task(struct scratch *s, struct task_struct *task, __u64 cgroup)
{
	int is = MEMBER_YES;

	if (select_rules.by_cgroup)
		is = cgroup_verdict(cgroup);
	if (is == MEMBER_YES && select_rules.n) {
		s->select.refused = s->select.wanted = s->select.taken = 0;
		bpf_loop(select_rules.n, rule_step, &s, 0);
		is = !s->select.refused && s->select.wanted == s->select.taken ? MEMBER_YES : MEMBER_NO;
	}
	/* A container that lives for a moment has gone, and its cgroup with it, when its first stack is looked at: user
	 * space asks for its name now. */
	if (is == MEMBER_YES && !select_rules.by_cgroup)
		cgroup_verdict(cgroup);
	return is;
}

#endif
