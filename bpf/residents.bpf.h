/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory of an address space is resident, as the kernel itself counts it, page by page. What it counts in is
 * a struct percpu_counter for each kind of page (6.2):
 *
 *     a page comes or goes -> this CPU's part += pages -> beyond percpu_counter_batch? -> count += the part, it is 0
 *                                                                                   -> tracepoint rss_stat
 *
 * The tracepoint does not say how many pages. But this CPU's part is changed by this CPU alone, and each change passes
 * the tracepoint: so what it was at the last change of this kind of page, in this address space, on this CPU, is kept,
 * and the difference is how many. Nothing is lost for good: a change that was not seen is a part of the next one.
 */
#ifndef ALLOCTRACE_RESIDENTS_BPF_H
#define ALLOCTRACE_RESIDENTS_BPF_H

#include "arch/arch.bpf.h"
#include "kernel.bpf.h"
#include "scratch.bpf.h"

/* Set before loading. */
const volatile bool resident = false;		/* it is followed */
const volatile __u32 resident_cpus = 1;		/* a power of two, at least the number of CPUs */
const volatile __u32 resident_n_cpus = 1;
const volatile __s32 resident_batch = 32;	/* percpu_counter_batch */

#define FEW_PAGES 16	/* that are mapped around a fault in a file */
#define HUGE_PAGES 512

/* enum of include/linux/mm_types_task.h */
#define MEMBER_FILE 0
#define MEMBER_ANON 1
#define MEMBER_SWAP 2	/* not resident */

struct mm_struct___resident {	/* 6.2 */
	struct percpu_counter rss_stat[RESIDENT_MEMBERS];
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(__u64));	/* arch_space() */
	__uint(value_size, sizeof(struct resident));	/* and a part for each CPU */
} residents SEC(".maps");

/* What a new one is at first. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct resident));
} resident_none SEC(".maps");

struct resident_ended resident_ended = {};

/*
 * By CPU: what is to be added to the address of a per-CPU variable to have the CPU's. Kernels without
 * CONFIG_KALLSYMS_ALL have no name for that, so it is seen at a variable of our own.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cpu_offsets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} cpu_variable SEC(".maps");

static long find_cpu_offset(__u32 cpu, void *arg)
{
	__u64 *offset = bpf_map_lookup_elem(&cpu_offsets, &cpu), *variable;
	__u32 first = 0;

	variable = bpf_map_lookup_percpu_elem(&cpu_variable, &first, cpu);
	if (!offset || !variable)
		return 0;
	*(__u64 *volatile *)offset = variable;
	*offset = *(volatile __u64 *)offset - *(__u64 *)arg;
	return 0;
}

/* Run by alloctrace itself while it loads. */
SEC("syscall")
int find_cpu_offsets(void *ctx)
{
	const struct bpf_array *map = bpf_rdonly_cast(&cpu_variable, bpf_core_type_id_kernel(struct bpf_array));
	__u64 address = direct_word((__u64)map + bpf_core_field_offset(struct bpf_array, pptrs));

	bpf_loop(resident_n_cpus, find_cpu_offset, &address, 0);
	return 0;
}

/* The address of the kernel's counter. */
static __always_inline __u64 resident_counter(struct mm_struct *mm, __u32 member)
{
	struct mm_struct___resident *m = (void *)mm;

	return (__u64)&m->rss_stat[0] + member * bpf_core_type_size(struct percpu_counter);
}

static __always_inline __s64 counter_common(__u64 counter)
{
	return direct_word(counter + bpf_core_field_offset(struct percpu_counter, count));
}

static __always_inline __s32 counter_part(__u64 counter, __u32 cpu)
{
	const __u64 at = direct_word(counter + bpf_core_field_offset(struct percpu_counter, counters));
	const __u64 *offset = bpf_map_lookup_elem(&cpu_offsets, &cpu);
	const struct refcount_struct *part;

	if (!offset)
		return 0;
	part = bpf_rdonly_cast((void *)(at + *offset), bpf_core_type_id_kernel(struct refcount_struct));
	return part->refs.counter;
}

static __always_inline __s32 *resident_own(struct resident *r, __u32 cpu, __u32 member)
{
	__u64 at = cpu, mask = resident_cpus - 1;

	asm volatile("%0 &= %1" : "+r"(at) : "r"(mask));
	return &r->own[at][MASKED(member, RESIDENT_MEMBERS - 1)];
}

/* A sum over all CPUs. */
struct resident_sum {
	struct resident *r;
	__u64 counter;		/* address of the first of the kernel's */
	__s64 pages;
	bool keep;		/* what the parts are, in r */
};

