/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C++: operator new in its forms, templates, an exception on the way; each in a function with a name to be demangled.
 *
 * usage: cxx [-w]
 * On stdout: FUNCTION, tab, BYTES, tab, CALLS (bytes as asked from operator new).
 */
#include <cstddef>
#include <cstdlib>
#include <new>

extern "C" {
#include "workload.h"
}

namespace shop {

struct item {
	char data[71];
};

template <typename T>
NOINLINE void make(size_t calls)
{
	for (size_t i = 0; i < calls; i++)
		delete static_cast<T *>(opaque(new T));
}

template <typename T>
NOINLINE void make_array(size_t calls, size_t n)
{
	for (size_t i = 0; i < calls; i++)
		delete[] static_cast<T *>(opaque(new T[n]));
}

NOINLINE void make_nothrow(size_t calls)
{
	for (size_t i = 0; i < calls; i++)
		delete static_cast<item *>(opaque(new (std::nothrow) item));
}

class cashier {
public:
	NOINLINE void operator()(int amount) const
	{
		delete[] static_cast<char *>(opaque(new char[static_cast<size_t>(amount)]));
		if (amount % 2)
			throw amount;
	}
};

NOINLINE int catch_all(size_t calls)
{
	cashier pay;
	int caught = 0;

	for (size_t i = 0; i < calls; i++) {
		try {
			pay(73);
		} catch (int amount) {
			caught += amount;
		}
	}
	return caught;
}

} // namespace shop

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-w"))
		wait_for_go();
	shop::make<shop::item>(113);
	shop::make<long>(127);
	shop::make_array<short>(131, 67);
	shop::make_nothrow(137);
	if (shop::catch_all(139) != 139 * 73)
		return 1;
	say("shop::make<shop::item>\t%d\t113\n", 113 * 71);
	say("shop::make<long>\t%d\t127\n", 127 * 8);
	say("shop::make_array<short>\t%d\t131\n", 131 * 67 * 2);
	say("shop::make_nothrow\t%d\t137\n", 137 * 71);
	say("shop::cashier::operator()\t%d\t139\n", 139 * 73);
	return 0;
}
