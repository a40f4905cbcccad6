/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's stack where it allocates, and what for: a slab cache, or pages (kmem.bpf.h). */
#ifndef ALLOCTRACE_KMEM_STACK_BPF_H
#define ALLOCTRACE_KMEM_STACK_BPF_H

#include "ids.bpf.h"
#include "loop.bpf.h"
#include "scratch.bpf.h"

extern struct kmem_cache *bpf_get_kmem_cache(__u64 addr) __ksym __weak;	/* 6.13 */

/* By struct stack_frames.type. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct kmem_name);
} kmem_names SEC(".maps");

/* What the verifier knows as a pointer it lets nobody calculate with. */
static __always_inline __u64 as_number(struct scratch *s, const void *pointer)
{
	*(volatile __u64 *)&s->walk.hash = (__u64)pointer;
	return *(volatile __u64 *)&s->walk.hash;
}

/* The cache's name may be asked for: what stands for it in a stack. Another cache may come to be at the same address,
 * with another name. */
static __always_inline __u64 cache_type(struct scratch *s, const struct kmem_cache *cache)
{
	const __u64 at = as_number(s, cache), named = as_number(s, cache->name);
	const __u64 type = hash_step(hash_step(hash_keys[2], at), named) | KMEM_CACHE;
	struct kmem_name name = {};

	if (bpf_map_lookup_elem(&kmem_names, &type))
		return type;
	bpf_probe_read_kernel_str(name.text, sizeof(name.text), cache->name);
	bpf_map_update_elem(&kmem_names, &type, &name, BPF_NOEXIST);
	return type;
}

/* Of what kmalloc returns: its bytes say as much where the kernel does not tell. */
static __always_inline __u64 kmalloc_type(struct scratch *s, __u64 addr, __u64 bytes)
{
	const struct kmem_cache *cache = bpf_get_kmem_cache ? bpf_get_kmem_cache(addr) : NULL;

	return cache ? cache_type(s, cache) : KMEM_SIZE | bytes;
}

static long kmem_hash(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;

	s->walk.hash = hash_step(s->walk.hash, s->rec.frames[MASKED(i, STACK_MAX_FRAMES - 1)]);
	return 0;
}

/* The kernel's part of the stack, in s->rec. type: what its memory is of. */
static __always_inline void kmem_stack(struct scratch *s, void *ctx, __u32 function, __u64 type, __u64 caller)
{
	long bytes = bpf_get_stack(ctx, s->rec.frames, max_frames * sizeof(__u64), 0);

	current_ids(&s->rec.pid, &s->rec.tid);
	s->rec.function = function;
	s->rec.module = 0;
	s->rec.probe = 0;
	s->rec.ip = caller;
	s->rec.type = type;
	s->rec.tag = s->rec.creator = 0;
	s->rec.end = WALK_KERNEL;
	s->rec.n = bytes > 0 ? bytes / sizeof(__u64) : 0;
	s->walk.hash = hash_step(hash_step(hash_keys[2] ^ s->now.group, type), function);
	if (by_thread)
		s->walk.hash = hash_step(s->walk.hash, s->rec.tid);
	bpf_loop(s->rec.n, kmem_hash, &s, 0);
	s->rec.id = hash_step(s->walk.hash, (__u64)WALK_KERNEL << 32 | s->rec.n);
}

#endif
