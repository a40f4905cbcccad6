/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file's code lies at an address of the traced process. The kernel is asked (bpf_find_vma()), and user space has
 * told of the file, by its inode, where its unwind table is:
 *
 *     address -> hint -> vma: file, offset -> unwind_files: part of its code -> table, name of the byte
 *
 * So nothing is kept for a process, however much it has mapped, and a library that it loads is known at once if any
 * process has had it before. An answer is kept as a hint, of which there is one for each 2 MiB of address, or less:
 *
 *     hints hold while     the address space is the same, and mm_changes() says that no mapping was changed in it; or
 *     else                 each one's vma is still there and has the same file at the same place: hints_hold()
 *
 * That is looked at before each walk. What changes during a walk can't concern it: no program unmaps code that it has
 * on its stack.
 */
#ifndef ALLOCTRACE_MAPPING_BPF_H
#define ALLOCTRACE_MAPPING_BPF_H

#include "kernel.bpf.h"
#include "vma.bpf.h"
#include "walk.bpf.h"

/* Set before loading: walk by tables, not by frame pointers. */
const volatile bool unwind_tables = false;

/* What user space has registered of files. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNWIND_FILES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct file_key);
	__type(value, struct unwind_file);
} unwind_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CODE_COPIES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct copy_key);
	__type(value, struct code_copy_of);
} code_copies SEC(".maps");

/* Mappings of processes, written by user space; where the kernel can't be asked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct unwind_mappings);
} unwind_mappings SEC(".maps");

/*
 * Changes before and after a table goes, or any process's unwind_mappings change. The memory of a value may be given to
 * the next one as soon as it is replaced (6.1 and later), while a walk still reads it: the walk sees it by this.
 */
__u64 unwind_epoch = 0;

/* `step` if a >= b as signed numbers, else 0. */
#define IF_REACHED(step, a, b) ({ \
	__s64 less_ = (__s64)((a) - (b)); \
	asm volatile("%0 s>>= 63" : "+r"(less_)); \
	(step) & ~less_; })

/* --- are the hints still right? */

/*
 * Without a lock: the memory at h->vma may be anything by now, and loads from it read what is there, or 0. All that
 * made the hint what it is has to be as it was, in this address space.
 */
static __always_inline bool hint_holds(const struct mapping_hint *h, const struct mm_struct *mm)
{
	const struct vm_area_struct *vma = bpf_rdonly_cast((void *)h->vma,
							   bpf_core_type_id_kernel(struct vm_area_struct));
	struct file_key key = {};

	if (vma->vm_mm != mm || vma_is_detached(vma) || !(vma->vm_flags & VM_EXEC))
		return false;
	if (h->start < vma->vm_start || h->start + h->bytes > vma->vm_end ||
	    vma->vm_start - (vma->vm_pgoff << PAGE_SHIFT) != h->slide)
		return false;
	if (vma->vm_file)
		inode_key(vma->vm_file->f_inode, &key);
	return same_file(&key, &h->file);
}

/* Not 0: all hints, and so the memo, are still right. A global function: rarely called. */
__noinline int hints_hold(struct scratch *s)
{
	struct mm_struct *mm;

	if (!s || !unwind_tables || !ask_kernel)
		return 1;
	if (!direct_possible || s->hints.lost)
		return 0;
	mm = direct_mm();
	if (arch_space(mm) != s->hints.owner)
		return 0;
	for (int i = 0; i < MAPPING_HINTS; i++) {
		struct mapping_hint *h = &s->hints.at[i];

		/* No frame that is kept rests on a gap. */
		if (h->kind == UNWIND_KIND_GAP)
			h->bytes = 0;
		if (h->bytes && !hint_holds(h, mm))
			return 0;
	}
	return 1;
}

/* --- asking the kernel */

static __always_inline void hint_set(struct mapping_hint *h, __u64 start, __u64 end, __u8 kind)
{
	h->start = start;
	h->bytes = end - start;
	h->kind = kind;
	h->name = NAME_BY_ADDRESS;
}

/* The part of the file's code that pc is in, as far as it is mapped here. */
static __noinline void hint_of_file(struct mapping_hint *h, const struct unwind_file *f, const struct vma_seen *seen,
				    __u64 pc)
{
	hint_set(h, seen->start, seen->end, f->kind);
	for (int i = 0; i < UNWIND_PARTS; i++) {
		const struct unwind_part *p = &f->at[i];
		__u64 at = pc - seen->slide, from = seen->slide + p->from, to = seen->slide + p->to, skip;

		if (at - p->from >= p->to - p->from)
			continue;
		skip = from < seen->start ? seen->start - from : 0;
		hint_set(h, from + skip, to < seen->end ? to : seen->end, p->kind);
		h->name = p->name - from + NAME_BY_ADDRESS;
		h->rel = p->rel + skip;
		h->index = f->index;
		h->key = f->key;
		h->shift = f->shift;
		return;
	}
	/* Other parts may be anywhere else. */
	if (f->kind == UNWIND_KIND_BARE)
		hint_set(h, pc, pc + 1, f->kind);
}

/*
 * A key has to be on the stack (Linux 6.1 takes no other memory that was given to a global function), of which a chain
 * of calls has 512 bytes: apart from what else hint_ask() calls.
 */
static __noinline struct unwind_file *file_find(const struct file_key *of)
{
	struct file_key key = *of;

	return bpf_map_lookup_elem(&unwind_files, &key);
}

