/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the walks of a stack share, and the one by frame pointers. Stacks are hashed on the way.
 *
 *        |  ...          |
 *        +---------------+
 *        | return addr 2 |
 *        | saved rbp   --+--> ...
 *        +---------------+ <-- rbp as at the allocator's entry
 *        |  ...          |
 *        | return addr 0 | <-- sp: the site chooser knows where it is, so the caller is right whatever rbp holds
 *        +---------------+
 */
#ifndef ALLOCTRACE_WALK_BPF_H
#define ALLOCTRACE_WALK_BPF_H

#include "call.bpf.h"
#include "goroutine.bpf.h"
#include "ids.bpf.h"
#include "loop.bpf.h"
#include "member.bpf.h"
#include "window.bpf.h"

/* A frame pointer further away than this is no frame pointer of this stack: the largest default stack limit in use. */
#define STACK_SPAN_BYTES (64ULL << 20)

/* Set before loading: walks begin where the thread was interrupted, not at a function's entry. The address is in
 * s->walk.ret, plus one, as if it were returned to. */
const volatile bool interrupted = false;

/* Reads the return address, at sp. */
static __always_inline void walk_begin(struct scratch *s, __u64 sp, bool copies)
{
	__u64 ret = 0;

	s->window.bytes = 0;
	s->window.at = 0;
	if (direct_possible) {
		s->window.copies = copies || !direct_map;
		direct_changed(s);
	}
	s->window.next = s->window.depth_bytes;
	s->window.trampoline = retprobe_trampoline();
	if (interrupted)
		ret = s->walk.ret;
	else if (usdt && s->walk.inside)
		ret = s->walk.inside;
	else if ((sp & 7) || !stack_return(s, sp, &ret))
		ret = 0;
	s->walk.ret = ret;
}

/* Whose stack it is, and for what type: in s->rec, and what its id begins with. */
static __always_inline __u64 walk_seed(struct scratch *s, const struct pt_regs *ctx, __u64 cookie)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 h;

	current_ids(&s->rec.pid, &s->rec.tid);
	s->rec.function = cookie >> COOKIE_FUNCTION_SHIFT & 0xff;
	s->rec.module = cookie >> COOKIE_MODULE_SHIFT;
	s->rec.probe = cookie >> COOKIE_PROBE_SHIFT & 0xffff;
	s->rec.ip = arch_pc(ctx);
	if (wide) {
		h = hash_step(hash_keys[2] ^ s->now.group, s->rec.function);
	} else {
		h = hash_step(hash_keys[2] ^ s->rec.pid, s->rec.function);
		/* Addresses mean something else after an exec. */
		h = hash_step(h, task->self_exec_id);
	}
	s->rec.type = call_type(ctx, cookie);
	/* What is of the probe's file is the same in every process from there. */
	if (s->rec.type)
		h = hash_step(h, s->rec.type - s->rec.ip);
	if (by_goroutine || by_label || with_creator) {
		goroutine(s, ctx, cookie);
		h = hash_step(hash_step(h, s->rec.tag), s->rec.creator ? s->rec.creator - s->rec.ip : 0);
	}
	return by_thread ? hash_step(h, s->rec.tid) : h;
}

#define NAME_BY_ADDRESS 1	/* a frame's address is that of its call's last byte, and one */

/* Ends the walk; false, for the callers to return. */
static __always_inline bool walk_end(struct scratch *s, __u32 end)
{
	s->rec.end = end;
	return false;
}

/* The same where nothing but the last frame's address and registers decided so. */
static __always_inline bool walk_end_stable(struct scratch *s, __u32 end)
{
	s->walk.end_stable = 1;
	return walk_end(s, end);
}

static __always_inline struct frame *frame_at(struct scratch *s, __u32 i)
{
	__u64 at = i, mask = 4 * frames_max - 1;

	asm volatile("%0 &= %1" : "+r"(at) : "r"(mask));
	return &s->frames[at];
}

/* Adds the frame at the cursor. name: as in struct mapping_hint. */
static __always_inline void walk_record(struct scratch *s, __u64 name)
{
	struct cursor *u = &s->walk.cursor;
	struct frame *f = frame_at(s, s->walk.new_at + s->walk.n_new);

	f->ret = (u->pc + 1) | (u->by_fp & FRAME_BY_FP);
	f->sp = u->sp;
	f->fp = u->fp_known ? u->fp : FP_UNKNOWN;
	f->fp_slot = u->fp_slot;
	f->name = (name + u->pc) | (u->by_fp & FRAME_BY_FP);
	s->walk.n_new++;
}

/* Goes to the caller by its frame pointer; false at the end. */
static __always_inline bool walk_caller_fp(struct scratch *s)
{
	struct cursor *u = &s->walk.cursor;
	__u64 fp = u->fp, next, ret;

	if (!fp)
		return walk_end_stable(s, WALK_COMPLETE);
	/* The chain climbs; what does not is another use of rbp. */
	if ((fp & 7) || fp < u->sp || fp - u->start > STACK_SPAN_BYTES)
		return walk_end_stable(s, WALK_CHAIN);
	if (!stack_word(s, fp, &next) || !stack_return(s, fp + 8, &ret) || ret < PAGE_BYTES)
		return walk_end(s, WALK_CHAIN);
	u->sp = fp + 16;
	u->fp = next;
	u->fp_slot = fp;
	u->pc = ret - 1;
	return true;
}

#endif
