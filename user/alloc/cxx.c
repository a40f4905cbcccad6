/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C++ family: operator new and new[], plain, nothrow, and with an alignment. tcmalloc, jemalloc and mimalloc
 * implement them without calling malloc; libstdc++ and libc++ hand them on, and then only malloc or aligned_alloc is
 * probed (which sees 1 byte for `new` of 0 bytes, and an aligned size rounded up to its alignment).
 */
#include "alloc/families.h"

#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NEW(symbol, what, throws, ...) \
	{.name = (symbol), .shown = (what), .size_arg = 0, .count_arg = ALLOC_NO_ARG, .old_arg = ALLOC_NO_ARG, \
	 .out_arg = ALLOC_NO_ARG, .may_throw = (throws), .forwards_to = TO(__VA_ARGS__)}

#define PLAIN "_Znwm"
#define PLAIN_NT "_ZnwmRKSt9nothrow_t"
#define ALIGNED "_ZnwmSt11align_val_t"
#define ALIGNED_NT "_ZnwmSt11align_val_tRKSt9nothrow_t"
#define ARRAY "_Znam"
#define ARRAY_NT "_ZnamRKSt9nothrow_t"
#define ARRAY_ALIGNED "_ZnamSt11align_val_t"
#define ARRAY_ALIGNED_NT "_ZnamSt11align_val_tRKSt9nothrow_t"
#define ANY_ALIGNED "aligned_alloc", "memalign", "posix_memalign"

static const struct alloc_function functions[] = {
	NEW(PLAIN, "operator new", true, "malloc"),
	NEW(PLAIN_NT, "operator new (nothrow)", false, PLAIN, "malloc"),
	NEW(ALIGNED, "operator new (aligned)", true, ANY_ALIGNED),
	NEW(ALIGNED_NT, "operator new (aligned, nothrow)", false, ALIGNED, ANY_ALIGNED),
	NEW(ARRAY, "operator new[]", true, PLAIN, "malloc"),
	NEW(ARRAY_NT, "operator new[] (nothrow)", false, ARRAY, PLAIN_NT, PLAIN, "malloc"),
	NEW(ARRAY_ALIGNED, "operator new[] (aligned)", true, ALIGNED, ANY_ALIGNED),
	NEW(ARRAY_ALIGNED_NT, "operator new[] (aligned, nothrow)", false, ARRAY_ALIGNED, ALIGNED_NT, ALIGNED,
	    ANY_ALIGNED),
};

const struct alloc_family alloc_family_cxx = {.name = "C++", .functions = functions, .n = COUNT(functions)};
