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
 *
 * What costs is bpf_probe_read_user(), less the bytes than the call: the stack is read in windows that end at the page.
 */
#ifndef ALLOCTRACE_WALK_BPF_H
#define ALLOCTRACE_WALK_BPF_H

#define PAGE_BYTES 4096
/* A frame pointer further away than this is no frame pointer of this stack: the largest default stack limit in use. */
#define STACK_SPAN_BYTES (64ULL << 20)

static __always_inline __u64 hash_step(__u64 h, __u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

/* The word at addr, which is a multiple of 8. */
static __always_inline bool stack_word(struct scratch *s, __u64 addr, __u64 *word)
{
	__u64 off = addr - s->window_at;

	if (off >= s->window_bytes) {
		__u64 n = PAGE_BYTES - (addr & (PAGE_BYTES - 1));

		if (n > sizeof(s->window))
			n = sizeof(s->window);
		s->window_at = addr;
		if (bpf_probe_read_user(s->window, n, (void *)addr)) {
			s->window_bytes = 0;
			return false;
		}
		s->window_bytes = n;
		off = 0;
	}
	*word = s->window[(off >> 3) & (WINDOW_WORDS - 1)];
	return true;
}

/* The return address at addr, a multiple of 8, whatever a return probe has put there. */
static __always_inline bool stack_return(struct scratch *s, __u64 addr, __u64 *ret)
{
	__u64 original;

	if (!stack_word(s, addr, ret))
		return false;
	/* Without a trampoline it is 0. */
	if (*ret == s->trampoline && *ret) {
		original = retprobe_original(addr);
		if (original)
			*ret = original;
	}
	return true;
}

/* Reads the return address, at sp. */
static __always_inline void walk_begin(struct scratch *s, __u64 sp)
{
	__u64 ret = 0;

	s->window_bytes = 0;
	s->window_at = 0;
	s->trampoline = retprobe_trampoline();
	s->rec.n = 0;
	s->rec.frames[0] = 0;
	if ((sp & 7) == 0 && stack_return(s, sp, &ret)) {
		s->rec.frames[0] = ret;
		s->rec.n = 1;
	}
}

/* Whose stack it is: in s->rec, and what the hash begins with. */
static __always_inline __u64 walk_seed(struct scratch *s, __u64 cookie)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 h;

	current_ids(&s->rec.pid, &s->rec.tid);
	s->rec.function = cookie >> COOKIE_FUNCTION_SHIFT & 0xff;
	h = hash_step(s->rec.pid, s->rec.function);
	/* Addresses mean something else after an exec. */
	h = hash_step(h, task->self_exec_id);
	return by_thread ? hash_step(h, s->rec.tid) : h;
}

/* Ends the walk; false, for the callers to return. */
static __always_inline bool walk_end(struct scratch *s, __u32 end)
{
	s->rec.end = end;
	return false;
}

static __always_inline void walk_record(struct scratch *s, __u64 ret)
{
	__u32 n = s->rec.n;

	s->rec.frames[MASKED(n, STACK_MAX_FRAMES - 1)] = ret;
	s->rec.n = n + 1;
	s->cursor.hash = hash_step(s->cursor.hash, ret);
}

/* Goes to the caller by its frame pointer and records it; false at the end. */
static __always_inline bool walk_step_fp(struct scratch *s)
{
	struct cursor *u = &s->cursor;
	__u64 fp = u->bp, next, ret;

	if (!fp)
		return walk_end(s, WALK_COMPLETE);
	if (s->rec.n >= max_frames)
		return walk_end(s, WALK_DEPTH);
	/* The chain climbs; what does not is another use of rbp. */
	if ((fp & 7) || fp < u->sp || fp - u->start > STACK_SPAN_BYTES ||
	    !stack_word(s, fp, &next) || !stack_return(s, fp + 8, &ret) || ret < PAGE_BYTES)
		return walk_end(s, WALK_CHAIN);
	walk_record(s, ret);
	u->sp = fp + 16;
	u->bp = next;
	return true;
}

#endif