static __noinline struct code_copy_of *copy_find(const struct scratch *s)
{
	struct copy_key key = {.start = s->hints.seen.start, .pid = s->rec.pid};

	return bpf_map_lookup_elem(&code_copies, &key);
}

/* Anonymous code: a JIT's, unless user space has found it to be a file's. */
static __always_inline void hint_of_anonymous(struct scratch *s, struct mapping_hint *h, struct vma_seen *seen,
					      __u64 pc)
{
	struct code_copy_of *copy = copy_find(s);
	struct unwind_file *f = NULL;

	if (copy && copy->end == seen->end)
		f = file_find(&copy->file);
	if (!f) {
		hint_set(h, seen->start, seen->end, UNWIND_KIND_JIT);
		return;
	}
	seen->slide = seen->start - copy->offset;
	hint_of_file(h, f, seen, pc);
}

static __always_inline void hint_ask(struct scratch *s, struct mapping_hint *h, __u64 pc)
{
	struct vma_seen *seen = &s->hints.seen;
	struct unwind_file *f;
	long err;

	__builtin_memset(seen, 0, sizeof(*seen));
	err = ask_vma(pc, seen);
	/* Until it is known, it is asked for each time. */
	h->start = h->bytes = 0;
	h->name = NAME_BY_ADDRESS;
	h->kind = UNWIND_KIND_UNKNOWN;
	h->vma = seen->vma;
	h->slide = seen->slide;
	h->file = seen->file;
	if (err == -ENOENT) {
		hint_set(h, pc & -(__u64)PAGE_BYTES, (pc & -(__u64)PAGE_BYTES) + PAGE_BYTES, UNWIND_KIND_GAP);
	} else if (!err && !seen->exec) {
		hint_set(h, seen->start, seen->end, UNWIND_KIND_GAP);
	} else if (!err && !seen->has_file) {
		hint_of_anonymous(s, h, seen, pc);
	} else {
		f = err ? NULL : file_find(&seen->file);
		if (f)
			hint_of_file(h, f, seen, pc);
		else
			s->walk.raw_wanted = 1;
		s->hints.unknown = seen->file;
	}
}

/* --- where it can't be asked */

/* Number of the entry that pc belongs to. */
__noinline __u32 unwind_mapping_find(struct unwind_mappings *m, __u64 pc)
{
	__u64 i = 0;

	if (!m)
		return 0;
#pragma unroll
	for (__u64 step = UNWIND_MAPPINGS / 2; step; step /= 2)
		i += IF_REACHED(step, pc, m->at[MASKED(i + step, UNWIND_MAPPINGS - 1)].start);
	return i;
}

/* NULL: none, or of the program before an exec that is too young for its mappings to be known. */
static __always_inline struct unwind_mappings *unwind_mappings_of(__u32 pid)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct unwind_mappings *m = bpf_map_lookup_elem(&unwind_mappings, &pid);
	struct mm_struct *mm = task->mm;

	return m && mm && m->mm_start_stack == mm->start_stack ? m : NULL;
}

static __always_inline void hint_look_up(struct scratch *s, struct mapping_hint *h, __u64 pc)
{
	struct unwind_mappings *m = unwind_mappings_of(s->rec.pid);
	struct unwind_mapping *e;
	__u64 i;

	if (!m) {
		hint_set(h, pc, pc + 1, UNWIND_KIND_GAP);
		/* Nothing of this is to be used again. */
		s->hints.owner = 0;
		s->walk.raw_wanted = 1;
		return;
	}
	i = MASKED(unwind_mapping_find(m, pc), UNWIND_MAPPINGS - 1);
	e = &m->at[i];
	h->start = e->start;
	h->bytes = e[1].start - e->start;
	h->name = e->name ? e->name - e->start + NAME_BY_ADDRESS : NAME_BY_ADDRESS;
	h->rel = e->rel;
	h->index = e->index;
	h->key = e->key;
	h->shift = e->shift;
	h->kind = e->kind;
	if (h->kind == UNWIND_KIND_GAP)
		s->walk.raw_wanted = 1;
}

/* --- both */

/* A global function: rarely called. */
__noinline int unwind_hint_fill(struct scratch *s, __u64 pc, __u32 which)
{
	struct mapping_hint *h;

	if (!s || !unwind_tables)
		return 0;
	h = &s->hints.at[MASKED(which, MAPPING_HINTS - 1)];
	if (h->bytes)
		s->hints.lost = 1;
	if (ask_kernel)
		hint_ask(s, h, pc);
	else
		hint_look_up(s, h, pc);
	return 0;
}

/* The mapping of pc. A large file's parts share hints with others, but all of one 2 MiB page have the same. */
static __always_inline struct mapping_hint *unwind_hint(struct scratch *s, __u64 pc)
{
	__u64 i = MASKED(pc >> 21 ^ pc >> 24, MAPPING_HINTS - 1);
	struct mapping_hint *h = &s->hints.at[i];

	if (pc - h->start >= h->bytes)
		unwind_hint_fill(s, pc, i);
	return h;
}

/* Run by alloctrace itself: what the kernel says of a file that it has mapped here. */
SEC("syscall")
int ask_file(struct file_ask *ask)
{
	struct vma_seen seen = {};

	if (!ask_kernel || ask_vma(ask->addr, &seen) || !seen.has_file)
		return 0;
	ask->key = seen.file;
	ask->found = 1;
	return 0;
}

#endif
