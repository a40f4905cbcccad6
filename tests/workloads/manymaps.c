/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Very many executable mappings, each of a file of its own, and a call of malloc from each.
 *
 * usage: manymaps [-w] [-u] [-l] N LIBRARY DIRECTORY [ROUNDS] Puts N copies of the library into the directory, and maps
 * them; then calls run_mapped() in each, ROUNDS times (1). With -w it waits when they are mapped, and calls them as
 * often once more after that. With -u the copies are unlinked at once. With -l threads pass the lock of the address
 * space's mappings on to each other, and another thread calls, once it need not wait any more.
 */
#include "workload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>

#define LOCKERS 32
#define SPINNERS 4
#define LOCKED_BYTES (64UL << 10)
#define STACK_BYTES (256UL << 10)

typedef void run_fn(void *(*allocate)(size_t), void (*release)(void *));

static char bytes[1 << 20];
static run_fn **runs;
static unsigned long rounds = 1;

NOINLINE void call_all(unsigned long n);
NOINLINE void call_all(unsigned long n)
{
	for (unsigned long i = 0; i < n * rounds; i++)
		runs[i % n](malloc, free);
	opaque(NULL);
}

static void *call_all_there(void *arg)
{
	call_all((uintptr_t)arg);
	return NULL;
}

/* What protects pages takes the lock, and has it until it has seen them all; then the next one has it. */
static void *hold_lock(void *arg)
{
	for (int i = 0;; i++)
		mprotect(arg, LOCKED_BYTES, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ);
	return NULL;
}

static void *spin(void *arg)
{
	for (;;)
		opaque(arg);
	return NULL;
}

/* The stack of the thread that calls lies just below memory that is there. */
static void call_locked(unsigned long n)
{
	const size_t bytes = STACK_BYTES + LOCKERS * LOCKED_BYTES;
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t own_stack;
	pthread_t thread;

	madvise(at, bytes, MADV_NOHUGEPAGE);
	memset(at, 1, bytes);
	for (size_t i = 0; i < LOCKERS; i++)
		if (pthread_create(&thread, NULL, hold_lock, at + STACK_BYTES + i * LOCKED_BYTES))
			_exit(1);
	for (size_t i = 0; i < SPINNERS; i++)
		if (pthread_create(&thread, NULL, spin, NULL))
			_exit(1);
	pthread_attr_init(&own_stack);
	pthread_attr_setstack(&own_stack, at, STACK_BYTES);
	if (pthread_create(&thread, &own_stack, call_all_there, (void *)n) || pthread_join(thread, NULL))
		_exit(1);
}

static char *map_copy(const char *path, size_t len, bool unlinked)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0755);
	char *at;

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		_exit(1);
	at = mmap(NULL, len, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		_exit(1);
	close(fd);
	if (unlinked)
		unlink(path);
	return at;
}

int main(int argc, char **argv)
{
	bool wait = argc > 1 && !strcmp(argv[1], "-w");
	bool unlinked = argc > 1 + wait && !strcmp(argv[1 + wait], "-u");
	bool locks = argc > 1 + wait + unlinked && !strcmp(argv[1 + wait + unlinked], "-l");
	struct link_map *lib;
	unsigned long n;
	size_t len, offset;
	char path[4096];
	int fd;

	argc -= wait + unlinked + locks, argv += wait + unlinked + locks;
	if (argc < 4)
		return 2;
	n = number(argv[1]);
	if (argc > 4)
		rounds = number(argv[4]);
	lib = dlopen(argv[2], RTLD_NOW);
	fd = open(argv[2], O_RDONLY);
	len = read(fd, bytes, sizeof(bytes));
	/* The text's offset in the file is its address, as in most libraries. */
	offset = (uintptr_t)dlsym(lib, "run_mapped") - lib->l_addr;
	runs = mmap(NULL, n * sizeof(*runs), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%lu.so", argv[3], i);
		runs[i] = (run_fn *)(void *)(map_copy(path, len, unlinked) + offset);
	}
	if (!locks)
		call_all(n);
	if (wait)
		wait_for_go();
	if (locks)
		call_locked(n);
	else if (wait)
		call_all(n);
	return 0;
}
