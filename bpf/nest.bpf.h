/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocator functions that call allocator functions: the outermost call is the event, the others are none.
 *
 *     work -> malloc of a wrapper -> helper -> malloc of the C library
 *             ^ outer: counts                  ^ while the other is under way: a part of it
 *
 * So a thread keeps the last call of a function that may call others (COOKIE_OUTER): where its return address lies,
 * and that address. A call that comes deeper in the stack, while the address is still there, may be a part of it; or
 * the outer one has returned, and what it left on the stack was not overwritten. The stack decides: the function is
 * under way if the walk from the inner call out comes by that very place, from a frame in the function's code.
 *
 *        | ...                |
 *        | return to work     | <- outer.sp, outer.ret
 *        | frame of malloc    |    an address of its code, whatever lies between
 *        | ...                |
 *        | return to helper   | <- sp of the inner call
 *
 * Nearly always the inner call's own return address is in that code, or the place does not hold the address any more:
 * only what is left takes a walk. If that breaks off on the way, or by frame pointers comes by neither, the address
 * that is still there decides.
 *
 * A function that leaves by a jump (a tail call) has no frame: the next one has the same return address at the same
 * place. So has the next call of a loop. Taken for a part of the first is another function than those of the chain so
 * far, where the last of them may jump to code that isn't known, and that asks for no less than the first was asked
 * for. (One call instruction that is led to both by turns would be misjudged, if the second asks for more.)
 *
 * What a signal handler calls is no part of what it interrupted: it goes on top of that, on a short stack.
 *
 * Most calls are not deeper than their thread's last outer one, which the slot knows: if the thread has not moved to
 * another CPU since, nor got another slot, it is what this thread did last.
 */
#ifndef ALLOCTRACE_NEST_BPF_H
#define ALLOCTRACE_NEST_BPF_H

#include "call.bpf.h"
#include "stack.bpf.h"

/* Set while running: some process has an allocator function that may call others. */
bool check_nests = false;

#define OUTER_UNKNOWN (~0ULL)
#define OUTERS_MAX 4	/* one, and those of signal handlers */
#define NEST_FRAMES 64	/* between the two calls */

enum nest_how {
	NEST_ENDED,
	NEST_UNDER_WAY,
	NEST_INTERRUPTED,	/* by a signal handler, from which the inner call comes */
};

struct outers {
	__u32 n;
	__u32 unknown_free;	/* the last one frees a block that isn't known */
	/* The last one is a call whose return can't be probed, and recorded as unfollowed; weight 0: none. */
	struct call open;
	struct outer at[OUTERS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct outers);
} outers SEC(".maps");

