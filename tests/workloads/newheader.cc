/* SPDX-License-Identifier: GPL-2.0-or-later */
/* operator new of a program that puts a header before each block, and one for arrays that has a pool. */
#include <new>
#include <cstdlib>

static const size_t header = 64, pool_size = 1 << 20;
static char pool[pool_size];
static size_t used;
static void *volatile keep;

__attribute__((noinline)) void *operator new(size_t n)
{
	char *p = static_cast<char *>(malloc(n + header));

	if (!p)
		throw std::bad_alloc();
	return p + header;
}

void operator delete(void *p) noexcept
{
	if (p)
		free(static_cast<char *>(p) - header);
}

void operator delete(void *p, size_t) noexcept
{
	operator delete(p);
}

__attribute__((noinline)) void *operator new[](size_t n)
{
	void *p = pool + used;

	used = (used + n + 15) % (pool_size / 2) & ~static_cast<size_t>(15);
	return p;
}

void operator delete[](void *) noexcept
{
}

void operator delete[](void *, size_t) noexcept
{
}

struct block {
	char bytes[100];
};

/* 1,000 calls, 100,000 bytes, 100 blocks live. */
static __attribute__((noinline)) void by_new()
{
	for (int i = 0; i < 1000; i++) {
		block *p = new block;

		keep = p;
		if (i % 10)
			delete p;
	}
}

/* 1,000 calls, 50,500 bytes. */
static __attribute__((noinline)) void by_array()
{
	for (int i = 0; i < 1000; i++) {
		char *p = new char[50 + (i & 1)];

		keep = p;
		delete[] p;
	}
}

int main()
{
	by_new();
	by_array();
	return 0;
}
