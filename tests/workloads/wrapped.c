/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an allocator in front of the C library's is called for: 3,000 calls, 600,000 bytes, 100 blocks of 200 live. */
#include <stdlib.h>

static __attribute__((noinline)) void work(void)
{
	for (int i = 0; i < 1000; i++) {
		void *volatile p = malloc(100);
		void *volatile q = calloc(10, 20);

		p = realloc(p, 300);
		free(p);
		if (i % 10)
			free(q);
	}
}

int main(void)
{
	work();
	return 0;
}
