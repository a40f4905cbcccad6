/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that crosses the boundary between kernel and user side. The including file brings __u32 and friends
 * (vmlinux.h or <linux/types.h>).
 */
#ifndef ALLOCTRACE_SHARED_H
#define ALLOCTRACE_SHARED_H

#include "unwind_map.h"

#define STACK_MAX_FRAMES 512

/*
 * A probe's cookie says what the BPF side has to know of the function it sits on at every hit, so that one program
 * serves them all; what only some hits need is in the probe's row of `probes`:
 *
 *   63        48 47          32 31      24 23       16 15 14 13 12 11      6 5      0
 *  +------------+--------------+----------+-----------+--+--+--+--+---------+--------+
 *  |   module   |    probe     | function | pushed/8  |O |Z |C |T |  count  |  size  |
 *  +------------+--------------+----------+-----------+--+--+--+--+---------+--------+
 *
 * size, count: the places of the size in bytes (of the block, where the function frees) and of the factor that it is
 * multiplied by (if C), or of the type's address (if T: a function of Go's runtime, whose call for 0 bytes allocates
 * nothing). T and C: what Go's runtime calls for each sample that it takes itself; the row says at what rate.
 * pushed 255: it is no function, but a USDT probe, whose row of `usdts` says where its arguments are; the lower bits
 * are 0, or the lowest alone is 1: its file has no probes on calls.
 * Z: the row has a place whose small values make the function jump to another allocator function, whose event it is
 * then (realloc of NULL to malloc). O: it may call other allocator functions as a part of its own work
 * (bpf/nest.bpf.h). pushed: what lies between the stack pointer and where it was when the function was entered.
 * function: id of the allocator function. probe: number of the row, looked at if O, Z or T and C, and where blocks are
 * followed. module: number of the ELF file.
 *
 * A place is the number of a register (user/arch/arch.h), or PLACE_STACK and a number: of those of the function's
 * arguments that are on the stack, the first one 0.
 */
#define COOKIE_COUNT_SHIFT	6
#define COOKIE_TYPED		(1ULL << 12)
#define COOKIE_HAS_COUNT	(1ULL << 13)
#define COOKIE_SAMPLER		(COOKIE_TYPED | COOKIE_HAS_COUNT)
#define COOKIE_HAS_SKIP		(1ULL << 14)
#define COOKIE_OUTER		(1ULL << 15)
#define COOKIE_PUSHED_SHIFT	16
#define COOKIE_USDT		(0xffULL << COOKIE_PUSHED_SHIFT)
#define COOKIE_USDT_ALONE	1ULL
#define COOKIE_FUNCTION_SHIFT	24
#define COOKIE_PROBE_SHIFT	32
#define COOKIE_MODULE_SHIFT	48
#define PLACE_STACK		32
#define PLACE_MASK		63

/* What of a probe does not fit into its cookie. */
#define BODIES_MAX 4
#define NO_PLACE 0xff
/* A larger MemProfileRate is this one (fastexprand in runtime/malloc.go, since Go 1.9). */
#define GO_RATE_MOST 0x7000000ULL

struct probe_info {
	__u64 skip_max;	/* the largest value of `skip` that makes it another function's event */
	/* Places, NO_PLACE if there is none. The first two are looked at only where blocks are followed. */
	__u8 old;	/* of the block that is given up (realloc) */
	__u8 out;	/* of where the block's address goes, what is returned being 0 or an error (posix_memalign) */
	__u8 skip;	/* with COOKIE_HAS_SKIP */
	__u8 no_return;	/* its return can't be probed (it may throw): its blocks are not followed */
	__u8 jumps;	/* may leave by a jump to code that is none of its bodies */
	__u8 aligns;	/* takes an alignment: it may be asked for more than the block's bytes */
	__u8 g_place;	/* of the goroutine's address; NO_PLACE: it is at g.tls from the thread's base */
	__u8 map;	/* enum map_function: it is no allocator's */
	__s64 rate_from;	/* COOKIE_SAMPLER: where the sampling rate is, relative to the probe's own address */
	/* Where its code lies, relative to the probe's own address: what shows on the stack while it is under way. */
	struct {
		__s32 from, to;	/* [from, to); both 0: unused */
	} bodies[BODIES_MAX];
	/* Of a function of Go's runtime: where what is to be known of the goroutine is, in bytes (struct
	 * plan_goroutine). Where goid is 0, nothing is known. */
	struct {
		__u16 m, curg, goid, gopc, labels;
		__s16 tls;
		__u32 labels_form;
	} g;
	__u8 map_args[4];	/* of `map`: places of its arguments, NO_PLACE where one does not matter; */
	__u8 map_stepped;	/* the kernel single-steps the probed instruction */
};

