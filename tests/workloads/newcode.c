/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates below code that was just made, as a just-in-time compiler does: each piece is in memory of its own, and is
 * called once, at once. Waits before, and again in the end, with the pieces still mapped.
 *
 *   newcode PIECES
 */
#include <sys/mman.h>

#include "workload.h"

#define BLOCK_BYTES 61

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
static const unsigned char piece[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};

ALLOCATOR(take, malloc(size))

NOINLINE void below_new_code(void);
NOINLINE void below_new_code(void)
{
	take(BLOCK_BYTES);
}

NOINLINE void make_and_call(void);
NOINLINE void make_and_call(void)
{
	/* Every second page, or the kernel makes one mapping of them. */
	char *at = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*call)(void (*)(void));

	if (at == MAP_FAILED || mprotect(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		abort();
	memcpy(at, piece, sizeof(piece));
	memcpy(&call, &at, sizeof(call));
	call(below_new_code);
}

int main(int argc, char **argv)
{
	const unsigned long pieces = argc > 1 ? number(argv[1]) : 1;

	wait_for_go();
	for (unsigned long i = 0; i < pieces; i++)
		make_and_call();
	wait_for_go();
	return 0;
}
