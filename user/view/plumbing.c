/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that only pass a request on to an allocator: operator new, and what a language's or a library's own
 * allocator consists of. The site of a call is the first frame that is none of them. Two kinds of rules:
 *
 *   by name     C functions, and C++ functions without their parameters: "g_malloc", "std::…::_M_allocate"
 *   by crate    Rust: all of the crates alloc, core and hashbrown, and std's allocators. Without -g they are inlined
 *               and their callers are the sites; with -g the sites are the same. Of "<T as Trait>::f" both have to be
 *               of these crates: how a program's own type is cloned or shown is the program's code.
 *
 * Names are as rustc 1.63 to 1.95 (both manglings), gcc 12, clang 14 and the libraries of Debian 12 have them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sym/demangle.h"
#include "view/view.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The whole name of a C function. */
static const char *const functions[] = {
	/* GLib */
	"g_malloc", "g_malloc0", "g_malloc_n", "g_malloc0_n", "g_realloc", "g_realloc_n", "g_try_malloc",
	"g_try_malloc0", "g_try_malloc_n", "g_try_malloc0_n", "g_try_realloc", "g_try_realloc_n", "g_aligned_alloc",
	"g_aligned_alloc0", "g_slice_alloc", "g_slice_alloc0", "standard_calloc", "standard_malloc",
	/* APR */
	"allocator_alloc", "apr_allocator_alloc", "apr_palloc", "apr_pcalloc", "apr_palloc_debug", "apr_pcalloc_debug",
	"pool_alloc",
	/* Qt */
	"qMallocAligned", "qReallocAligned", "allocateHelper",
	/* Rust, whatever crate they are said to be of */
	"__rust_alloc", "__rust_alloc_zeroed", "__rust_realloc", "__rdl_alloc", "__rdl_alloc_zeroed", "__rdl_realloc",
	"__rg_alloc", "__rg_alloc_zeroed", "__rg_realloc",
	/* Go's C.malloc */
	"x_cgo_malloc", "_cgo_malloc",
};

/* What the name begins with. */
static const char *const prefixes[] = {
	"mi_malloc", "mi_zalloc", "mi_calloc", "mi_realloc", "mi_rezalloc", "mi_recalloc", "mi_heap_", "mi_new",
	"mi_posix_memalign", "mi_memalign", "mi_aligned_", "mi_valloc", "mi_pvalloc", "_mi_",
};

/* Of the kernel's functions (--kernel), what the name begins with. The allocator's own are no frames. */
static const char *const kernel[] = {
	"__kvmalloc_node", "kvmalloc", "kvrealloc", "__vmalloc_no", "vmalloc", "vzalloc", "vrealloc", "kmemdup",
	"kstrdup", "kstrndup", "memdup_", "vmemdup_", "kasprintf", "kvasprintf", "mempool_alloc", "mempool_kmalloc",
	"mempool_kvmalloc", "devm_k", "sock_kmalloc", "sock_kmemdup", "__alloc_skb", "alloc_skb_with_frags",
};

/* Go's runtime; maps are there from 1.24 on. */
static const char *const runtimes[] = {"runtime.", "internal/runtime/"};
/* What it allocates by, for others and for itself. */
static const char *const runtime_allocators[] = {
	"runtime.mallocgc", "runtime.newobject", "runtime.newarray", "runtime.makeslice", "runtime.growslice",
	"runtime.rawstring", "runtime.rawbyteslice", "runtime.rawruneslice", "runtime.concatstring",
	"runtime.slicebytetostring", "runtime.slicerunetostring", "runtime.stringtoslice", "runtime.intstring",
	"runtime.gostring", "runtime.convT", "runtime.makechan", "runtime.makemap", "runtime.mapassign",
	"runtime.makeBucketArray", "runtime.hashGrow", "runtime.(*hmap)", "internal/runtime/maps.",
};