/* Where the arguments of a USDT probe are (struct usdt_arg in user/model/plan.h). */
struct usdt_place {
	__u8 kind;	/* enum usdt_place_kind */
	__u8 bytes;	/* 1, 2, 4, 8 */
	__u8 is_signed;
	__u8 reg;	/* NO_PLACE: none */
	__u8 shift, index, scale;
	__u8 pad;
	__s64 value;
};

enum usdt_place_kind { USDT_PLACE_NONE, USDT_PLACE_CONSTANT, USDT_PLACE_REGISTER, USDT_PLACE_MEMORY };

#define USDT_PLACES 3
struct usdt_info {
	struct usdt_place at[USDT_PLACES];	/* the block's address; its bytes; their weight */
};

/* Counters, in events unless they say bytes; the sums over all slots. */
enum count {
	COUNT_HITS,		/* probe hits, of all probes */
	COUNT_OFF,		/* of them while nothing was counted; */
	COUNT_OTHERS,		/* of processes that are not traced; */
	COUNT_OWN,		/* of alloctrace itself; */
	COUNT_UNDECIDED,	/* and of those of which it was not known yet whether they are */
	COUNT_SEEN,		/* allocator calls, without the nested and failed ones */
	COUNT_SEEN_BYTES,
	COUNT_RECORDED,		/* of the seen; filtered, not sampled and lost are the others */
	COUNT_NESTED,		/* called while an allocator function was under way in the thread: a part of its work */
	COUNT_FAILED,		/* asks for more than there are addresses, or its return says so */
	COUNT_GO_SAMPLES,	/* of the recorded: samples that Go's runtime took itself (COOKIE_SAMPLER); */
	COUNT_USDT_SAMPLES,	/* and those that processes told of by USDT probes; */
	COUNT_BEYOND_CALLS,	/* calls that all these stand for beside themselves, << CALLS_SHIFT; */
	COUNT_BEYOND_BYTES,	/* and their bytes; */
	COUNT_BEYOND_CALLS_VAR,	/* the variances of both, as in struct sum */
	COUNT_BEYOND_BYTES_VAR,
	COUNT_FILTERED,		/* outside --min-size, --max-size */
	COUNT_FILTERED_BYTES,
	COUNT_UNSAMPLED,	/* seen, but no sample */
	COUNT_UNFOLLOWED,	/* allocated by a function whose return can't be probed: never live */
	COUNT_FREES,		/* blocks given up, by whatever function: those recorded, and the next three */
	COUNT_FREES_UNKNOWN,	/* allocated before tracing, or filtered, not sampled, lost */
	COUNT_REPLACED,		/* of the recorded: its address came back from the allocator, so it was freed unseen */
	COUNT_LOST_RETURN,	/* the allocator function never returned, as far as was seen */
	COUNT_LOST_ARGS,	/* the arguments of a USDT probe could not be read */
	COUNT_LOST_HIST,	/* table of histograms full */
	COUNT_LOST_BLOCK,	/* table of live blocks full */
	COUNT_LOST_SCRATCH,	/* no free scratch slot */
	COUNT_LOST_MISSED,	/* of the kernel, in the midst of the program that counts them: user space adds these */
	COUNT_LOST_TABLE,	/* stack table full */
	COUNT_STEPPED,		/* hits of functions of enum map_function whose instruction is single-stepped */
	COUNT_LOST_MAP,		/* calls of enum map_function of which user space has not heard, or may not have */
	COUNT_RING_FULL,	/* frames not sent, tried again at the stack's next call: no loss yet */
	/* Of resident memory, bytes that it changed by, as two's complement (bpf/resident.bpf.h): */
	COUNT_SHRUNK,		/* given back by the process itself, positive; */
	COUNT_BY_OTHERS,	/* by reclaim, khugepaged and other processes; */
	COUNT_WHILE_OFF,	/* and while nothing was counted */
	COUNT_MAX,
};

