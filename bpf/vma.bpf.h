/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel has mapped at an address of the current process: its types, as they were and are. */
#ifndef ALLOCTRACE_VMA_BPF_H
#define ALLOCTRACE_VMA_BPF_H

#include <bpf/bpf_core_read.h>

#include "arch/arch.bpf.h"
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

static long see_vma(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	struct vma_seen *seen = *(struct vma_seen **)arg;
	struct mm_struct *mm = vma->vm_mm;

	seen->vma = (__u64)vma;
	seen->start = vma->vm_start;
	seen->end = vma->vm_end;
	seen->slide = vma->vm_start - (vma->vm_pgoff << PAGE_SHIFT);
	seen->exec = !!(vma->vm_flags & VM_EXEC);
	if (vma->vm_file) {
		seen->has_file = 1;
		inode_key(vma->vm_file->f_inode, &seen->file);
	} else if (vma->vm_start == arch_vdso(mm)) {
		seen->has_file = 1;
	}
	return 0;
}

/* 0, -ENOENT: nothing is mapped there; -EBUSY. */
static __always_inline long ask_vma(__u64 addr, struct vma_seen *seen)
{
	long err = -EBUSY;

	for (int i = 0; i < VMA_TRIES && err == -EBUSY; i++)
		err = bpf_find_vma(bpf_get_current_task_btf(), addr, see_vma, &seen, 0);
	return err;
}

#endif
