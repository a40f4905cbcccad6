/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes of one ELF file as plain data; probe/plan.h makes them.
 */
#ifndef ALLOCTRACE_MODEL_PLAN_H
#define ALLOCTRACE_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

#define SITE_NO_REG 0xff
#define SITE_ON_STACK 32
#define SITE_MAX_ARGS ABI_MAX_ARGS

enum site_cost {
	SITE_EMULATED,	/* one trap */
	SITE_STEPPED,	/* two: the kernel single-steps a copy of the instruction */
};

/* Where in a function its uprobe goes. */
struct site {
	uint32_t offset;	/* from the function's entry */
	enum site_cost cost;
	/* Where each wanted argument is now: a register, or SITE_ON_STACK and its number among those on the stack. */
	uint8_t arg_reg[SITE_MAX_ARGS];
	uint16_t pushed;	/* bytes: entry sp - sp here */
	bool fp_intact;		/* the frame pointer is still the caller's */
	bool repeats;		/* a jump leads back to the function's entry: a call that takes it is seen again */
	char insn[48];		/* the instruction, disassembled (AT&T) */
	/*
	 * A static sentence part: why here, for `check` ("first emulated instruction", "entry: a branch lands in the
	 * prologue").
	 */
	const char *why;
};

#define PLAN_MAX_BODIES 4

enum plan_flags {
	PLAN_NOPS = 1,		/* the kernel emulates multi-byte nops (FEATURE_NOPS) */
	PLAN_BLOCKS = 2,	/* blocks are followed from their allocation to their free */
	PLAN_NO_GO = 4,		/* no probe on the calls of Go's runtime */
	PLAN_GO_SAMPLER = 8,	/* one on what the runtime calls for each of its samples */
	PLAN_GOROUTINES = 16,	/* which goroutine of a Go program allocates is to be known: plan_go.goroutine */
	PLAN_USDT = 32,		/* USDT probes of allocators that sample themselves */
	PLAN_USDT_ALONE = 256,	/* where these stand for all of a file's calls: nothing else of C */
	PLAN_MAPS = 64,		/* functions by which a program maps memory itself, and all code of allocators */
	PLAN_NO_HEAP = 128,	/* these alone */
};

/* Where a USDT probe's argument is when it is hit. */
enum usdt_kind {
	USDT_NONE,
	USDT_CONSTANT,
	USDT_REGISTER,
	USDT_MEMORY,	/* at value + base + index * scale */
};

#define USDT_NO_REG 0xff

struct usdt_arg {
	uint8_t kind;		/* enum usdt_kind */
	uint8_t bytes;		/* 1, 2, 4, 8 */
	bool is_signed;
	uint8_t reg;		/* of a register, or the base; USDT_NO_REG: none */
	uint8_t shift;		/* of a register: the bits below the argument */
	uint8_t index, scale;	/* USDT_NO_REG: none */
	int64_t value;		/* the constant, or the offset */
};

#define USDT_ARGS 3	/* that are looked at: a block, its size, its weight */

struct plan_probe {
	uint16_t function;	/* id of the alloc_function */
	const char *name;	/* the symbol probed; belongs to the plan */
	uint64_t vaddr, size;	/* of the function */
	uint64_t file_offset;	/* of the probe site: what uprobes are registered by */
	struct site site;
	/*
	 * A call that leaves its work to another probed function by a jump is that one's event: no event here where
	 * argument skip_arg is at most skip_max (glibc's realloc jumps to malloc where the old block is NULL, its
	 * memalign where the alignment is at most 16). Its register is site.arg_reg[skip_arg]; skip_arg is
	 * SITE_NO_REG if there is no such case.
	 */
	uint8_t skip_arg;
	uint64_t skip_max;
	/*
	 * It may come to another allocator function, of whatever file: such a call is a part of this one, and no
	 * event. While this one is under way an address of its code is on the stack: bodies, as [from, to) relative
	 * to the probe's own address (the instruction pointer the BPF side sees). jumps: it may leave by a jump to
	 * code that is none of these, and then there is none.
	 */
	bool outer, jumps;
	struct { int32_t from, to; } bodies[PLAN_MAX_BODIES];
	uint8_t n_bodies;
	/* It only frees; its return must not be probed, since it may throw, or since the file is a Go program's. */
	bool frees, no_return;
	/*
	 * Registers at the site, SITE_NO_REG if there is none: the block that is given up, and the address that the
	 * new block's address is stored to (posix_memalign). out_reg only with PLAN_BLOCKS.
	 */
	uint8_t old_reg, out_reg;
	uint8_t type_place;	/* of a function of Go (is_go): where the address of the type is, as arg_reg */
	/*
	 * It is called for the allocations alone that Go's runtime samples; rate_from: the vaddr of MemProfileRate less
	 * that of the site.
	 */
	bool sampler;
	int64_t rate_from;
	/* It is no allocator's, but maps memory (alloc_function.maps). */
	bool maps;
	/*
	 * It is no function but a place in one, where the process tells of an allocation that it samples itself, or of
	 * the free of such a block (elf/usdt.h): its arguments, and the offset in the file of the counter that is to be
	 * raised as long as the probe is there, 0 if there is none.
	 */
	bool usdt;
	bool usdt_alone;	/* PLAN_USDT_ALONE: no other probes of C are in the file */
	struct usdt_arg usdt_args[USDT_ARGS];
	uint64_t semaphore;
};