/* What find_direct_map() is to try (bpf/direct.bpf.h). */
struct direct_map_try {
	__u64 addr, word;	/* a word in user space, and what is there */
	__u32 gib;		/* the direct map is so many GiB below the table of page tables */
	__u32 top;		/* 39: four levels of page tables, 48: five */
};

/* What a slot of working memory begins with: several for each CPU, and one that all share. */
#define SLOTS_PER_CPU 8
#define EXACT_CHUNK 64	/* calls */
#define SLOT_FRAME_BYTES 48	/* what a frame takes there; there are four times as many as a stack can have */
struct slot {
	__u32 busy;
	__u32 pad;
	__u64 left, law;	/* to the next sample, and the law that it was drawn with (sample.h); 0: none yet */
	__u64 exact;		/* calls to record before that */
	__u64 counts[COUNT_MAX];
};

/* How the walk of a stack ended; user space makes an enum stack_end of it (user/trace/collector.c). */
enum walk_end {
	WALK_COMPLETE,
	WALK_CHAIN,
	WALK_DEPTH,
	WALK_UNREADABLE,
	WALK_JIT,		/* in code of no file, whose frame pointer leads nowhere */
	WALK_NO_RULE,		/* the same in code of a file */
	WALK_UNSUPPORTED,	/* a rule that can't be followed */
	WALK_UNMAPPED,		/* an address outside every mapping known */
	WALK_RAW,		/* the same, and the stack's memory comes along: struct stack_raw */
	/* a frame pointer of 0 in code of a file without rules: complete, if the code keeps one */
	WALK_ROOT_BY_FP,
	/* All frames are addresses of the kernel's, from the BPF program outward. */
	WALK_KERNEL,
};

/*
 * What was counted: estimates if calls are sampled. A sample of a call of s bytes that was drawn with probability 1/w
 * stands for w calls and w * s bytes, and adds w(w - 1) and s^2 w(w - 1) to their variances (Horvitz-Thompson).
 */
#define CALLS_SHIFT	16
#define CALLS_VAR_SHIFT	4
#define BYTES_VAR_SHIFT	8
struct sum {
	__u64 bytes;
	__u64 calls;		/* << CALLS_SHIFT */
	__u64 bytes_var;	/* >> BYTES_VAR_SHIFT */
	__u64 calls_var;	/* << CALLS_VAR_SHIFT */
};

/* Value of the stack table; its key is the stack's 64-bit id. */
struct stack_sum {
	struct sum alloc;
	__u32 pid;
	__u32 sent;	/* its frames went through the ring */
	/* From here on only where blocks are followed; else the table's values end here. alloc - freed is live. */
	struct sum freed;
	/* The same for temporary blocks and the peak. */
	struct sum temp;	/* of freed: soon after they were allocated */
	/*
	 * What was live when the live heap of all processes was at its highest, which was its peak number peak_seq. If
	 * that isn't the last peak (struct heap), nothing has come or gone since: what was live then is live now.
	 */
	struct sum peak;
	__u64 peak_seq;
};

/* The live heap of all processes. */
struct heap {
	__u64 bytes;		/* live, as sampled */
	__u64 peak_bytes;	/* the most there ever was */
	__u64 peak_seq;		/* how often there was a new most */
	__u64 peak_ns;		/* when: CLOCK_MONOTONIC */
};

/* Key and value of the table of live blocks. A heap belongs to an address space, which processes may share (vfork(),
 * clone() with CLONE_VM); the kernel's number of it (mm->context.ctx_id) is never used again. */
struct block_key {
	__u64 addr, space;
};
#define KERNEL_SPACE 0	/* of what the kernel itself allocates; no process has this number */

/* Value of the table of address spaces that have had blocks, by their number. */
struct space {
	__u64 since_ns;	/* before its first block; CLOCK_MONOTONIC */
	__u32 pid, pad;	/* who allocated that */
};

#define GENERATION_MAX 0x7fff
struct block {
	__u64 stack;	/* id */
	__u64 bytes;	/* as asked for */
	__u64 time_ns;	/* of its allocation: CLOCK_MONOTONIC */
	__u64 weight : 49;	/* calls that it stands for, << CALLS_SHIFT */
	__u64 generation : 15;	/* how many marks there were before it */
};

