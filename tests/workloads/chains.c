/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that makes stacks up: code in anonymous memory calls malloc with a chain of frame pointers that no call has
 * left, each time another one.
 *
 * usage: chains [-w] N      N calls of malloc(33), by as many different stacks of FRAMES frames
 */
#include "workload.h"

#include <sys/mman.h>

#define FRAMES 126
#define ROOM ((size_t)64 << 20)	/* code, where addresses of made-up callers lie */

typedef void *call_fn(void *chain, void *(*fn)(size_t), size_t size);

static const unsigned char code[] = {
	0x55, 0x53, 0x53,	/* push %rbp; push %rbx twice, which aligns the stack */
	0x48, 0x89, 0xfd,	/* mov %rdi,%rbp */
	0x48, 0x89, 0xd7,	/* mov %rdx,%rdi */
	0xff, 0xd6,		/* call *%rsi */
	0x5b, 0x5b, 0x5d, 0xc3,	/* pop %rbx twice; pop %rbp; ret */
};

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return *seed >> 33;
}

int main(int argc, char **argv)
{
	bool wait = argc > 1 && !strcmp(argv[1], "-w");
	uint64_t chain[FRAMES + 1][2], seed = 1;
	unsigned long n;
	char *room;

	if (argc < 2 + wait)
		return 2;
	n = number(argv[1 + wait]);
	room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(room, code, sizeof(code));
	if (mprotect(room, ROOM, PROT_READ | PROT_EXEC))
		return 1;
	if (wait)
		wait_for_go();
	for (unsigned long i = 0; i < n; i++) {
		for (size_t f = 0; f < FRAMES; f++) {
			chain[f][0] = (uintptr_t)chain[f + 1];
			chain[f][1] = (uintptr_t)room + next(&seed) % ROOM;
		}
		chain[FRAMES][0] = chain[FRAMES][1] = 0;
		free(((call_fn *)(void *)room)(opaque(chain), malloc, 33));
	}
	say("made_up %lu %lu\n", n * 33, n);
	return 0;
}