/* Code of a file, in vaddrs. */
struct plan_range {
	uint64_t from, to;
};

/* A function that is there but not probed. */
struct plan_skip {
	uint16_t function;
	const char *name;	/* its symbol; belongs to the plan */
	uint64_t vaddr, size;	/* size 0: not known */
	/* Its calls may be missing from the report: it is no alias, and passes nothing on to one that is seen. */
	bool gap;
	/*
	 * "alias of memalign", "forwards to malloc (of another file)", "resolver (ifunc)"; what is not there is not
	 * listed.
	 */
	char why[96];
};

/* A function that a resolver chooses when the program is loaded. The plan has probes for what its code may choose. */
struct plan_ifunc {
	uint16_t function;
	const char *name;	/* belongs to the plan */
	uint64_t resolver;	/* vaddr */
};

/* How the labels of a goroutine are kept: as pprof.Do sets them. */
enum go_labels {
	GO_LABELS_UNKNOWN,
	GO_LABELS_NONE,		/* nothing in the program sets any */
	GO_LABELS_MAP,		/* a pointer to a map[string]string, up to Go 1.23 */
	GO_LABELS_LIST,		/* a pointer to a slice of pairs of strings */
};

/* Of a Go program: where in a goroutine's struct g, and in the struct m of its thread, things are (elf/goroutine.h).
 * Offsets in bytes. */
struct plan_goroutine {
	bool known;		/* m, curg, goid, gopc are */
	int16_t tls;		/* of the pointer to g, from the thread's base (Go 1.16 and older); 0: not known */
	uint16_t m;		/* g.m: the thread that runs it */
	uint16_t curg;		/* m.curg: the goroutine on whose behalf the thread's own stack (g0) is in use */
	uint16_t goid;		/* its number; of g0: 0 */
	uint16_t gopc;		/* where the `go` statement that made it returns to */
	uint16_t labels;
	uint8_t labels_form;	/* enum go_labels */
};

/* Of a Go program: where its runtime keeps sampled records of what was allocated and freed (elf/gobuckets.h finds it,
 * proc/gorecords.h reads them). Addresses are vaddrs; 0: not known. */
struct plan_go {
	bool found;		/* it is a Go program */
	bool refused;		/* it has Go code, which is not traced: the plan's gap says why */
	bool kept;		/* and keeps such records, unless MemProfileRate is 0 */
	uint64_t buckets;	/* of the pointer to the latest record (runtime.mbuckets) */
	uint64_t rate;		/* of runtime.MemProfileRate */
	const char *found_by;	/* how its table of functions was found; static */
	struct plan_goroutine goroutine;
};

struct plan {
	const char *implementation;	/* alloc_implementation(), may be NULL */
	/* What the file has and no symbol shows, so that calls may be missing; "" if there is no such thing. */
	char gap[96];
	struct plan_probe *probes;
	size_t n_probes;
	struct plan_skip *skips;
	size_t n_skips;
	struct plan_ifunc *ifuncs;
	size_t n_ifuncs;
	struct plan_go go;
	bool usdt_unfit;	/* it tells of its own samples, but where is a skip: it has no such probes */
	/*
	 * The code of Go's allocator: mallocgc and its parts, which are no callers of it. With PLAN_MAPS, functions of
	 * other allocators, too.
	 */
	struct plan_range *allocator;
	size_t n_allocator;
	/* With PLAN_MAPS. It has malloc; it is a library that is an allocator: what its code maps is for the heap; and
	 * its pthread_create(), which maps stacks (0, 0: it has none). */
	bool has_malloc, is_allocator;
	struct plan_range threads;
	char **names;
	size_t n_names;
};

/* What a resolver was seen to have chosen in a process. */
struct plan_chosen {
	uint64_t resolver, vaddr;
};

/* NULL is a no-op. */
void plan_free(struct plan *p);

#endif