/* Functions by which a program maps memory itself (bpf/mapped.bpf.h). */
enum map_function { MAP_NOTHING, MAP_MMAP, MAP_MREMAP, MAP_MUNMAP, MAP_BRK, MAP_SBRK };

enum map_anonymous { MAP_ANONYMOUS_NO, MAP_ANONYMOUS_YES, MAP_ANONYMOUS_UNKNOWN };

/* What such a call did: a range was mapped, one was given up, or both. */
struct map_event {
	__u64 space;		/* number of the address space */
	__u64 begin_ns, end_ns;	/* CLOCK_MONOTONIC */
	__u64 stack;		/* id; 0: nothing was mapped */
	__u64 addr, bytes;	/* mapped; 0 bytes: nothing */
	__u64 old, old_bytes;	/* given up, if `keeps_old` is 0 */
	__u32 pid;
	__u16 anonymous;	/* enum map_anonymous: what was mapped */
	__u16 keeps_old;
};

/* Histograms by powers of two: how often a value v was seen with 2^(bucket-1) <= v < 2^bucket (bucket 0: v = 0). */
enum hist_kind {
	HIST_SIZES,	/* bytes of an allocation */
	HIST_LIFETIMES,	/* ns from a block's allocation to its free */
};

struct hist_key {
	__u64 stack;
	__u32 kind, bucket;
};	/* its value: __u64, calls << CALLS_SHIFT */

/*
 * A frame in code of a file that user space has told of is no address, but says by itself where in which file it is,
 * whatever is mapped at the address later: this bit, and the number of its call's last byte among all bytes of code
 * there ever were (kern/codenames.h), plus one.
 */
#define FRAME_FILE (1ULL << 62)
/* Nothing has this name: a frame in a file whose content is gone. */
#define FRAME_LOST (FRAME_FILE | 1ULL << 61)

/* What goes through the ring buffer once for each stack, cut after its last frame. */
struct stack_frames {
	__u64 id;
	__u64 time_ns;	/* CLOCK_MONOTONIC */
	__u32 pid, tid;
	__u16 function;
	__u16 n;	/* frames */
	__u16 module;	/* of the allocator function */
	__u8 end;	/* enum walk_end */
	char name[17];	/* comm of the thread, NUL-terminated */
	__u64 type;	/* COOKIE_TYPED: address of the type that was asked for, 0 if none was */
	/* If asked for, else 0: the number of the goroutine, or the key of its labels in `label_sets`; TAG_NONE, … */
	__u64 tag;
	__u64 creator;	/* where the `go` statement that made it returns to; 0: not asked for, or not known */
	__u64 ip;	/* where the probe is; and its number */
	__u32 probe;
	/* Of a wide run: of whose group it is (struct member); `name` is its process's. `exec` is another one for each
	 * program of each process. */
	__u32 uid;
	__u64 cgroup, exe_ino, program;
	__u32 exe_dev, exec;
	__u32 inner_pid;	/* the process's, as its own pid namespace counts */
	__u32 pad;
	__u64 frames[STACK_MAX_FRAMES];	/* return addresses or FRAME_FILE, innermost first; FRAME_BY_FP may be set */
};

/* Of stack_frames.tag; no goroutine has such a number, and no set of labels such a key. */
#define TAG_UNKNOWN (~0ULL)	/* the layout is not known, or memory that can't be read */
#define TAG_NONE (~0ULL - 1)	/* the runtime on a thread's own stack, on behalf of none; or it has no labels */
#define TAG_LOST (~0ULL - 2)	/* there was no room for the labels */

/* The labels of a goroutine, as far as they are kept. */
#define LABELS_KEPT 8
#define LABEL_KEY_BYTES 32
#define LABEL_VALUE_BYTES 64
struct label {
	__u32 key_len, value_len;	/* as they are; what is longer than its room is cut */
	char key[LABEL_KEY_BYTES], value[LABEL_VALUE_BYTES];
};

struct label_set {
	__u32 n;		/* of at[] */
	__u32 all;		/* that there are: more than LABELS_KEPT are cut, of a map all */
	__u32 unreadable;	/* a text of them was */
	__u32 pad;
	struct label at[LABELS_KEPT];
};

