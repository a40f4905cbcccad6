/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose hit it is. Probes that are in a file for every process that maps it are hit by processes that are not traced,
 * too; so each task says whether it is a member of what is traced:
 *
 *     hit -> the task's own storage: decided since its last exec? yes -> member or not
 *                                                                no  -> as its process is; or what was chosen by user
 *                                                                       space or inherited; or by the filters
 *     fork, clone -> the child is what its parent is, where children are followed; a thread is always
 *
 * Storage goes with the task: no pid is used again, and nothing is left behind. What a member's stacks are keyed by is
 * its group: all processes of a program in a cgroup, under a name and a user; or the process.
 */
#ifndef ALLOCTRACE_MEMBER_BPF_H
#define ALLOCTRACE_MEMBER_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ids.bpf.h"
#include "kernel.bpf.h"
#include "loop.bpf.h"
#include "residents.bpf.h"
#include "select.bpf.h"

/* Set before loading: probes are in every process that maps the file. */
const volatile bool wide = false;
/* A stack of another process is another one, also of the same program. */
const volatile bool by_process = false;
/* Those that user space has not chosen are members if the filters take them. */
const volatile bool takes_all = false;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct member);
} members SEC(".maps");

struct member_counts member_counts = {};
__u32 member_epoch = 0;	/* user space has chosen so many */

/*
 * Processes that tell of their own samples, of which these are recorded and no calls, by their first task. User space
 * adds one when it has seen what such a process maps; until then its calls are recorded, and no samples.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} tellers SEC(".maps");

bool any_teller = false;

static __always_inline void set_teller(struct task_struct *leader)
{
	bpf_task_storage_get(&tellers, leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	*(volatile bool *)&any_teller = true;
}

static __always_inline bool is_teller(struct task_struct *leader)
{
	return *(volatile bool *)&any_teller && bpf_task_storage_get(&tellers, leader, NULL, 0);
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GROUPS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);	/* member.program */
	__type(value, struct group_work);
} groups SEC(".maps");

/* v1 hierarchies have numbers of their own. */
static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	struct cgroup *unified = task->cgroups->dfl_cgrp, *memory;

	/* Its number depends on what the kernel was built with. */
	if (unified->level || !bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return unified->kn->id;
	memory = task->cgroups->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)]->cgroup;
	if (memory->root == unified->root || !memory->level)
		return unified->kn->id;
	return memory->kn->id | MEMBER_CGROUP_V1;
}

