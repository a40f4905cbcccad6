/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack, word by word, read in place (direct.bpf.h). Where that can't be, what costs is bpf_probe_read_user(), less
 * the bytes (20 ns a KiB) than the call (80 ns): most often one is enough, since a walk comes about as far as the last
 * one did.
 */
#ifndef ALLOCTRACE_WINDOW_BPF_H
#define ALLOCTRACE_WINDOW_BPF_H

#include "direct.bpf.h"
#include "retprobe.bpf.h"
#include "scratch.bpf.h"

#define WINDOW_STEP_BYTES 2048

/* Has the page at addr in place. */
static __always_inline bool window_map(struct scratch *s, __u64 addr)
{
	__u64 number = addr >> PAGE_SHIFT, offset = addr & (PAGE_BYTES - 1);
	struct direct_page *page = &s->pages.at[MASKED(number, DIRECT_PAGES - 1)];

	if (s->window.copies || (page->number != number && !direct_find(addr, page)) ||
	    !direct_word(page->at + offset)) {
		*(void *volatile *)&s->window.in = s->window.words;
		return false;
	}
	s->window.at = addr - offset;
	s->window.bytes = PAGE_BYTES;
	s->window.in = page->at;
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
	n = s->window.next ? s->window.next : WINDOW_STEP_BYTES;
	if (n > sizeof(s->window.words))
		n = sizeof(s->window.words);
	s->window.at = addr;
	s->window.next = WINDOW_STEP_BYTES;
	if (bpf_probe_read_user(s->window.words, n, (void *)addr)) {
		if (n <= page || bpf_probe_read_user(s->window.words, page, (void *)addr))
			page = 0;
		n = page;
	}
	s->window.bytes = n;
	return n >= sizeof(__u64);
}

/* The word at addr, which is a multiple of 8. */
static __always_inline bool stack_word(struct scratch *s, __u64 addr, __u64 *word)
{
	__u64 off = addr - s->window.at;

	if (off >= s->window.bytes) {
		if (!window_read(s, addr))
			return false;
		off = addr - s->window.at;
	}
	*word = direct_possible ? direct_word(s->window.in + off) : s->window.words[(off >> 3) & (WINDOW_WORDS - 1)];
	return true;
}

/* The return address at addr, a multiple of 8, whatever a uretprobe has put there. */
static __always_inline bool stack_return(struct scratch *s, __u64 addr, __u64 *ret)
{
	__u64 original;

	if (!stack_word(s, addr, ret))
		return false;
	/* Without a trampoline it is 0. */
	if (*ret == s->window.trampoline && *ret) {
		original = retprobe_original(addr);
		if (original)
			*ret = original;
	}
	return true;
}

#endif
