/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap that changes only when it is told to, for marks (generations) and for what is done at a known moment. Says
 * "ready" first; then every line on stdin is a step, after which it says "step N":
 *
 *   1  `first` allocates 101 blocks of 1009 bytes
 *   2  `second` allocates 103 of 503, 40 of first's are freed
 *   3  `third` allocates 107 of 251, 20 of first's and 30 of second's are freed, 10 of first's grow to 2003 (`moved`)
 *   4  `first` allocates 7 more
 *
 * At the end of stdin it ends.
 */
#include "workload.h"

ALLOCATOR(first, malloc(size))
ALLOCATOR(second, malloc(size))
ALLOCATOR(third, malloc(size))
REALLOCATOR(moved, realloc(old, size))

static void *of_first[101], *of_second[103];

static void make(void **to, void *(*allocate)(size_t), size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		void *p = allocate(size);

		if (to)
			to[i] = p;
	}
}

static void drop(void **from, size_t begin, size_t end)
{
	for (size_t i = begin; i < end; i++)
		free(from[i]);
}

static void step(unsigned n)
{
	switch (n) {
	case 1:
		make(of_first, first, 101, 1009);
		break;
	case 2:
		make(of_second, second, 103, 503);
		drop(of_first, 0, 40);
		break;
	case 3:
		make(NULL, third, 107, 251);
		drop(of_first, 40, 60);
		drop(of_second, 0, 30);
		for (size_t i = 60; i < 70; i++)
			moved(of_first[i], 2003);
		break;
	case 4:
		make(NULL, first, 7, 1009);
		break;
	}
}

int main(void)
{
	unsigned n = 0;
	char c;

	say("ready\n");
	while (read(STDIN_FILENO, &c, 1) == 1) {
		if (c != '\n')
			continue;
		step(++n);
		say("step %u\n", n);
	}
	return 0;
}
