/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies its own text into anonymous memory at the same addresses, as programs do for huge pages, then waits and
 * allocates. Built without frame pointers: only the file's unwind information leads from the copy to its callers.
 *
 *   copied mremap|mprotect CALLS	(of the former no record tells; mprotect: there is one)
 */
#include <sys/mman.h>

#include "workload.h"

#define BLOCK_BYTES 211

extern char __executable_start, __etext;

ALLOCATOR(take, malloc(size))

NOINLINE void in_copied_code(unsigned long calls);
NOINLINE void in_copied_code(unsigned long calls)
{
	for (unsigned long i = 0; i < calls; i++)
		opaque(take(BLOCK_BYTES));
}

/* The pages of main() and of what lies around it. */
static void copy_text(bool with_record)
{
	const uintptr_t page = 4096, from = (uintptr_t)in_copied_code & -page;
	const size_t bytes = ((uintptr_t)&__etext + page - 1 - from) & -page;
	char *copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		abort();
	memcpy(copy, (void *)from, bytes);
	if (mprotect(copy, bytes, PROT_READ | PROT_EXEC) ||
	    mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from) == MAP_FAILED)
		abort();
	if (with_record && (mprotect((void *)from, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) ||
			    mprotect((void *)from, bytes, PROT_READ | PROT_EXEC)))
		abort();
}

int main(int argc, char **argv)
{
	const unsigned long calls = argc > 2 ? number(argv[2]) : 1;

	if (argc > 1)
		copy_text(!strcmp(argv[1], "mprotect"));
	wait_for_go();
	in_copied_code(calls);
	return 0;
}
