/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counting rules of the live heap, each in functions of their own, with prime sizes and prime numbers of blocks: a
 * rule that is wrong shows in the numbers of the function that it is about.
 *
 * usage: heap [-w] [-s] [-j] [-x CMD [ARG...]]
 *   -w  says "ready" and waits for a line on stdin, after `older` has allocated
 *   -s  sleeps until it is killed after its work
 *   -j  leaves out what needs glibc: jumps out of the allocator, and strdup (musl has no unwind information)
 *   -x  allocates in `kept` only, then becomes CMD
 *
 * On stdout: FUNCTION, then what it has live in the end, BYTES BLOCKS, and what it allocated in all, BYTES CALLS; "-"
 * where an allocator has a choice. Functions that begin with seed_ allocate what another one then treats as it says.
 */
#include "workload.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

static volatile size_t huge = (size_t)1 << 62, four = 4, none;

static inline __attribute__((always_inline)) void *aligned(size_t alignment, size_t size)
{
	void *p = NULL;

	return posix_memalign(&p, alignment, size) ? NULL : p;
}

ALLOCATOR(kept, malloc(size))
ALLOCATOR(freed, malloc(size))
ALLOCATOR(half_freed, malloc(size))
ALLOCATOR(seed_grown, malloc(size))
REALLOCATOR(grown, realloc(old, size))
ALLOCATOR(seed_shrunk, malloc(size))
REALLOCATOR(shrunk, realloc(old, size))
ALLOCATOR(seed_failed, malloc(size))
REALLOCATOR(failed, realloc(old, size))
ALLOCATOR(seed_failed_freed, malloc(size))
REALLOCATOR(failed_freed, realloc(old, size))
ALLOCATOR(seed_to_nothing, malloc(size))
REALLOCATOR(to_nothing, realloc(old, size))
ALLOCATOR(from_nothing, realloc(NULL, size))
ALLOCATOR(seed_bad_align, malloc(size))
ALLOCATOR(huge_align, aligned(64, size))
ALLOCATOR(good_align, aligned(256, size))
ALLOCATOR(aligned_freed, aligned_alloc(64, size))
ALLOCATOR(aligned_kept, aligned_alloc(64, size))
ALLOCATOR(memalign_kept, memalign(32, size))
ALLOCATOR(valloc_kept, valloc(size))
ALLOCATOR(calloc_overflow, calloc(huge, four + size))
ALLOCATOR(calloc_huge, calloc(2, size))
ALLOCATOR(calloc_kept, calloc(3, size))
ALLOCATOR(malloc_huge, malloc(size))
ALLOCATOR(zero_kept, malloc(size))
ALLOCATOR(array_kept, reallocarray(NULL, 7, size))
ALLOCATOR(seed_array, calloc(5, size))
REALLOCATOR(array_grown, reallocarray(old, 11, size))
ALLOCATOR(seed_array_overflow, malloc(size))
REALLOCATOR(array_overflow, reallocarray(old, size, four))
ALLOCATOR(reuse_same, malloc(size))
ALLOCATOR(reuse_first, malloc(size))
ALLOCATOR(reuse_second, malloc(size))
ALLOCATOR(big_kept, malloc(size))
ALLOCATOR(big_freed, malloc(size))
ALLOCATOR(seed_big, malloc(size))
REALLOCATOR(big_grown, realloc(old, size))
ALLOCATOR(older, malloc(size))
REALLOCATOR(older_grown, realloc(old, size))
ALLOCATOR(for_thread, malloc(size))
ALLOCATOR(in_thread, malloc(size))
REALLOCATOR(grown_in_thread, realloc(old, size))
ALLOCATOR(before_jump, malloc(size))
ALLOCATOR(before_signal, malloc(size))
ALLOCATOR(after_jump, malloc(size))
ALLOCATOR(after_jump_freed, malloc(size))
ALLOCATOR(before_fork, malloc(size))
ALLOCATOR(in_child, malloc(size))
REALLOCATOR(grown_in_child, realloc(old, size))
ALLOCATOR(after_fork, malloc(size))

