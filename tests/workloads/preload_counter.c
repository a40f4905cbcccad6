/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The independent witness: an LD_PRELOAD library that counts what a program asks the C allocator for, by the counting
 * rules of alloctrace, with none of its means.
 *
 *     LD_PRELOAD=preload_counter.so ALLOC_COUNTER=FILE CMD      FILE: uint64_t bytes, calls (native byte order)
 *
 * - The outermost call counts: reallocarray, which calls realloc, is one event.
 * - A call of calloc or reallocarray whose size overflows cannot succeed: no event. realloc(p, 0) is one of 0 bytes.
 * - FILE is mapped shared, so that the totals are there however the process ends. A forked child does not count: its
 *   `counting` page is wiped (MADV_WIPEONFORK). A program started by exec does not count either: both variables are
 *   taken out of the environment before main, which also makes it the environment of an uncounted run.
 * - Nothing here allocates. dlsym() may call calloc before the real one is known: it gets memory from a static pool.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define POOL 65536

static char pool[POOL] __attribute__((aligned(64)));
static size_t pool_used;
static uint64_t *totals;	/* bytes, calls */
static volatile char *counting;
static __thread int depth __attribute__((tls_model("initial-exec")));

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_reallocarray)(void *, size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static void *(*real_memalign)(size_t, size_t);
static void *(*real_valloc)(size_t);
static void *(*real_pvalloc)(size_t);
static void (*real_free)(void *);

static void *from_pool(size_t size)
{
	void *p = pool + pool_used;

	size = (size + 63) & ~(size_t)63;
	if (size > POOL - pool_used)
		abort();
	pool_used += size;
	return p;
}

static int in_pool(const void *p)
{
	return (const char *)p >= pool && (const char *)p < pool + POOL;
}

static void find(void *slot, const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	memcpy(slot, &f, sizeof(f));
}

static void find_all(void)
{
	static int busy;

	if (real_free || busy)
		return;
	busy = 1;
	find(&real_malloc, "malloc");
	find(&real_calloc, "calloc");
	find(&real_realloc, "realloc");
	find(&real_reallocarray, "reallocarray");
	find(&real_posix_memalign, "posix_memalign");
	find(&real_aligned_alloc, "aligned_alloc");
	find(&real_memalign, "memalign");
	find(&real_valloc, "valloc");
	find(&real_pvalloc, "pvalloc");
	find(&real_free, "free");
	busy = 0;
}

/* Calls before the constructor count as well: the allocator of a library that is initialized earlier. */
static void start_counting(void)
{
	static int tried;
	const char *path;
	int fd;

	if (tried)
		return;
	tried = 1;
	path = getenv("ALLOC_COUNTER");
	if (!path)
		return;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4096))
		abort();
	totals = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	counting = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED || counting == MAP_FAILED || madvise((void *)counting, 4096, MADV_WIPEONFORK))
		abort();
	*counting = 1;
}

__attribute__((constructor)) static void init(void)
{
	find_all();
	start_counting();
	unsetenv("LD_PRELOAD");
	unsetenv("ALLOC_COUNTER");
}

static void enter(size_t bytes, int is_event)
{
	find_all();
	start_counting();
	if (!depth++ && is_event && counting && *counting) {
		__atomic_fetch_add(&totals[0], bytes, __ATOMIC_RELAXED);
		__atomic_fetch_add(&totals[1], 1, __ATOMIC_RELAXED);
	}
}

static void leave(void)
{
	depth--;
}

EXPORT void *malloc(size_t size)
{
	void *p;

	if (!real_free && (find_all(), !real_free))
		return from_pool(size);
	enter(size, 1);
	p = real_malloc(size);
	leave();
	return p;
}

EXPORT void *calloc(size_t n, size_t size)
{
	size_t bytes;
	int fits = !__builtin_mul_overflow(n, size, &bytes);
	void *p;

	if (!real_free && (find_all(), !real_free))
		return fits ? from_pool(bytes) : NULL;	/* the pool is zero, and given out once */
	enter(bytes, fits);
	p = real_calloc(n, size);
	leave();
	return p;
}

EXPORT void *realloc(void *old, size_t size)
{
	void *p;

	find_all();
	if (in_pool(old)) {
		p = malloc(size);
		return p ? memcpy(p, old, size < (size_t)(pool + POOL - (char *)old) ? size :
				  (size_t)(pool + POOL - (char *)old)) : NULL;
	}
	enter(size, 1);
	p = real_realloc(old, size);
	leave();
	return p;
}

EXPORT void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;
	int fits = !__builtin_mul_overflow(n, size, &bytes);
	void *p;

	enter(bytes, fits);
	p = real_reallocarray(old, n, size);
	leave();
	return p;
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
	int err;

	enter(size, 1);
	err = real_posix_memalign(out, alignment, size);
	leave();
	return err;
}

#define ALIGNED(name)						\
	EXPORT void *name(size_t alignment, size_t size);	\
	EXPORT void *name(size_t alignment, size_t size)	\
	{							\
		void *p;					\
								\
		enter(size, 1);					\
		p = real_##name(alignment, size);		\
		leave();					\
		return p;					\
	}

#define SIZED(name)				\
	EXPORT void *name(size_t size);		\
	EXPORT void *name(size_t size)		\
	{					\
		void *p;			\
						\
		enter(size, 1);			\
		p = real_##name(size);		\
		leave();			\
		return p;			\
	}

ALIGNED(aligned_alloc)
ALIGNED(memalign)
SIZED(valloc)
SIZED(pvalloc)

EXPORT void free(void *p)
{
	if (!p || in_pool(p))
		return;
	find_all();
	if (real_free)
		real_free(p);
}
