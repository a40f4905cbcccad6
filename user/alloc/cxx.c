/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The C++ family: operator new and new[], plain, nothrow, and with an alignment; operator delete and delete[], which
 * may be told the size too. tcmalloc, jemalloc and mimalloc implement them without calling malloc and free; libstdc++
 * and libc++ hand them on, and then only malloc, aligned_alloc and free are probed (which see 1 byte for `new` of 0
 * bytes, and an aligned size rounded up to its alignment).
 */
#include "alloc/families.h"

#define TO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NEW(symbol, what, throws, ...) \
	{.name = (symbol), .shown = (what), .size_arg = 0, .count_arg = ALLOC_NO_ARG, .old_arg = ALLOC_NO_ARG, \
	 .out_arg = ALLOC_NO_ARG, .may_throw = (throws), .forwards_to = TO(__VA_ARGS__)}

#define DELETE(symbol, what, ...) \
	{.name = (symbol), .shown = (what), .size_arg = ALLOC_NO_ARG, .count_arg = ALLOC_NO_ARG, .old_arg = 0, \
	 .out_arg = ALLOC_NO_ARG, .frees = true, \
	 .forwards_to = TO(__VA_ARGS__, "free", "mi_free_aligned", "mi_free_size_aligned")}

#define PLAIN "_Znwm"
#define PLAIN_NT "_ZnwmRKSt9nothrow_t"
#define ALIGNED "_ZnwmSt11align_val_t"
#define ALIGNED_NT "_ZnwmSt11align_val_tRKSt9nothrow_t"
#define ARRAY "_Znam"
#define ARRAY_NT "_ZnamRKSt9nothrow_t"
#define ARRAY_ALIGNED "_ZnamSt11align_val_t"
#define ARRAY_ALIGNED_NT "_ZnamSt11align_val_tRKSt9nothrow_t"
#define ANY_ALIGNED "aligned_alloc", "memalign", "posix_memalign", "mi_malloc_aligned"

#define DEL "_ZdlPv"
#define DEL_NT "_ZdlPvRKSt9nothrow_t"
#define DEL_SIZED "_ZdlPvm"
#define DEL_ALIGNED "_ZdlPvSt11align_val_t"
#define DEL_ALIGNED_NT "_ZdlPvSt11align_val_tRKSt9nothrow_t"
#define DEL_SIZED_ALIGNED "_ZdlPvmSt11align_val_t"
#define DEL_ARRAY "_ZdaPv"
#define DEL_ARRAY_NT "_ZdaPvRKSt9nothrow_t"
#define DEL_ARRAY_SIZED "_ZdaPvm"
#define DEL_ARRAY_ALIGNED "_ZdaPvSt11align_val_t"
#define DEL_ARRAY_ALIGNED_NT "_ZdaPvSt11align_val_tRKSt9nothrow_t"
#define DEL_ARRAY_SIZED_ALIGNED "_ZdaPvmSt11align_val_t"

static const struct alloc_function functions[] = {
	NEW(PLAIN, "operator new", true, "malloc"),
	NEW(PLAIN_NT, "operator new (nothrow)", false, PLAIN, "malloc", "mi_new_nothrow"),
	NEW(ALIGNED, "operator new (aligned)", true, ANY_ALIGNED),
	NEW(ALIGNED_NT, "operator new (aligned, nothrow)", false, ALIGNED, ANY_ALIGNED,
	    "mi_new_aligned_nothrow"),
	NEW(ARRAY, "operator new[]", true, PLAIN, "malloc"),
	NEW(ARRAY_NT, "operator new[] (nothrow)", false, ARRAY, PLAIN_NT, PLAIN, "malloc", "mi_new_nothrow"),
	NEW(ARRAY_ALIGNED, "operator new[] (aligned)", true, ALIGNED, ANY_ALIGNED),
	NEW(ARRAY_ALIGNED_NT, "operator new[] (aligned, nothrow)", false, ARRAY_ALIGNED, ALIGNED_NT, ALIGNED,
	    ANY_ALIGNED, "mi_new_aligned_nothrow"),
	/* However it is told what it frees: giving it up is all of the work. */
	DELETE(DEL, "operator delete", "free_sized"),
	DELETE(DEL_NT, "operator delete (nothrow)", DEL),
	DELETE(DEL_SIZED, "operator delete (sized)", DEL, "free_sized", "sdallocx"),
	DELETE(DEL_ALIGNED, "operator delete (aligned)", DEL),
	DELETE(DEL_ALIGNED_NT, "operator delete (aligned, nothrow)", DEL_ALIGNED, DEL),
	DELETE(DEL_SIZED_ALIGNED, "operator delete (sized, aligned)", DEL_ALIGNED, DEL_SIZED, DEL, "sdallocx",
	       "free_aligned_sized"),
	DELETE(DEL_ARRAY, "operator delete[]", DEL),
	DELETE(DEL_ARRAY_NT, "operator delete[] (nothrow)", DEL_ARRAY, DEL_NT, DEL),
	DELETE(DEL_ARRAY_SIZED, "operator delete[] (sized)", DEL_ARRAY, DEL_SIZED, DEL, "free_sized", "sdallocx"),
	DELETE(DEL_ARRAY_ALIGNED, "operator delete[] (aligned)", DEL_ARRAY, DEL_ALIGNED, DEL),
	DELETE(DEL_ARRAY_ALIGNED_NT, "operator delete[] (aligned, nothrow)", DEL_ARRAY_ALIGNED, DEL_ALIGNED_NT,
	       DEL_ALIGNED, DEL_ARRAY, DEL),
	DELETE(DEL_ARRAY_SIZED_ALIGNED, "operator delete[] (sized, aligned)", DEL_ARRAY_ALIGNED, DEL_SIZED_ALIGNED,
	       DEL_ALIGNED, DEL_ARRAY_SIZED, DEL_ARRAY, DEL, "sdallocx", "free_aligned_sized"),
};

const struct alloc_family alloc_family_cxx = {.name = "C++", .functions = functions, .n = COUNT(functions)};