/* The blocks that are at hand; a static array, so that nothing here allocates but what is counted. */
#define MAX_BLOCKS 2048
static void *blocks[MAX_BLOCKS];
static void *older_blocks[97];

static void make(void *(*allocate)(size_t), size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++)
		blocks[i] = allocate(size);
}

static void change(void *(*reallocate)(void *, size_t), size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++)
		blocks[i] = reallocate(blocks[i], size);
}

static void drop(size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(blocks[i]);
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	say("not as expected: %s\n", what);
	_exit(3);
}

static void plain(void)
{
	make(kept, 101, 1009);
	row("kept", 101, 1009, 101);
	make(freed, 103, 61);
	drop(103);
	row("freed", 0, 61, 103);
	make(half_freed, 2 * 107, 211);
	for (size_t i = 0; i < 2 * 107; i += 2)
		free(blocks[i]);
	row("half_freed", 107, 211, 2 * 107);
	make(zero_kept, 19, none);
	row("zero_kept", 19, 0, 19);
	for (size_t i = 0; i < 67; i++)
		free(opaque(NULL));
	make(malloc_huge, 23, huge);
	check(!blocks[22], "malloc of 2^62 bytes");
	row("malloc_huge", 0, 0, 0);
}

static void reallocs(void)
{
	make(seed_grown, 37, 53);
	change(grown, 37, 5003);
	row("seed_grown", 0, 53, 37);
	row("grown", 37, 5003, 37);
	make(seed_shrunk, 41, 4001);
	change(shrunk, 41, 29);
	row("seed_shrunk", 0, 4001, 41);
	row("shrunk", 41, 29, 41);
	make(seed_failed, 43, 71);
	for (size_t i = 0; i < 43; i++)
		check(!failed(blocks[i], huge), "realloc to 2^62 bytes");
	row("seed_failed", 43, 71, 43);
	row("failed", 0, 0, 0);
	make(seed_failed_freed, 47, 73);
	for (size_t i = 0; i < 47; i++)
		check(!failed_freed(blocks[i], huge), "realloc to 2^62 bytes");
	drop(47);
	row("seed_failed_freed", 0, 73, 47);
	row("failed_freed", 0, 0, 0);
	make(seed_to_nothing, 59, 79);
	change(to_nothing, 59, none);
	drop(59);	/* glibc has made NULL of them, musl and jemalloc a block of 0 bytes */
	row("seed_to_nothing", 0, 79, 59);
	say("to_nothing 0 0 - -\n");
	make(from_nothing, 61, 83);
	row("from_nothing", 61, 83, 61);
}

NOINLINE void bad_align(size_t n);
NOINLINE void bad_align(size_t n)
{
	/* What the pointer was before must not be taken for a new block, nor for one that is gone. */
	for (size_t i = 0; i < n; i++)
		check(posix_memalign(&blocks[i], 3, 128) == EINVAL, "posix_memalign by 3");
}

static void aligned_ones(void)
{
	make(seed_bad_align, 67, 97);
	bad_align(67);
	row("seed_bad_align", 67, 97, 67);
	row("bad_align", 0, 0, 0);
	make(huge_align, 29, huge);
	check(!blocks[28], "posix_memalign of 2^62 bytes");
	row("huge_align", 0, 0, 0);
	make(good_align, 71, 131);
	row("good_align", 71, 131, 71);
	make(aligned_freed, 73, 192);
	drop(73);
	row("aligned_freed", 0, 192, 73);
	make(aligned_kept, 31, 320);
	row("aligned_kept", 31, 320, 31);
	make(memalign_kept, 37, 139);
	row("memalign_kept", 37, 139, 37);
	make(valloc_kept, 11, 5003);
	row("valloc_kept", 11, 5003, 11);
}