static long resident_sum_cpu(__u32 cpu, void *arg)
{
	struct resident_sum *sum = arg;
	struct resident *r = sum->r;

	for (__u32 m = 0; m < RESIDENT_MEMBERS; m++) {
		__s32 part = counter_part(sum->counter + m * bpf_core_type_size(struct percpu_counter), cpu);

		if (sum->keep)
			*resident_own(r, cpu, m) = part;
		if (m != MEMBER_SWAP)
			sum->pages += part;
	}
	return 0;
}

/* Pages that are resident now, as the kernel says. keep: what it has in its counters is kept in r. */
static __noinline __s64 resident_sum(struct resident *r, __u64 counter, bool keep)
{
	struct resident_sum sum = {.r = r, .counter = counter, .keep = keep};

	if (!r)
		return 0;
	for (__u32 m = 0; m < RESIDENT_MEMBERS; m++) {
		__s64 common = counter_common(counter + m * bpf_core_type_size(struct percpu_counter));

		if (keep)
			r->common[m] = common;
		if (m != MEMBER_SWAP)
			sum.pages += common;
	}
	bpf_loop(resident_n_cpus, resident_sum_cpu, &sum, 0);
	return sum.pages;
}

static __always_inline struct resident *resident_find(struct mm_struct *mm)
{
	__u64 space = arch_space(mm);

	return bpf_map_lookup_elem(&residents, &space);
}

/* The address space is followed from now on, if it is not yet. Whoever puts it into the table fills it; meanwhile it is
 * not there. */
static __always_inline struct resident *resident_begin(struct mm_struct *mm)
{
	__u64 space = arch_space(mm);
	struct resident *none, *r;
	__u32 zero = 0;
	long err;

	none = bpf_map_lookup_elem(&resident_none, &zero);
	if (!none)
		return NULL;
	err = bpf_map_update_elem(&residents, &space, none, BPF_NOEXIST);
	r = bpf_map_lookup_elem(&residents, &space);
	if (!r)
		__sync_fetch_and_add(&resident_ended.full, 1);
	if (err || !r)
		return r;
	r->start = r->now = resident_sum(r, resident_counter(mm, 0), true);
	*(volatile __u32 *)&r->ready = 1;
	return r;
}

/* What is resident now is to be known; from now on, if it was not before. */
static __always_inline void resident_look(struct mm_struct *mm)
{
	struct resident *r;

	if (!mm)
		return;
	r = resident_find(mm);
	if (!r)
		resident_begin(mm);
	else
		r->now = resident_sum(r, resident_counter(mm, 0), false);
}

/* A fault brings some pages of a file, or a folio of a power of two, up to a huge page. */
static __always_inline bool is_of_fault(__s64 pages)
{
	return pages > 0 && (pages <= FEW_PAGES || (pages <= HUGE_PAGES && !(pages & (pages - 1))));
}

/*
 * CPUs add their parts to `count` one after another, and what one has just added and not looked at yet, another one
 * finds. What a thread can't have brought by its fault is another's, and left to it; then the part came to the batch by
 * what is missing to it, or by a huge page. The sum of all is right in the end.
 */
static __always_inline __s64 resident_claim(__s64 pages, __s64 before, __u32 member)
{
	if (is_of_fault(pages))
		return pages;
	if (member != MEMBER_ANON && before == 1)	/* taken away to be copied */
		return -1;
	if (is_of_fault(-before))	/* just to 0 */
		return -before;
	return resident_batch - before <= FEW_PAGES ? resident_batch - before : HUGE_PAGES;
}

static __always_inline bool in_fault(void)
{
	return !arch_in_syscall((void *)bpf_task_pt_regs(bpf_get_current_task_btf()));
}

/* By how many pages the counter was just changed on this CPU. */
static __always_inline __s64 resident_change(struct resident *r, struct mm_struct *mm, __u32 member)
{
	const __u64 counter = resident_counter(mm, 0) + member * bpf_core_type_size(struct percpu_counter);
	__s32 *own = resident_own(r, bpf_get_smp_processor_id(), member);
	__s64 before = *own, after = counter_part(counter, bpf_get_smp_processor_id()), added, pages;
	__s64 *common = &r->common[MASKED(member, RESIDENT_MEMBERS - 1)];

	*own = after;
	if (after)
		return after - before;
	added = counter_common(counter) - *(volatile __s64 *)common;
	pages = added - before;
	if (mm->mm_users.counter > 1 && in_fault())
		pages = resident_claim(pages, before, member);
	if (pages != -before)
		__sync_fetch_and_add(common, before + pages);
	return pages;
}

#endif
