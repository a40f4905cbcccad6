/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The traced thread's memory, read in place. A walk wants a few words of each of a dozen frames, which may lie KiBs
 * apart; a copy of all that is between them costs more than the rest of the walk. But the kernel has all memory mapped
 * a second time, the direct map, and the page tables say where there a page is:
 *
 *     mm->pgd -> entry -> entry -> entry -> number of the page frame        direct_map + frame + offset: the same byte
 *
 * so that a word is one load. As get_user_pages_fast() does it, without a lock: the tables of a running thread's stack
 * stay, and if a page was moved or taken away meanwhile, which shows in the end, copies are made instead. Pages that
 * were found are kept for the next walks. A load from what isn't in the direct map reads as 0 (BPF_PROBE_MEM); so a
 * page where 0 is read first is copied, too. Pages of devices are refused, since reading them may have effects: those
 * that the kernel has no struct page for (the special bit), and frames behind the end of memory.
 *
 * User space finds out where the direct map is (find_direct_map()), or that all this does not work here, as where page
 * frames are encrypted or a hypervisor's.
 */
#ifndef ALLOCTRACE_DIRECT_BPF_H
#define ALLOCTRACE_DIRECT_BPF_H

#include "arch/arch.bpf.h"
#include "kernel.bpf.h"
#include "scratch.bpf.h"

/* Where memory ends, in bytes. */
const volatile __u64 direct_end = 0;
/* Where the direct map begins, 0: it isn't used; and the top level's place in an address, 39 or 48. */
__u64 direct_map = 0;
__u32 direct_top = 0;

/*
 * Have the page tables changed since this was asked last? Then what is known of pages is forgotten. It is void in
 * another address space, and when an entry of the page tables was changed or taken away: the kernel counts that, so
 * that CPUs know when to flush their TLB; and this here is a small TLB.
 */
static __always_inline bool direct_changed(struct scratch *s)
{
	struct mm_struct *mm = direct_mm();
	__u64 id = arch_space(mm), gen = arch_tlb_gen(mm);

	if (s->pages.space == id && s->pages.gen == gen)
		return false;
	s->pages.space = id;
	s->pages.gen = gen;
	for (int i = 0; i < DIRECT_PAGES; i++)
		s->pages.at[i].number = ~0ULL;
	return true;
}

/* Of the current process, in user space. False: nothing is there, or nothing to be read so. */
static __always_inline bool direct_find(__u64 addr, struct direct_page *page)
{
	struct mm_struct *mm = direct_mm();
	__u64 shift = direct_top, table = direct_word((__u64)&mm->pgd), entry;

	if (addr >> (shift + ENTRY_SHIFT - 1))	/* none of user space */
		return false;
	for (int level = 0; level < ENTRY_LEVELS; level++) {
		entry = direct_word(table + (addr >> shift & ((1 << ENTRY_SHIFT) - 1)) * sizeof(__u64));
		if (!entry_is_user(entry))
			return false;
		if (entry_is_page(entry, shift))
			break;
		table = direct_map + (entry & ENTRY_FRAME);
		shift -= ENTRY_SHIFT;
	}
	if (entry_is_special(entry) || (entry & ENTRY_FRAME) >= direct_end)
		return false;
	page->number = addr >> PAGE_SHIFT;
	page->at = direct_map + (entry & ENTRY_FRAME & -(1ULL << shift)) + (addr & ((1ULL << shift) - PAGE_BYTES));
	return true;
}

/*
 * Run by alloctrace itself while it loads: sets direct_map and direct_top if they are what t says.
 */
SEC("syscall")
int find_direct_map(struct direct_map_try *t)
{
	struct mm_struct *mm = direct_mm();
	struct direct_page page;

	if (!direct_possible)
		return 0;
	direct_map = ((direct_word((__u64)&mm->pgd) >> DIRECT_MAP_SHIFT) - t->gib) << DIRECT_MAP_SHIFT;
	direct_top = t->top;
	if (!direct_find(t->addr, &page) || direct_word(page.at + (t->addr & (PAGE_BYTES - 1))) != t->word)
		direct_map = 0;
	return 0;
}

#endif