enum labels_form { LABELS_UNKNOWN, LABELS_NONE, LABELS_MAP, LABELS_LIST };	/* as enum go_labels */

/* Bit of a frame's address: it was found by the frame pointer of its callee, code of a file that has no rules. If that
 * keeps none, frames between the two are missing. */
#define FRAME_BY_FP (1ULL << 63)

/*
 * A stack whose walk came to an address of no known mapping, as in a library that was loaded just now. Its memory goes
 * out through the ring, for user space to go on where the mapping is known by then. Cut after n_stack bytes of stack.
 */
#define RAW_PAGE_BYTES 4096
#define RAW_PAGES 256
struct stack_raw {
	struct stack_frames rec;	/* rec.end is WALK_RAW */
	/* The registers of the last of rec.frames; pc is the address to look up, one less than the frame. */
	__u64 pc, sp, fp;
	struct file_key file;	/* that is mapped at pc; all zero: not known */
	__u32 fp_known;
	__u32 n_stack;		/* bytes; 0: unreadable */
	__u32 busy;		/* of the kernel side */
	/* Bit by bit, which pages could be read: one of a large frame that was never touched can't. */
	__u64 present[RAW_PAGES / 64];
	__u8 stack[RAW_PAGES * RAW_PAGE_BYTES];	/* whole pages from that of sp on; what lies below sp isn't there */
};

/* A process, as far as it is traced where probes are in all that map a file (bpf/member.bpf.h). */
enum member_is {
	MEMBER_UNKNOWN,
	MEMBER_YES,
	MEMBER_NO,
};

/* What was touched where resident memory grew: in place of a function. */
enum touched {
	TOUCHED_HEAP = 248,	/* what brk() moves the end of */
	TOUCHED_STACK,
	TOUCHED_ANON,		/* another anonymous mapping */
	TOUCHED_HUGE,		/* of the heap or such a mapping, by a whole huge page */
	TOUCHED_FILE,		/* a file's page in a private mapping; */
	TOUCHED_COPY,		/* the process's own copy of it */
	TOUCHED_SHARED,		/* a shared mapping: of a file, or shared memory */
	TOUCHED_END,
};

/* By what the kernel allocates, in place of a function; and what stack_frames.type says its memory is of. */
enum kmem_function {
	KMEM_KMALLOC = 240,
	KMEM_CACHE_ALLOC,
	KMEM_PAGES,
	KMEM_END,
};

#define KMEM_CACHE (1ULL << 63)	/* key of `kmem_names` */
#define KMEM_SIZE (1ULL << 62)	/* and bytes, of kmalloc */
#define KMEM_ORDER (1ULL << 61)	/* and an order: pages */
#define KMEM_NAMES 16384
#define KMEM_HASH_BITS 16
#define KMEM_NAME_BYTES 48

struct kmem_name {	/* NUL-terminated, cut */
	char text[KMEM_NAME_BYTES];
};

/* A program's own memory on a CPU, which it needs no slot for: it is not run within itself. */
enum kmem_program { KMEM_ON_KMALLOC, KMEM_ON_KMALLOC_WITHIN, KMEM_ON_CACHE, KMEM_ON_PAGES, KMEM_PROGRAMS };
struct kmem_lane {
	__u64 task, start;	/* the task of the last event, and when it began; */
	__u32 exec, uid, epoch;	/* and what else decides whether it is a member (bpf/member.bpf.h) */
	__u32 is;		/* enum member_is: what it was */
	__u64 left, law;	/* as in struct slot */
	__u64 seen, seen_bytes;	/* events of members that were no samples, and are counted nowhere else; */
	__u64 others;		/* and of others */
	__u64 busy;		/* the program is at work */
	__u64 within;		/* events that came while another was */
	__u64 pad[5];		/* to a cache line's end */
};

/* Code of the kernel's, [from, from + bytes), bytes 0: none; and several parts of it, with what is around all. */
#define KMEM_RANGES 24
struct kmem_range {
	__u64 from, bytes;
};

struct kmem_ranges {
	struct kmem_range all, at[KMEM_RANGES];
};

/* An address space whose resident memory is followed, by its number: what the kernel's counters (mm->rss_stat) were at
 * their last change, in pages. */
