/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has mapped at an address of the current process: its types, as they were and are. */
#ifndef ALLOCTRACE_VMA_BPF_H
#define ALLOCTRACE_VMA_BPF_H

#include <bpf/bpf_core_read.h>

#include "arch/arch.bpf.h"
#include "kernel.bpf.h"
#include "scratch.bpf.h"

/* Set before loading: bpf_find_vma() is there, Linux 5.17. */
const volatile bool ask_kernel = false;

#define VM_EXEC 4	/* include/linux/mm.h */
#define VMA_TRIES 16	/* somebody changes the mappings just now, which takes some us */
#define ENOENT 2
#define EBUSY 16

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct seqcount___new {
	unsigned int sequence;
} KERNEL_TYPE;

struct mm_struct___seqcount {	/* 6.13 */
	struct seqcount___new mm_lock_seq;
} KERNEL_TYPE;

struct mm_struct___count {	/* 6.4 */
	int mm_lock_seq;
} KERNEL_TYPE;

struct vm_area_struct___refcnt {	/* 6.15 */
	refcount_t vm_refcnt;
} KERNEL_TYPE;

struct vm_area_struct___detached {	/* 6.4 */
	bool detached;
} KERNEL_TYPE;

struct inode___timespec {	/* up to 6.6 */
	struct timespec64 i_mtime;
} KERNEL_TYPE;

struct inode___hidden {	/* 6.7 */
	struct timespec64 __i_mtime;
} KERNEL_TYPE;

struct inode___parts {	/* 6.11 */
	__s64 i_mtime_sec;
	__u32 i_mtime_nsec;
} KERNEL_TYPE;

static __always_inline void inode_mtime(struct inode *i, struct file_key *key)
{
	struct inode___timespec *oldest = (void *)i;
	struct inode___hidden *old = (void *)i;
	struct inode___parts *new = (void *)i;

	if (bpf_core_field_exists(new->i_mtime_sec)) {
		key->mtime = new->i_mtime_sec;
		key->mtime_nsec = new->i_mtime_nsec;
	} else if (bpf_core_field_exists(old->__i_mtime)) {
		key->mtime = old->__i_mtime.tv_sec;
		key->mtime_nsec = old->__i_mtime.tv_nsec;
	} else if (bpf_core_field_exists(oldest->i_mtime)) {
		key->mtime = oldest->i_mtime.tv_sec;
		key->mtime_nsec = oldest->i_mtime.tv_nsec;
	}
}

static __always_inline void inode_key(struct inode *i, struct file_key *key)
{
	key->ino = i->i_ino;
	key->dev = i->i_sb->s_dev;
	key->generation = i->i_generation;
	key->pad = 0;
	inode_mtime(i, key);
}

static __always_inline bool same_file(const struct file_key *a, const struct file_key *b)
{
	return a->ino == b->ino && a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec && a->dev == b->dev &&
	       a->generation == b->generation;
}

/*
 * A number that is another one after each change of the address space's mappings. The lock's count of writers is that,
 * from 6.4 on. Before: code that has run has present page table entries; taking it away changes tlb_gen, as the TLB
 * has to be flushed, and adding code changes exec_vm.
 */
static __always_inline __u64 mm_changes(struct mm_struct *mm)
{
	struct mm_struct___seqcount *new = (void *)mm;
	struct mm_struct___count *old = (void *)mm;

	if (bpf_core_field_exists(new->mm_lock_seq.sequence))
		return new->mm_lock_seq.sequence;
	if (bpf_core_field_exists(old->mm_lock_seq))
		return old->mm_lock_seq;
	return ((__u64)arch_tlb_gen(mm) << 32) + mm->exec_vm;
}

/* The kernel's words for what a vma is that has been unmapped, and whose memory is not used for something else yet. */
static __always_inline bool vma_is_detached(const struct vm_area_struct *vma)
{
	const struct vm_area_struct___refcnt *new = (const void *)vma;
	const struct vm_area_struct___detached *old = (const void *)vma;

	if (bpf_core_field_exists(new->vm_refcnt))
		return !new->vm_refcnt.refs.counter;
	return bpf_core_field_exists(old->detached) ? old->detached : true;
}

/*
 * Addresses of vmas that the kernel gave as an answer, by the address that it was asked for. It gives none while the
 * lock of the mappings is held or wanted, which lasts as long as whoever has it does not get the CPU.
 */
#define VMAS_KEPT 1024
__u64 vmas_kept[VMAS_KEPT] = {};

static __always_inline void take_vma(struct vma_seen *seen, const struct vm_area_struct *vma)
{
	seen->vma = (__u64)vma;
	seen->start = vma->vm_start;
	seen->end = vma->vm_end;
	seen->slide = vma->vm_start - (vma->vm_pgoff << PAGE_SHIFT);
	seen->exec = !!(vma->vm_flags & VM_EXEC);
	if (vma->vm_file) {
		seen->has_file = 1;
		inode_key(vma->vm_file->f_inode, &seen->file);
	} else if (vma->vm_start == arch_vdso(vma->vm_mm)) {
		seen->has_file = 1;
	}
}

static long see_vma(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	take_vma(*(struct vma_seen **)arg, vma);
	return 0;
}

/* A whole library is mostly in one piece of 2 MiB, but many small ones are, too: so it is kept twice. */
static __always_inline __u64 *kept_place(const struct mm_struct *mm, __u64 addr, __u32 shift)
{
	__u64 hash = (addr >> shift ^ arch_space(mm) << 40 ^ (__u64)shift << 34) * 0x9e3779b97f4a7c15ULL;

	return &vmas_kept[MASKED(hash >> 54, VMAS_KEPT - 1)];
}

static __always_inline bool kept_holds(const struct vm_area_struct *vma, const struct mm_struct *mm, __u64 addr)
{
	return vma->vm_mm == mm && !vma_is_detached(vma) && addr - vma->vm_start < vma->vm_end - vma->vm_start;
}

/* As hint_holds(), all of it is looked at without a lock. */
static __always_inline bool take_kept(__u64 addr, __u32 shift, struct vma_seen *seen)
{
	const struct mm_struct *mm = direct_mm();
	const struct vm_area_struct *vma = bpf_rdonly_cast((void *)*kept_place(mm, addr, shift),
							   bpf_core_type_id_kernel(struct vm_area_struct));

	if (!kept_holds(vma, mm, addr))
		return false;
	take_vma(seen, vma);
	/* It was not taken away meanwhile. */
	asm volatile("" ::: "memory");
	if (kept_holds(vma, mm, addr) && seen->start == vma->vm_start && seen->end == vma->vm_end)
		return true;
	__builtin_memset(seen, 0, sizeof(*seen));
	return false;
}

/* 0, -ENOENT: nothing is mapped there; -EBUSY. *seen is all 0 before. */
static __always_inline long ask_vma(__u64 addr, struct vma_seen *seen)
{
	const struct mm_struct *mm;
	long err = -EBUSY;

	for (int i = 0; i < VMA_TRIES && err == -EBUSY; i++)
		err = bpf_find_vma(bpf_get_current_task_btf(), addr, see_vma, &seen, 0);
	if (!direct_possible)
		return err;
	if (err == -EBUSY)
		return take_kept(addr, 16, seen) || take_kept(addr, 21, seen) ? 0 : err;
	mm = direct_mm();
	*kept_place(mm, addr, 16) = *kept_place(mm, addr, 21) = seen->vma;
	return err;
}

#endif