/* Methods of a class whose qualified name begins like that. */
static const struct {
	const char *class;
	const char *methods[16];
} classes[] = {
	{"std::", {"allocate", "_S_allocate", "_M_allocate", "_M_allocate_node", "_M_allocate_buckets",
	"_M_allocate_map",
		   "_M_get_node", "_M_create_storage", "_M_allocate_internal_storage", "__libcpp_allocate",
		   "__libcpp_operator_new", "__allocate_at_least", "allocate_at_least"}},
	{"__gnu_cxx::", {"allocate", "_S_allocate"}},
	{"QArrayData::", {"allocate", "allocate1", "allocate2", "reallocateUnaligned"}},
	{"QTypedArrayData<", {"allocate", "reallocateUnaligned"}},
	{"QArrayDataPointer<", {"allocateGrow", "reallocateAndGrow"}},
	{"QListData::", {"detach", "detach_grow", "realloc", "realloc_grow"}},
	{"QHashData::", {"allocateNode"}},
	{"QMapDataBase::", {"createData", "createNode"}},
	{"v8::base::", {"Malloc", "Calloc", "Realloc", "AlignedAlloc"}},
	{"v8::internal::", {"AllocWithRetry", "AlignedAllocWithRetry", "AlignedAlloc", "NewArray", "operator new",
			    "AllocateSegment", "Expand", "NewExpand", "AllocateArray", "Allocate", "New"}},
	{"node::", {"Malloc", "Calloc", "Realloc", "UncheckedMalloc", "UncheckedCalloc", "UncheckedRealloc",
		    "AllocateUninitialized", "Allocate"}},
};

static const char *const crates[] = {"alloc", "core", "hashbrown"};
/* Paths in other crates that are no program's code. */
static const char *const rust_paths[] = {
	"std::alloc::", "std::sys::alloc::", "std::sys::unix::alloc::", "std::sys::pal::unix::alloc::",
	"std::collections::hash::", "__rustc::", "__rustc[",
};
/* Who implements one of these is an allocator. */
static const char *const rust_traits[] = {"core::alloc::", "allocator_api2::"};

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

static bool is_among(const char *name, size_t len, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n && names[i]; i++)
		if (strlen(names[i]) == len && !memcmp(name, names[i], len))
			return true;
	return false;
}

static bool begins_with_any(const char *name, const char *const *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (begins(name, with[i]))
			return true;
	return false;
}

/* A class's own operator new ("Pool::operator new") is the program's code. */
static bool is_operator_new(const char *name)
{
	return begins(name, "operator new") && (name[12] == '(' || name[12] == '[' || !name[12]);
}

/*
 * The name's end without parameters, template arguments of the method and " const": of "A<B(int)>::f<C>(D) const" what
 * is before "<C>". *last: where the last part, behind "::", begins.
 */
static size_t unqualified(const char *name, size_t *last)
{
	size_t depth = 0, end = 0;

	*last = 0;
	for (size_t i = 0; name[i]; i++) {
		if (strchr("<(", name[i])) {
			if (!depth++ && !end)
				end = i;
		} else if (strchr(">)", name[i])) {
			depth -= depth > 0;
		} else if (!depth && name[i] == ':' && name[i + 1] == ':') {
			*last = i + 2;
			end = 0;
		}
	}
	return end ? end : strlen(name);
}

/* A template function's name comes with its return type before it: "char* node::Malloc<char>(unsigned long)". */
static const char *without_return_type(const char *name)
{
	const char *start = name;
	size_t depth = 0;

	for (const char *s = name; *s && (depth || *s != '('); s++) {
		depth += *s == '<';
		depth -= depth && *s == '>';
		if (*s == ' ' && !depth && !(s - name >= 8 && begins(s - 8, "operator")))
			start = s + 1;
	}
	return start;
}

static bool is_cxx(const char *full)
{
	const char *name = without_return_type(full);
	size_t last, end;

	if (is_operator_new(full))
		return true;
	for (size_t i = 0; i < COUNT(classes); i++) {
		if (!begins(name, classes[i].class))
			continue;
		end = unqualified(name, &last);
		return end > last && is_among(name + last, end - last, classes[i].methods, COUNT(classes[i].methods));
	}
	return false;
}