#define RESIDENT_SPACES 16384
#define RESIDENT_MEMBERS 4	/* NR_MM_COUNTERS */
struct resident {
	__s64 start, now;	/* resident when it was first seen, and when that was looked at last */
	__s64 common[RESIDENT_MEMBERS];	/* percpu_counter.count, as far as it is accounted for */
	__u32 ready, pad;
	__s32 own[][RESIDENT_MEMBERS];	/* by CPU: what it has added beside */
};

/* A page fault of a thread. */
struct fault {
	__u64 task, addr;
	__u8 kernel;	/* by the kernel, for the thread */
	__u8 took;	/* it has taken away a page of a file */
	__u8 pad[6];
};

/* Of those that are gone, and how many found no room. */
struct resident_ended {
	__u64 spaces, full;
	__s64 start, end;
};

/* A path is kept of so many cgroups that have gone, the latest. */
#define REMOVED_CGROUPS 1024
#define REMOVED_PATH 512

#define MEMBER_CGROUP_V1 (1ULL << 63)	/* the number is one of the v1 hierarchy of the memory controller */

/* What processes have done, of all of a program together; since they are known. */
struct group_work {
	__u64 hits;
	__u64 cpu_ns;
	__u64 user_ns, system_ns;	/* the same by the clock tick */
	__u64 reads, read_bytes, writes;	/* calls; struct task_io_accounting */
	__u64 waits;			/* times that they went to sleep */
};

#define GROUPS_MAX 16384

struct member {
	__u64 group;		/* hash of what its stacks are told apart by; from here to comm as of `exec` */
	__u64 program;		/* the same without the process: key of `groups` */
	__u64 cgroup, exe_ino;
	__u32 exe_dev, uid;
	char comm[16];
	__u32 exec;		/* task->self_exec_id + 1 then; 0: it was not looked at yet */
	__u8 is;		/* enum member_is */
	__u8 chosen;		/* enum member_is: so user space said, or a parent; the rules may still refuse it */
	__u8 children;		/* are what it is */
	__u8 pad;
	__u32 counted;		/* in member_counts.joined */
	__u32 inner_pid;	/* as of `exec` */
	__u64 law;		/* of its group; 0: that of all */
	__u64 hits;
	struct group_work added;	/* to its group so far */
};

struct member_counts {
	__u64 joined, ended;	/* processes with a hit; those of them that have ended */
};

/* Rules by which processes are taken (bpf/select.bpf.h). A pattern is tokens: a byte; any byte; any bytes; or a set of
 * bytes. */
#define SELECT_RULES 32
#define SELECT_TOKENS 128
#define SELECT_SETS 16
#define SELECT_TEXT 512		/* of a path, as much of its end */
#define SELECT_DEPTH 64		/* parts of a path, and mounts */
#define SELECT_STEPS (1 << 16)	/* more than SELECT_TOKENS * SELECT_TEXT / 2 */
#define SELECT_CGROUPS 65536
#define SELECT_ANY 0x100
#define SELECT_STAR 0x101
#define SELECT_END 0x102
#define SELECT_SET 0x200	/* and its number */

/* A cgroup that the rules are to be asked for; and a process in it. */
struct select_ask {
	__u64 cgroup;
	__u32 pid, pad;
};

enum select_kind { SELECT_COMM, SELECT_EXE, SELECT_USER };

struct select_rule {
	__u8 kind;		/* enum select_kind */
	__u8 negated;
	__u8 base_name;		/* SELECT_EXE: the last part of the path alone */
	__u8 n;			/* tokens */
	__u32 uid;		/* SELECT_USER */
	__u16 tokens[SELECT_TOKENS];
};

struct select_rules {
	__u32 n;
	__u32 by_cgroup;	/* select_cgroups is asked, too */
	struct select_rule at[SELECT_RULES];
	struct {
		__u64 bits[4];
	} sets[SELECT_SETS];
};

_Static_assert(sizeof(struct sum) == 32, "layout is shared");
_Static_assert(sizeof(struct kmem_lane) == 128, "CPUs share no cache line");
_Static_assert(sizeof(struct block) == 32, "a million of them are to be small");
_Static_assert(__builtin_offsetof(struct stack_frames, frames) == 128, "layout is shared");

#endif