/* As the innermost pid namespace counts. */
static __always_inline __u32 inner_pid_of(struct task_struct *leader)
{
	struct pid *pid = leader->thread_pid;
	struct upid in = {};

	bpf_probe_read_kernel(&in, sizeof(in), (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			      pid->level * sizeof(in));
	return in.nr;
}

static __always_inline void member_describe(struct member *m, struct task_struct *task, struct task_struct *leader)
{
	struct file *exe = task->mm ? task->mm->exe_file : NULL;
	__u64 name[2] = {}, h = hash_keys[2];

	m->cgroup = cgroup_of(task);
	m->exe_ino = m->exe_dev = 0;
	if (exe) {
		m->exe_ino = exe->f_inode->i_ino;
		m->exe_dev = exe->f_inode->i_sb->s_dev;
	}
	bpf_probe_read_kernel(name, sizeof(name), leader->comm);
	__builtin_memcpy(m->comm, name, sizeof(name));
	h = hash_step(hash_step(h, name[0]), name[1]);
	h = hash_step(hash_step(h, m->exe_ino), (__u64)m->exe_dev << 32 | m->uid);
	m->program = m->group = h = hash_step(h, m->cgroup);
	if (!by_process)
		return;
	m->inner_pid = inner_pid_of(leader);
	h = hash_step(hash_step(h, leader->start_time), leader->tgid);
	m->group = hash_step(h, task->self_exec_id);
}

/* SAMPLE_LAW() of groups that have one of their own; user space sets it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GROUPS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} group_laws SEC(".maps");

static __always_inline void member_obey(struct member *m)
{
	__u64 *law = bpf_map_lookup_elem(&group_laws, &m->program);

	m->law = law ? *law : 0;
}

#define GROW(field, value) do { \
	__u64 now_ = (value), was_ = __sync_lock_test_and_set(&m->added.field, now_); \
	__sync_fetch_and_add(&g->field, now_ - was_); \
} while (0)

/* Adds what the task has done since the last time to its group. At its end, and from time to time, on two CPUs at once:
 * the sum is right in the end. */
static __always_inline void member_add(struct member *m, struct task_struct *task)
{
	struct group_work *g = bpf_map_lookup_elem(&groups, &m->program), none = {};

	if (!g) {
		bpf_map_update_elem(&groups, &m->program, &none, BPF_NOEXIST);
		g = bpf_map_lookup_elem(&groups, &m->program);
	}
	if (!g)
		return;
	GROW(hits, m->hits);
	GROW(cpu_ns, task->se.sum_exec_runtime);
	GROW(user_ns, task->utime);
	GROW(system_ns, task->stime);
	GROW(waits, task->nvcsw);
	/* CONFIG_TASK_XACCT */
	if (!bpf_core_field_exists(task->ioac.syscr))
		return;
	GROW(reads, task->ioac.syscr);
	GROW(read_bytes, task->ioac.rchar);
	GROW(writes, task->ioac.syscw);
}

/* It counts from here on. */
static __always_inline void member_begin(struct member *m, struct task_struct *task)
{
	m->added.hits = m->hits;
	m->added.cpu_ns = task->se.sum_exec_runtime;
	m->added.user_ns = task->utime;
	m->added.system_ns = task->stime;
	m->added.waits = task->nvcsw;
	if (!bpf_core_field_exists(task->ioac.syscr))
		return;
	m->added.reads = task->ioac.syscr;
	m->added.read_bytes = task->ioac.rchar;
	m->added.writes = task->ioac.syscw;
}

/* A task's first hit: the process as a whole is counted once. */
static __noinline void member_join(struct member *m)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct member *l = bpf_task_storage_get(&members, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (l && !m->counted && !__sync_lock_test_and_set(&l->counted, 1))
		__sync_fetch_and_add(&member_counts.joined, 1);
	m->counted = 1;
}

/* Decides for the current task, since an exec or for the first time. Returns enum member_is. A global function: rarely
 * called. */
__noinline int member_decide(struct scratch *s)
{
	struct task_struct *task = bpf_get_current_task_btf(), *leader = task->group_leader;
	__u32 exec = task->self_exec_id + 1;
	struct member *m, *l = NULL;

	if (!s || !wide)
		return MEMBER_NO;
	m = bpf_task_storage_get(&members, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!m)
		return MEMBER_NO;
	if (task->pid != task->tgid && !m->exec && !m->chosen)
		l = bpf_task_storage_get(&members, leader, NULL, 0);
	if (l) {
		m->chosen = l->chosen;
		m->children = l->children;
	}
	if (m->chosen == MEMBER_YES || (takes_all && !m->chosen && has_own_ids()))
		m->is = select_task(s, task, cgroup_of(task));
	else
		m->is = MEMBER_NO;
	if (m->is == MEMBER_UNKNOWN)
		return MEMBER_UNKNOWN;
	/* Until now it was another program. */
	if (m->program)
		member_add(m, task);
	else
		member_begin(m, task);
	m->uid = task->cred->euid.val;
	m->program = 0;
	if (m->is == MEMBER_YES) {
		member_describe(m, task, leader);
		member_obey(m);
	}
	m->exec = exec;
	return m->is;
}

/* NULL: it is not known, as of a task that has not been seen since its last exec. */
static __always_inline struct member *member_known(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct member *m = bpf_task_storage_get(&members, task, NULL, 0);

	/* A worker of a server takes its user without an exec. */
	return m && m->exec == (__u32)task->self_exec_id + 1 && m->uid == task->cred->euid.val ? m : NULL;
}

/* alloctrace, and what it has started for itself. */
static __always_inline bool is_own(const struct member *m)
{
	return m && m->chosen == MEMBER_NO && m->children;
}

static __always_inline bool is_member(struct scratch *s)
{
	struct member *m = member_known();
	int is = m ? m->is : member_decide(s);

	if (is == MEMBER_YES && !m)
		m = member_known();
	if (is == MEMBER_YES && m) {
		if (!m->hits++)
			member_join(m);
		s->now.group = m->group;
		s->now.law = m->law;
		return true;
	}
	count(s, is == MEMBER_UNKNOWN ? COUNT_UNDECIDED : is_own(m ? m : member_known()) ? COUNT_OWN : COUNT_OTHERS, 1);
	return false;
}

/* A hit that is to be looked at. */
static __always_inline bool hit_counts(struct scratch *s)
{
	return count_hit(s) && (!wide || is_member(s));
}

/* Where a run has no slot of its own: nothing is decided. */
static __always_inline bool hit_counts_shared(void)
{
	struct member *m;

	if (!count_hit_shared())
		return false;
	if (!wide)
		return true;
	m = member_known();
	if (m && m->is == MEMBER_YES)
		return true;
	count_shared(m ? COUNT_OTHERS : COUNT_UNDECIDED, 1);
	return false;
}

/* TP_PROTO(struct task_struct *parent, struct task_struct *child), include/trace/events/sched.h */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	const bool thread = parent->tgid == child->tgid;
	struct member *of = bpf_task_storage_get(&members, parent, NULL, 0), *m;

	if (!thread && is_teller(parent->group_leader))
		set_teller(child);

	/* A thread that was there before, and has called no allocator function yet. */
	if (!of)
		of = bpf_task_storage_get(&members, parent->group_leader, NULL, 0);
	if (!of || (!thread && of->chosen && !of->children))
		return 0;
	m = bpf_task_storage_get(&members, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!m)
		return 0;
	*m = *of;
	m->hits = 0;
	if (!thread)
		m->counted = 0;
	__builtin_memset(&m->added, 0, sizeof(m->added));
	/* A process of its own, where these are told apart. */
	if (by_process && !thread)
		m->exec = 0;
	if (resident && !thread && (of->is == MEMBER_YES || of->chosen == MEMBER_YES))
		resident_begin(child->mm);
	return 0;
}

/* TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm): what it does is its program's, even if it
 * has ended before there are probes. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec_member, struct task_struct *task)
{
	struct scratch *s;

	bpf_task_storage_delete(&tellers, task);
	s = scratch_get();
	if (!s)
		return 0;
	if (member_decide(s) == MEMBER_YES && resident)
		resident_begin(task->mm);
	scratch_put(s);
	return 0;
}

/* An exec by another thread than the first ends all others, and goes on under the first one's number. What was chosen
 * of a process that was there before is said of that one alone. */
static __always_inline void member_hand_on(struct task_struct *leader)
{
	struct member *of = bpf_task_storage_get(&members, leader, NULL, 0), *m;
	struct task_struct *next;

	/* 5.17, as all that is wide */
	if (!of || !bpf_core_field_exists(leader->signal->group_exec_task))
		return;
	next = leader->signal->group_exec_task;
	if (!next || next == leader)
		return;
	m = bpf_task_storage_get(&members, next, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!m)
		return;
	m->counted = of->counted;
	if (m->exec || m->chosen)
		return;
	m->chosen = of->chosen;
	m->children = of->children;
}

/* The process ends with its last thread; of several that end at once, one sees it first. */
static __always_inline void member_end(struct task_struct *leader)
{
	struct member *l = bpf_task_storage_get(&members, leader, NULL, 0);

	if (l && __sync_lock_test_and_set(&l->counted, 0))
		__sync_fetch_and_add(&member_counts.ended, 1);
}

/* TP_PROTO(struct task_struct *p, …), of each thread */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct member *m = bpf_task_storage_get(&members, task, NULL, 0);

	if (m && m->is == MEMBER_YES)
		member_add(m, task);
	if (!task->signal->live.counter)
		member_end(task->group_leader);
	else if (task->pid == task->tgid)
		member_hand_on(task);
	return 0;
}

/* A container's cgroup may go before user space has looked where it is: its path, by the number of struct member. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, char[REMOVED_PATH]);
} removed_cgroups SEC(".maps");
char removed_path[REMOVED_PATH] = {};	/* the kernel tells of one at a time (trace_cgroup_path_lock) */

/* TP_PROTO(struct cgroup *cgrp, const char *path), include/trace/events/cgroup.h: of any hierarchy. What user space
 * said of it is of no use any more. */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	__u64 id = cgroup->kn->id;

	if (cgroup->root != bpf_get_current_task_btf()->cgroups->dfl_cgrp->root)
		id |= MEMBER_CGROUP_V1;
	bpf_map_delete_elem(&select_cgroups, &id);
	/* What does not fit is cut, and another path. */
	if (bpf_probe_read_kernel_str(removed_path, REMOVED_PATH, path) < REMOVED_PATH)
		bpf_map_update_elem(&removed_cgroups, &id, removed_path, BPF_ANY);
	return 0;
}

/* Brings `groups` up to date. */
SEC("iter/task")
int on_each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct member *m;

	if (!task)
		return 0;
	m = bpf_task_storage_get(&members, task, NULL, 0);
	if (resident && (m ? m->is == MEMBER_YES || m->chosen == MEMBER_YES : takes_all && !select_rules.n &&
			 !select_rules.by_cgroup))
		resident_look(task->mm);
	if (m && m->is == MEMBER_YES) {
		member_add(m, task);
		member_obey(m);
	}
	return 0;
}

#endif