/* The type or trait at s, without what makes a reference, slice or array of it. */
static const char *bare_type(const char *s)
{
	static const char *const wraps[] = {"&", "mut ", "[", "(", "<", "*const ", "*mut ", "dyn "};

	for (size_t i = 0; i < COUNT(wraps);) {
		if (begins(s, wraps[i])) {
			s += strlen(wraps[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return s;
}

static size_t identifier(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* It is of one of the crates; or it has no path: a primitive type, or a parameter. */
static bool is_rust_own(const char *type)
{
	const char *s = bare_type(type);
	size_t n = identifier(s);

	if (!begins(s + n, "::"))
		return n > 0;
	return is_among(s, n, crates, COUNT(crates)) || begins_with_any(s, rust_paths, COUNT(rust_paths));
}

/* The " as " of "<T as Trait>", which s stands at; NULL: there is none. */
static const char *trait_of(const char *s)
{
	size_t depth = 0;

	for (; *s; s++) {
		if (strchr("<([", *s))
			depth++;
		else if (strchr(">)]", *s) && s[-1] != '-' && !--depth)
			return NULL;
		else if (depth == 1 && begins(s, " as "))
			return s + 4;
	}
	return NULL;
}

static bool is_rust(const char *name)
{
	const char *trait;
	size_t n = identifier(name), len = strlen(name);

	if (name[0] == '<') {
		trait = trait_of(name);
		if (trait && begins_with_any(trait, rust_traits, COUNT(rust_traits)))
			return true;
		return is_rust_own(name + 1) && (!trait || is_rust_own(trait));
	}
	/* A C++ function of a namespace of that name shows its parameters. */
	if (len && (name[len - 1] == ')' || begins(name + len - (len < 6 ? len : 6), " const")))
		return false;
	return (begins(name + n, "::") && is_among(name, n, crates, COUNT(crates))) ||
	       begins_with_any(name, rust_paths, COUNT(rust_paths));
}

static bool is_plumbing(const char *name)
{
	return is_among(name, strlen(name), functions, COUNT(functions)) ||
	       begins_with_any(name, prefixes, COUNT(prefixes)) || is_cxx(name) || is_rust(name);
}

/* "[kernel.kallsyms]", "[ext4]"; not a process's "[vdso]" or "[anon]", which have none of these functions. */
static bool is_of_kernel(const struct symbol *sym)
{
	return sym->module && sym->module[0] == '[';
}

void view_put_runtime_allocators(struct buf *out)
{
	bool first = true;

	buf_char(out, '(');
	for (size_t i = 0; i < COUNT(runtime_allocators); i++) {
		/* pprof compares names without what is in parentheses. */
		if (strchr(runtime_allocators[i], '('))
			continue;
		buf_str(out, first ? "" : "|");
		first = false;
		for (const char *s = runtime_allocators[i]; *s; s++)
			buf_printf(out, *s == '.' ? "\\%c" : "%c", *s);
	}
	buf_str(out, ").*");
}

enum view_rank view_rank(const struct symbol *sym)
{
	char *demangled;
	bool is;

	/* It has not called what it made. */
	if (sym->creator)
		return VIEW_FORWARDS;
	if (!sym->function)
		return VIEW_PROGRAM;
	if (is_of_kernel(sym) && begins_with_any(sym->function, kernel, COUNT(kernel)))
		return VIEW_FORWARDS;
	if (begins_with_any(sym->function, runtimes, COUNT(runtimes)))
		return begins_with_any(sym->function, runtime_allocators, COUNT(runtime_allocators)) ? VIEW_FORWARDS :
												       VIEW_RUNTIME;
	/* Shown as it is in the file: a name that is not mangled comes back as NULL. */
	demangled = demangle(sym->function);
	is = is_plumbing(demangled ? demangled : sym->function);
	free(demangled);
	return is ? VIEW_FORWARDS : VIEW_PROGRAM;
}

bool view_forwards(const struct symbol *sym)
{
	return view_rank(sym) < VIEW_PROGRAM;
}
