/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocator families: which functions allocate and free, and what each argument means. A family is a table of rows in a
 * file of its own; a new allocator is a new file and a row in alloc_families[].
 */
#ifndef ALLOCTRACE_ALLOC_FAMILY_H
#define ALLOCTRACE_ALLOC_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file;

#define ALLOC_NO_ARG (-1)

/* What a function that maps memory does, and its arguments. */
enum alloc_maps {
	ALLOC_MAPS_NOTHING,
	ALLOC_MAPS_MMAP,
	ALLOC_MAPS_MREMAP,
	ALLOC_MAPS_MUNMAP,
	ALLOC_MAPS_BRK,
	ALLOC_MAPS_SBRK,
};

struct alloc_function {
	const char *name;	/* the exported symbol, mangled if it is C++ */
	const char *shown;	/* as reports show it: "malloc", "operator new" */
	int8_t size_arg;	/* which argument (0 = the first) is the size in bytes; ALLOC_NO_ARG if it frees */
	int8_t count_arg;	/* multiplied with the size; ALLOC_NO_ARG if there is none */
	int8_t old_arg;		/* the block that is freed (realloc, free); ALLOC_NO_ARG if there is none */
	/*
	 * Where the block's address is stored, the return value being 0 or an error number (posix_memalign);
	 * ALLOC_NO_ARG if the block is what is returned, NULL on failure.
	 */
	int8_t out_arg;
	bool frees;		/* it only gives old_arg up, which may be NULL: free, operator delete */
	bool may_throw;		/* never a uretprobe */
	bool page_aligned;	/* what it returns begins a page: it cannot leave its work to malloc */
	bool named;		/* on the command line (alloc/user.h) */
	/* Of Go's runtime: found by .gopclntab (probe/plan_go.c); its second argument is the type's address. Calls for
	 * 0 bytes allocate nothing. */
	bool is_go;
	bool is_usdt;	/* no function: a place in code, found by its note (probe/plan_usdt.c) */
	uint8_t maps;	/* enum alloc_maps: no allocator's, but what a program maps memory by (probe/plan_maps.c) */
	/*
	 * Names, NULL-terminated, of functions that do all of this one's work where this one calls or jumps to them:
	 * then only they are probed (operator new -> malloc is two traps otherwise). NULL: none.
	 */
	const char *const *forwards_to;
};

struct alloc_family {
	const char *name;	/* "C", "C++" */
	const struct alloc_function *functions;
	size_t n;
};

extern const struct alloc_family *const alloc_families[];	/* NULL-terminated */

/* The BPF side has 8 bits for an id. */
#define ALLOC_MAX_FUNCTIONS 256

/* The rows of all families have ids 0 … alloc_function_count() - 1, in table order; the BPF side counts by them. Those
 * that are added while alloctrace runs have the ids behind. */
size_t alloc_function_count(void);
/* NULL: there is no such id. */
const struct alloc_function *alloc_function(size_t id);
/* The id of the row that all allocations of Go code go by. */
uint16_t alloc_function_of_go(void);
/* That of USDT probes on allocations, or on frees. */
uint16_t alloc_function_of_usdt(bool frees);
/* Adds a row; its name and what it is shown as are copied. Its id, or -ENOSPC. */
int alloc_add_function(const struct alloc_function *fn);
/* The id of a row like that of id, but shown under that name (a je_malloc is a malloc): the same id if that is its name
 * already, or if there is no room for more. */
size_t alloc_alias(size_t id, const char *name);

/* Which implementation the file holds, for the summary: "glibc 2.36", "jemalloc", "tcmalloc", "mimalloc", "musl", or
 * NULL if it is none that is known. Static string or interned: never freed. */
const char *alloc_implementation(const struct elf_file *ef, const char *path);

#endif