/* NULL: this thread has none, or with `create` no memory. */
static __always_inline struct outers *outers_get(bool create)
{
	return bpf_task_storage_get(&outers, bpf_get_current_task_btf(), NULL,
				    create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
}

static __always_inline __u32 probe_of(__u64 cookie)
{
	return (cookie >> COOKIE_PROBE_SHIFT) & 0xffff;
}

static __always_inline bool leaves_by_jump(__u32 probe)
{
	const struct probe_info *info = bpf_map_lookup_elem(&probes, &probe);

	return info && info->jumps;
}

/* Is the address in code of the outer call's function? */
static __always_inline bool in_body(const struct outer *o, __u64 pc)
{
	__u32 probe = o->probe;
	const struct probe_info *info = bpf_map_lookup_elem(&probes, &probe);
	__s64 delta = pc - o->ip;

	if (!info)
		return false;
	for (int i = 0; i < BODIES_MAX; i++)
		if (delta >= info->bodies[i].from && delta < info->bodies[i].to)
			return true;
	return false;
}

/* The frame that pc is in was called by what returns to s->nest.outer.ret. */
static __always_inline __u32 nest_found(struct scratch *s, __u64 pc)
{
	if (!in_body(&s->nest.outer, pc) && !leaves_by_jump(s->nest.outer.probe))
		return NEST_ENDED;
	return s->nest.interrupted ? NEST_INTERRUPTED : NEST_UNDER_WAY;
}

/* To the caller of the frame at the cursor; false: the walk ends. */
static __always_inline bool nest_caller(struct scratch *s)
{
	struct mapping_hint *h;

	s->nest.at_signal = 0;
	if (!unwind_tables)
		return walk_caller_fp(s);
	h = unwind_hint(s, s->walk.cursor.pc);
	s->nest.at_signal = h->kind == UNWIND_KIND_TABLE &&
			    (unwind_rule(h, s->walk.cursor.pc) & 15) == UNWIND_CFA_SIGNAL;
	return unwind_caller_of(s, h);
}

static long nest_step(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;
	__u64 pc = s->walk.cursor.pc, slot;

	if (!nest_caller(s)) {
		/* The stack's outermost frame, and it was not on the way; or code that user space has not told of yet,
		 * which is no allocator's: that has probes. */
		if (unwind_tables &&
		    (s->rec.end == WALK_UNMAPPED || (s->walk.end_stable && s->rec.end == WALK_COMPLETE)))
			s->nest.how = NEST_ENDED;
		return 1;
	}
	if (s->nest.at_signal) {
		s->nest.interrupted = 1;
		return 0;
	}
	slot = s->walk.cursor.sp - 8;
	if (slot < s->nest.outer.sp)
		return 0;
	if (slot == s->nest.outer.sp)
		s->nest.how = nest_found(s, pc);
	else if (unwind_tables)
		s->nest.how = NEST_ENDED;
	return 1;
}

/* Walks from the call that is judged out to the one that is looked for. */
static __always_inline int nest_walk(struct scratch *s)
{
	if (!s)
		return 0;
	current_ids(&s->rec.pid, &s->rec.tid);
	walk_prepare(s, s->walk.sp, s->walk.fp, *(volatile __u64 *)&unwind_epoch);
	s->nest.how = NEST_UNDER_WAY;
	s->nest.interrupted = 0;
	/* Without it (Linux 5.16), the address that is still there decides. */
	if (has_loop())
		bpf_loop(NEST_FRAMES, nest_step, &s, 0);
	return 0;
}

/* Is the call at *o under way, as seen from a deeper one, whose return address walk_begin() has read? */
static __always_inline __u32 under_way(struct scratch *s, const struct outer *o)
{
	__u64 there;

	if ((o->sp & 7) || !stack_return(s, o->sp, &there) || there != o->ret)
		return NEST_ENDED;
	if (in_body(o, s->walk.ret - 1))
		return NEST_UNDER_WAY;
	s->nest.outer = *o;
	nest_walk(s);
	return *(volatile __u32 *)&s->nest.how;
}

/*
 * Is this call a part of one that is under way? If not, and if it may have parts itself, it is the thread's outermost
 * from now on. A global function: the verifier looks at it once.
 */
__noinline int nest_judge(struct scratch *s, struct outers *t)
{
	const struct outer *judged;
	struct outer *o;
	__u32 how;

	if (!s || !t)
		return 0;
	judged = &s->nest.judged;
	s->nest.adopts = 0;
	walk_begin(s, s->walk.sp, false);
	for (int i = 0; i < OUTERS_MAX; i++) {
		if (!t->n || t->n > OUTERS_MAX)
			break;
		o = &t->at[(t->n - 1) & (OUTERS_MAX - 1)];
		how = NEST_ENDED;
		if (o->sp > s->walk.sp) {
			how = under_way(s, o);
		} else if (o->sp == s->walk.sp && o->ret == s->walk.ret && o->probe != judged->probe &&
			   o->last != judged->probe && judged->bytes >= o->bytes && leaves_by_jump(o->last)) {
			o->last = judged->probe;
			how = NEST_UNDER_WAY;
		}
		if (how == NEST_UNDER_WAY) {
			s->nest.adopts = t->open.weight != 0;
			return 1;
		}
		if (how == NEST_INTERRUPTED)
			break;
		t->n--;
	}
	if (!s->nest.judged_outer || !s->walk.ret)
		return 0;
	if (t->n >= OUTERS_MAX)
		t->n = 0;
	o = &t->at[t->n++ & (OUTERS_MAX - 1)];
	o->sp = s->walk.sp;
	o->ret = s->walk.ret;
	o->ip = judged->ip;
	o->bytes = judged->bytes;
	o->probe = o->last = judged->probe;
	t->open.weight = 0;
	t->unknown_free = 0;
	return 0;
}

/* As far as the slot knows. */
static __always_inline bool may_be_nested(struct scratch *s, __u64 sp)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 moves = task->se.nr_migrations;

	if (s->nest.task != (__u64)task || s->nest.moves != moves) {
		s->nest.task = (__u64)task;
		s->nest.moves = moves;
		s->nest.outer_sp = OUTER_UNKNOWN;
	}
	return s->nest.outer_sp >= sp;
}

/* Where the call returns to is read if that is needed. */
static __always_inline bool is_nested(struct scratch *s, const struct pt_regs *ctx, __u64 cookie, __u64 sp)
{
	struct outers *t;
	bool nested;

	/* Go's runtime is called by Go code alone, and calls no C allocator meanwhile. */
	if (!*(volatile bool *)&check_nests || cookie & COOKIE_TYPED || is_usdt(cookie))
		return false;
	if (!may_be_nested(s, sp) && !(cookie & COOKIE_OUTER))
		return false;
	t = outers_get(cookie & COOKIE_OUTER);
	if (!t) {
		s->nest.outer_sp = 0;
		return false;
	}
	s->walk.sp = sp;
	s->walk.fp = arch_fp(ctx);
	s->nest.judged.ip = arch_pc(ctx);
	s->nest.judged.probe = probe_of(cookie);
	s->nest.judged_outer = !!(cookie & COOKIE_OUTER);
	nested = nest_judge(s, t);
	if (!t->n)
		s->nest.outer_sp = 0;
	else
		s->nest.outer_sp = t->n == 1 ? t->at[0].sp : OUTER_UNKNOWN;
	return nested;
}

/* The call whose return address was at sp has returned. */
static __always_inline void nest_returned(struct scratch *s, __u64 sp)
{
	if (may_be_nested(s, sp) && s->nest.outer_sp == sp)
		s->nest.outer_sp = 0;
}

/* The call that was entered just now is recorded, and its block may be one that a nested call returns. */
static __always_inline void nest_open(const struct call *call)
{
	struct outers *t = outers_get(false);

	if (t)
		t->open = *call;
}

#endif
