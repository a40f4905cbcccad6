/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live heap of C++: operator new and delete in their forms, exceptions out of code that allocates, an operator new
 * that throws; each in functions of their own.
 *
 * usage: heapxx [-w] [-s]
 * On stdout, as workloads/heap.c: FUNCTION, live BYTES BLOCKS, allocated BYTES CALLS.
 */
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

extern "C" {
#include "workload.h"
}

static volatile size_t huge = static_cast<size_t>(1) << 62;

struct item {
	char data[71];
};

struct alignas(64) wide {
	char data[192];
};

/* Has a destructor: new[] keeps the number of elements in front of them, 8 bytes more. */
struct counted {
	char data[13];
	NOINLINE ~counted() { opaque(this); }
};

template <typename T> static T *hidden(T *p)
{
	return static_cast<T *>(opaque(p));
}

#define FUNCTION extern "C" NOINLINE

FUNCTION void kept_new(size_t n)
{
	for (size_t i = 0; i < n; i++)
		hidden(new item);
}

FUNCTION void sized_delete(size_t n)
{
	for (size_t i = 0; i < n; i++)
		delete hidden(new item);
}

FUNCTION void unsized_delete(size_t n)
{
	for (size_t i = 0; i < n; i++)
		::operator delete(opaque(::operator new(83)));
}

FUNCTION void kept_aligned(size_t n)
{
	for (size_t i = 0; i < n; i++)
		hidden(new wide);
}

FUNCTION void aligned_delete(size_t n)
{
	for (size_t i = 0; i < n; i++)
		delete hidden(new wide);
}

FUNCTION void kept_array(size_t n)
{
	for (size_t i = 0; i < n; i++)
		hidden(new counted[7]);
}

FUNCTION void array_delete(size_t n)
{
	for (size_t i = 0; i < n; i++)
		delete[] hidden(new counted[11]);
}

FUNCTION void aligned_array_delete(size_t n)
{
	for (size_t i = 0; i < n; i++)
		delete[] hidden(new wide[3]);
}

FUNCTION void nothrow_kept(size_t n)
{
	for (size_t i = 0; i < n; i++)
		hidden(new (std::nothrow) item);
}

FUNCTION void nothrow_fails(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (hidden(new (std::nothrow) char[huge]))
			_exit(3);
	}
}

/* Operator new does not return here: it throws. */
FUNCTION void too_much()
{
	hidden(new char[huge]);
}

FUNCTION void kept_and_thrown()
{
	hidden(new item);
	throw 1;
}

FUNCTION void unwound_and_thrown()
{
	std::unique_ptr<item> owner(hidden(new item));

	opaque(owner.get());
	throw 2;
}

FUNCTION void vector_freed(size_t n)
{
	std::vector<int> v;

	for (size_t i = 0; i < n; i++)
		v.push_back(static_cast<int>(i));
	opaque(v.data());
}

FUNCTION void vector_kept(size_t n)
{
	auto *v = hidden(new std::vector<short>);

	v->reserve(n);
	opaque(v->data());
}

FUNCTION void kept_after(size_t n)
{
	for (size_t i = 0; i < n; i++)
		hidden(new char[89]);
}

template <typename F> static void catching(size_t n, F thrower)
{
	for (size_t i = 0; i < n; i++) {
		try {
			thrower();
			_exit(4);
		} catch (const std::bad_alloc &) {
		} catch (int) {
		}
	}
}

int main(int argc, char **argv)
{
	const bool sleep_after = wait_if_told(argc, argv);

	kept_new(113);
	row("kept_new", 113, 71, 113);
	sized_delete(127);
	row("sized_delete", 0, 71, 127);
	unsized_delete(131);
	row("unsized_delete", 0, 83, 131);
	kept_aligned(41);
	row("kept_aligned", 41, 192, 41);
	aligned_delete(43);
	row("aligned_delete", 0, 192, 43);
	kept_array(47);
	row("kept_array", 47, 7 * 13 + 8, 47);
	array_delete(53);
	row("array_delete", 0, 11 * 13 + 8, 53);
	aligned_array_delete(59);
	row("aligned_array_delete", 0, 3 * 192, 59);
	nothrow_kept(61);
	row("nothrow_kept", 61, 71, 61);
	nothrow_fails(67);
	row("nothrow_fails", 0, 0, 0);
	/* More often than the kernel keeps return probes for one thread (64), should anyone put one there. */
	catching(211, too_much);
	row("too_much", 0, 0, 0);
	catching(71, kept_and_thrown);
	row("kept_and_thrown", 71, 71, 71);
	catching(73, unwound_and_thrown);
	row("unwound_and_thrown", 0, 71, 73);
	kept_after(79);
	row("kept_after", 79, 89, 79);
	vector_freed(1000);
	say("vector_freed 0 0 - -\n");
	vector_kept(1009);
	say("vector_kept %zu 2 %zu 2\n", sizeof(std::vector<short>) + 2018, sizeof(std::vector<short>) + 2018);
	say("done\n");
	if (sleep_after)
		sleep_until_killed();
	return 0;
}