static void arrays(void)
{
	make(calloc_overflow, 31, 0);
	check(!blocks[30], "calloc of 2^62 * 4 bytes");
	row("calloc_overflow", 0, 0, 0);
	make(calloc_huge, 17, huge / 4);
	check(!blocks[16], "calloc of 2 * 2^60 bytes");
	row("calloc_huge", 0, 0, 0);
	make(calloc_kept, 79, 67);
	row("calloc_kept", 79, 3 * 67, 79);
	make(array_kept, 83, 31);
	row("array_kept", 83, 7 * 31, 83);
	make(seed_array, 89, 37);
	change(array_grown, 89, 37);
	row("seed_array", 0, 5 * 37, 89);
	row("array_grown", 89, 11 * 37, 89);
	make(seed_array_overflow, 23, 109);
	for (size_t i = 0; i < 23; i++)
		check(!array_overflow(blocks[i], huge), "reallocarray to 2^62 * 4 bytes");
	row("seed_array_overflow", 23, 109, 23);
	row("array_overflow", 0, 0, 0);
}

/* What the C library allocates for itself, and gives back. */
NOINLINE void opened_and_closed(void);
NOINLINE void opened_and_closed(void)
{
	FILE *f = fopen("/proc/self/stat", "r");

	check(f && fgetc(f) != EOF && !fclose(f), "fopen");
}

NOINLINE void *duplicated(size_t size);
NOINLINE void *duplicated(size_t size)
{
	static char text[1024];

	memset(text, 'x', size - 1);
	text[size - 1] = 0;
	return opaque(strdup(text));
}

static void library(bool unwinds)
{
	for (size_t i = 0; i < 17; i++)
		opened_and_closed();
	say("opened_and_closed 0 0 - -\n");
	if (!unwinds)
		return;
	make(duplicated, 29, 97);
	row("duplicated", 29, 97, 29);
}

static void addresses(void)
{
	size_t again = 0;

	for (size_t i = 0; i < 1009; i++)
		free(reuse_same(127));
	reuse_same(127);
	row("reuse_same", 1, 127, 1010);
	for (size_t i = 0; i < 89; i++) {
		void *p = reuse_first(137);
		uintptr_t was = (uintptr_t)p;

		free(p);
		again += (uintptr_t)reuse_second(137) == was;
	}
	row("reuse_first", 0, 137, 89);
	row("reuse_second", 89, 137, 89);
	say("# %zu addresses used again at once\n", again);
}

static void mapped(void)
{
	make(big_kept, 7, 300007);
	row("big_kept", 7, 300007, 7);
	make(big_freed, 5, 300017);
	drop(5);
	row("big_freed", 0, 300017, 5);
	make(seed_big, 3, 500009);
	change(big_grown, 3, 1500007);
	row("seed_big", 0, 500009, 3);
	row("big_grown", 3, 1500007, 3);
}

static void old_blocks(bool traced)
{
	for (size_t i = 0; i < 31; i++)
		free(older_blocks[i]);
	for (size_t i = 31; i < 31 + 13; i++)
		older_grown(older_blocks[i], 211);
	row("older", traced ? 97 - 31 - 13 : 0, 103, traced ? 97 : 0);
	row("older_grown", 13, 211, 13);
}

static void *thread_main(void *arg)
{
	/* Of main's 109 blocks: 53 freed here, 19 grown here. */
	drop(53);
	for (size_t i = 53; i < 53 + 19; i++)
		grown_in_thread(blocks[i], 1301);
	make(in_thread, 113, 151);
	return arg;
}

static void threads(void)
{
	pthread_t thread;

	make(for_thread, 109, 149);
	check(!pthread_create(&thread, NULL, thread_main, NULL), "pthread_create");
	pthread_join(thread, NULL);
	drop(50);	/* of the thread's, which is gone */
	row("for_thread", 109 - 53 - 19, 149, 109);
	row("grown_in_thread", 19, 1301, 19);
	row("in_thread", 113 - 50, 151, 113);
}

static sigjmp_buf env;

static void on_signal(int signal)
{
	siglongjmp(env, signal);
}

