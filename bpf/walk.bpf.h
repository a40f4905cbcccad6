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
 * The stack is read in place (direct.bpf.h). Where that can't be, what costs is bpf_probe_read_user(), less the bytes
 * (20 ns a KiB) than the call (80 ns): most often one is enough, since a walk comes about as far as the last one did.
 */
#ifndef ALLOCTRACE_WALK_BPF_H
#define ALLOCTRACE_WALK_BPF_H

#define WINDOW_STEP_BYTES 2048
/* A frame pointer further away than this is no frame pointer of this stack: the largest default stack limit in use. */
#define STACK_SPAN_BYTES (64ULL << 20)

/* Frames without bpf_loop(), and one: the verifier then follows each of them, and gives up at a million steps. */
#define PLAIN_LOOP 65

/* Linux 5.17. */
static __always_inline bool has_loop(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop);
}

/* Calls f(0 … n - 1, &s). */
static __always_inline void for_frames(struct scratch *s, __u32 n, long (*f)(__u32 i, void *arg))
{
	if (has_loop())
		bpf_loop(n, f, &s, 0);
	else
		for (__u32 i = 0; i < PLAIN_LOOP && i < n; i++)
			f(i, &s);
}

/*
 * A traced program chooses the addresses of its frames. Were the factors known, or were there only one, it could choose
 * differences that cancel out in the next step, whatever the hash began with.
 */
static __always_inline __u64 hash_step(__u64 h, __u64 x)
{
	h = (h ^ x) * hash_keys[0];
	h = (h ^ (h >> 32)) * hash_keys[1];
	return h ^ (h >> 29);
}

/* Has the page at addr in place. */
static __always_inline bool window_map(struct scratch *s, __u64 addr)
{
	__u64 number = addr >> PAGE_SHIFT, offset = addr & (PAGE_BYTES - 1);
	struct direct_page *page = &s->pages[MASKED(number, DIRECT_PAGES - 1)];

	if (s->copies || (page->number != number && !direct_find(addr, page)) || !direct_word(page->at + offset)) {
		*(void *volatile *)&s->window_in = s->window;
		return false;
	}
	s->window_at = addr - offset;
	s->window_bytes = PAGE_BYTES;
	s->window_in = page->at;
	return true;
}

/* Has the stack from addr on: the page in place; or a copy, as far as the last walk went, if that is mapped, or to the
 * end of the page. A global function: rarely called more than a few times in a walk. */
__noinline int window_read(struct scratch *s, __u64 addr)
{
	__u64 n, page = PAGE_BYTES - (addr & (PAGE_BYTES - 1));

	if (!s)
		return 0;
	if (direct_possible && window_map(s, addr))
		return 1;
	n = s->window_next ? s->window_next : WINDOW_STEP_BYTES;
	if (n > sizeof(s->window))
		n = sizeof(s->window);
	s->window_at = addr;
	s->window_next = WINDOW_STEP_BYTES;
	if (bpf_probe_read_user(s->window, n, (void *)addr)) {
		if (n <= page || bpf_probe_read_user(s->window, page, (void *)addr))
			page = 0;
		n = page;
	}
	s->window_bytes = n;
	return n >= sizeof(__u64);
}

/* The word at addr, which is a multiple of 8. */
static __always_inline bool stack_word(struct scratch *s, __u64 addr, __u64 *word)
{
	__u64 off = addr - s->window_at;

	if (off >= s->window_bytes) {
		if (!window_read(s, addr))
			return false;
		off = addr - s->window_at;
	}
	*word = direct_possible ? direct_word(s->window_in + off) : s->window[(off >> 3) & (WINDOW_WORDS - 1)];
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
static __always_inline void walk_begin(struct scratch *s, __u64 sp, bool copies)
{
	__u64 ret = 0;

	s->window_bytes = 0;
	s->window_at = 0;
	if (direct_possible) {
		s->copies = copies || !direct_map;
		direct_changed(s);
	}
	s->window_next = s->depth_bytes;
	s->trampoline = retprobe_trampoline();
	if ((sp & 7) || !stack_return(s, sp, &ret))
		ret = 0;
	s->ret = ret;
}

/* Whose stack it is: in s->rec, and what its id begins with. */
static __always_inline __u64 walk_seed(struct scratch *s, __u64 cookie)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 h;

	current_ids(&s->rec.pid, &s->rec.tid);
	s->rec.function = cookie >> COOKIE_FUNCTION_SHIFT & 0xff;
	s->rec.module = cookie >> COOKIE_MODULE_SHIFT;
	h = hash_step(hash_keys[2] ^ s->rec.pid, s->rec.function);
	/* Addresses mean something else after an exec. */
	h = hash_step(h, task->self_exec_id);
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
	s->end_stable = 1;
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
	struct cursor *u = &s->cursor;
	struct frame *f = frame_at(s, s->new_at + s->n_new);

	f->ret = (u->pc + 1) | (u->by_fp & FRAME_BY_FP);
	f->sp = u->sp;
	f->bp = u->bp_known ? u->bp : BP_UNKNOWN;
	f->bp_slot = u->bp_slot;
	f->name = (name + u->pc) | (u->by_fp & FRAME_BY_FP);
	s->n_new++;
}

/* Goes to the caller by its frame pointer; false at the end. */
static __always_inline bool walk_caller_fp(struct scratch *s)
{
	struct cursor *u = &s->cursor;
	__u64 fp = u->bp, next, ret;

	if (!fp)
		return walk_end_stable(s, WALK_COMPLETE);
	/* The chain climbs; what does not is another use of rbp. */
	if ((fp & 7) || fp < u->sp || fp - u->start > STACK_SPAN_BYTES)
		return walk_end_stable(s, WALK_CHAIN);
	if (!stack_word(s, fp, &next) || !stack_return(s, fp + 8, &ret) || ret < PAGE_BYTES)
		return walk_end(s, WALK_CHAIN);
	u->sp = fp + 16;
	u->bp = next;
	u->bp_slot = fp;
	u->pc = ret - 1;
	return true;
}

#endif
