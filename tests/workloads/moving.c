/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates from stacks whose pages move meanwhile, and from one that the kernel can't see in its own memory.
 *
 *   moving CALLS
 *
 * While CALLS blocks are allocated below on_stack(), other threads change the page tables without end: one maps,
 * protects and unmaps memory, the other forks, so that each page of the stack that is written to next is another one.
 * Then CALLS more below on_secret(), on a stack of memfd_secret(). Prints for each: FUNCTION CALLS (0: no such memory).
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

#define SECRET_BYTES 65536

static volatile bool done;
static unsigned long calls;
static void *volatile block;	/* or the compiler takes malloc() and free() away */
static ucontext_t main_context, secret_context;

static void *maps(void *arg)
{
	while (!done) {
		char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			abort();
		*p = 1;
		mprotect(p, 4096, PROT_READ);
		munmap(p, 4096);
	}
	return arg;
}

static void *forks(void *arg)
{
	while (!done) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			abort();
	}
	return arg;
}

/* A page for each frame: all move. */
__attribute__((noinline)) static void deeper(int depth)
{
	volatile char frame[4000];

	frame[0] = depth;
	if (frame[0])
		deeper(depth - 1);
	else
		free(block = malloc(61));
	frame[1] = 0;
}

__attribute__((noinline)) static void on_stack(void)
{
	for (unsigned long i = 0; i < calls; i++)
		deeper(7);
}

__attribute__((noinline)) static void on_secret(void)
{
	for (unsigned long i = 0; i < calls; i++)
		deeper(5);
}

static bool secret(void)
{
	int fd = syscall(SYS_memfd_secret, 0);
	char *p;

	if (fd < 0 || ftruncate(fd, SECRET_BYTES))
		return false;
	p = mmap(NULL, SECRET_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	getcontext(&secret_context);
	secret_context.uc_stack.ss_sp = p;
	secret_context.uc_stack.ss_size = SECRET_BYTES;
	secret_context.uc_link = &main_context;
	makecontext(&secret_context, on_secret, 0);
	return !swapcontext(&main_context, &secret_context);
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	bool had_secret;

	calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 1009;
	if (pthread_create(&threads[0], NULL, maps, NULL) || pthread_create(&threads[1], NULL, forks, NULL))
		return 1;
	on_stack();
	done = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	had_secret = secret();
	printf("on_stack %lu\non_secret %lu\n", calls, had_secret ? calls : 0);
	return 0;
}
