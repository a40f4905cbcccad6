/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	bpf_prog_…_on_kmalloc [bpf]     the program itself, and what ran it
 *	bpf_trace_run6
 *	__traceiter_kmalloc
 *	__kmalloc_cache_noprof          the allocator
 *	sock_alloc_inode                its caller: from here on
 *	alloc_inode
 *	…
 */
#include "trace/kstack.h"

#include <string.h>

#include "model/kallsyms.h"

#define INNER_MAX 24	/* frames from the program to the allocator's caller */

/* The allocator's own, by what their names begin with. */
static const char *const allocators[] = {
	"__kmalloc", "kmalloc", "__do_kmalloc", "kmem_cache_alloc", "__kmem_cache_alloc", "slab_alloc",
	"slab_post_alloc", "___slab_alloc", "__slab_alloc", "krealloc", "__do_krealloc", "kzalloc",
	"__alloc_pages", "alloc_pages", "__alloc_frozen_pages", "alloc_frozen_pages", "alloc_page_", "get_zeroed_page",
	"__get_free_pages", "get_free_pages", "__folio_alloc", "folio_alloc", "___kmalloc_large", "__get_pages",
};

static bool begins_with_any(const char *name, const char *const *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(name, with[i], strlen(with[i])))
			return true;
	return false;
}

/* What runs programs at a tracepoint. */
static bool is_tracepoint(const char *name)
{
	static const char *const names[] = {"bpf_trace_run", "__bpf_trace_", "__traceiter_", "__probestub_"};

	return begins_with_any(name, names, sizeof(names) / sizeof(names[0]));
}

static bool is_allocator(const char *name)
{
	return begins_with_any(name, allocators, sizeof(allocators) / sizeof(allocators[0]));
}

/* A module, or BPF program, may have come since the symbols were read. */
static bool find(uint64_t addr, struct ksymbol *s)
{
	const struct kallsyms *k = kallsyms_now(NULL);

	return k && (kallsyms_at(k, addr, s) || (kallsyms_again() && kallsyms_at(kallsyms_now(NULL), addr, s)));
}

/* How many frames lie further in than the allocator's caller. */
static size_t count_inner(const struct stack_frames *rec)
{
	size_t n = 0;
	struct ksymbol s;

	/* Where functions have no names, the caller is known by its address, if the tracepoint tells it. */
	for (size_t i = 0; i < rec->n && i < INNER_MAX && !kallsyms_now(NULL); i++)
		if (rec->frames[i] == rec->ip)
			return i;
	for (size_t i = 0; i < rec->n && i < INNER_MAX; i++)
		if (find(rec->frames[i] - 1, &s) && is_tracepoint(s.name))
			n = i + 1;
	while (n && n + 1 < rec->n && find(rec->frames[n] - 1, &s) && is_allocator(s.name))
		n++;
	return n;
}

static uint32_t module_of(struct profile *p, uint64_t addr)
{
	struct ksymbol s;
	char *path;
	uint32_t id;

	if (!find(addr, &s) || !*s.module)
		return modules_kernel(p->modules, MODULE_KERNEL_PATH);
	path = xasprintf("[%s]", s.module);
	id = modules_kernel(p->modules, path);
	free(path);
	return id;
}

size_t kstack_resolve(struct profile *p, const struct stack_frames *rec, uint32_t *frames)
{
	size_t n = 0;

	for (size_t i = count_inner(rec); i < rec->n && i < STACK_MAX_FRAMES; i++)
		frames[n++] = profile_frame(p, module_of(p, rec->frames[i] - 1), rec->frames[i] - 1);
	return n;
}