NOINLINE void jump(void);
NOINLINE void jump(void)
{
	before_jump(157);
	siglongjmp(env, 1);
}

NOINLINE void interrupted(void);
NOINLINE void interrupted(void)
{
	before_signal(163);
	raise(SIGUSR1);
}

/* Faults in the allocator: its return is never seen. glibc holds no lock at either place. */
NOINLINE void jump_in_realloc(void);
NOINLINE void jump_in_realloc(void)
{
	opaque(realloc(opaque((void *)16), 167));
}

NOINLINE void jump_in_memalign(void);
NOINLINE void jump_in_memalign(void)
{
	check(posix_memalign(opaque((void *)8), 64, 191), "posix_memalign to address 8");
}

NOINLINE void deeper(size_t depth);
NOINLINE void deeper(size_t depth)
{
	if (depth) {
		deeper(depth - 1);
		opaque(NULL);
		return;
	}
	after_jump(173);
	free(after_jump_freed(179));
}

static void jumps(bool out_of_allocator)
{
	struct sigaction sa = {.sa_handler = on_signal};
	static volatile size_t i;

	sigaction(SIGUSR1, &sa, NULL);
	for (i = 0; i < 61; i++) {
		if (!sigsetjmp(env, 1))
			jump();
	}
	row("before_jump", 61, 157, 61);
	for (i = 0; i < 67; i++) {
		if (!sigsetjmp(env, 1))
			interrupted();
	}
	row("before_signal", 67, 163, 67);
	sigaction(SIGSEGV, &sa, NULL);
	for (i = 0; i < 11 + 13; i++) {
		if (out_of_allocator && !sigsetjmp(env, 1)) {
			if (i < 11)
				jump_in_realloc();
			else
				jump_in_memalign();
		}
		/* Below the stack of what was left, and above it. */
		deeper(i % 5);
	}
	sa.sa_handler = SIG_DFL;
	sigaction(SIGSEGV, &sa, NULL);
	if (out_of_allocator)
		say("jump_in_realloc 0 0 - -\njump_in_memalign 0 0 - -\n");
	row("after_jump", 11 + 13, 173, 11 + 13);
	row("after_jump_freed", 0, 179, 11 + 13);
}

static void forks(void)
{
	int status;
	pid_t pid;

	make(before_fork, 127, 181);
	pid = fork();
	check(pid >= 0, "fork");
	if (!pid) {
		/* Same addresses, another process. */
		drop(50);
		for (size_t i = 50; i < 60; i++)
			grown_in_child(blocks[i], 1433);
		make(in_child, 131, 191);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status, "the child");
	make(after_fork, 137, 193);
	row("before_fork", 127, 181, 127);
	row("in_child", 0, 0, 0);
	row("grown_in_child", 0, 0, 0);
	row("after_fork", 137, 193, 137);
}

int main(int argc, char **argv)
{
	bool wait = false, sleep_after = false, glibc = true;
	char **command = NULL;

	for (int i = 1; i < argc && !command; i++) {
		if (!strcmp(argv[i], "-w"))
			wait = true;
		else if (!strcmp(argv[i], "-s"))
			sleep_after = true;
		else if (!strcmp(argv[i], "-j"))
			glibc = false;
		else if (!strcmp(argv[i], "-x") && i + 1 < argc)
			command = argv + i + 1;
		else
			return 2;
	}
	for (size_t i = 0; i < 97 && !command; i++)
		older_blocks[i] = older(103);
	if (wait)
		wait_for_go();
	if (command) {
		make(kept, 101, 1009);
		say("kept 0 0 %d 101\n", 101 * 1009);
		execvp(command[0], command);
		return 127;
	}
	plain();
	reallocs();
	aligned_ones();
	arrays();
	library(glibc);
	addresses();
	mapped();
	old_blocks(!wait);
	threads();
	jumps(glibc);
	forks();
	say("done\n");
	if (sleep_after)
		sleep_until_killed();
	return 0;
}
