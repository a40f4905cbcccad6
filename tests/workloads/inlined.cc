// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Callers that the compiler inlines, built with -O2 -g and without frame pointers: exact counts for each line.
 *
 *     inlined        3001 blocks of 61 bytes through three inlined functions, 1009 of 127 bytes and 503 of 251 bytes by
 *                    two lines of one function, and a vector that grows to 4096 ints
 */
#include <cstdlib>
#include <vector>

#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

static inline void *innermost(size_t n)
{
	void *p = malloc(n);	// LINE innermost

	KEEP(p);
	return p;
}

namespace app {

struct Builder {
	inline void *middle(size_t n)
	{
		void *p = innermost(n);	// LINE middle

		KEEP(p);
		return p;
	}
};

__attribute__((noinline)) void build(int count)
{
	Builder b;

	for (int i = 0; i < count; i++)
		free(b.middle(61));	// LINE build
}

__attribute__((noinline)) void two_lines(int first, int second)
{
	for (int i = 0; i < first; i++) {
		void *p = malloc(127);	// LINE first

		KEEP(p);
		free(p);
	}
	for (int i = 0; i < second; i++) {
		void *p = malloc(251);	// LINE second

		KEEP(p);
		free(p);
	}
}

__attribute__((noinline)) size_t grow()
{
	std::vector<int> v;

	v.reserve(4096);
	KEEP(v.data());
	return v.capacity();
}

}

int main()
{
	app::build(3001);
	app::two_lines(1009, 503);
	return app::grow() == 4096 ? 0 : 1;
}
