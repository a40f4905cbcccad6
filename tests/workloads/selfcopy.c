/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies its own text into memory of no file, at the same addresses, as programs do that want huge pages for it.
 * Says "ready" and waits for a line, copies, allocates, says "done".
 */
#include "workload.h"

#include <sys/mman.h>

ALLOCATOR(use_malloc, malloc(size))

#ifdef OWN_MALLOC	/* in a program that has the rest from shared libraries */
NOINLINE void *malloc(size_t size)
{
	static char arena[1 << 20] __attribute__((aligned(16)));
	static size_t used;
	void *p = arena + used;

	used += (size + 15) & ~(size_t)15;
	return used <= sizeof(arena) ? p : NULL;
}

void free(void *p)
{
	(void)p;
}
#endif

static void copy_text(unsigned long from, unsigned long to)
{
	char *new = mmap(NULL, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(new, (void *)from, to - from);
	mprotect(new, to - from, PROT_READ | PROT_EXEC);
	if (mremap(new, to - from, to - from, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from) == MAP_FAILED)
		_exit(3);
}

int main(void)
{
	char line[256];
	unsigned long from = 0, to = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "r-xp") && sscanf(line, "%lx-%lx", &from, &to) == 2 && (unsigned long)main >= from &&
		    (unsigned long)main < to)
			break;
	wait_for_go();
	copy_text(from, to);
	for (int i = 0; i < 1009; i++)
		use_malloc(13);
	say("use_malloc %d %d\ndone\n", 1009 * 13, 1009);
	wait_for_go();
	return 0;
}
