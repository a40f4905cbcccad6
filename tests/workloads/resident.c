// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes resident memory grow by known numbers of pages, each by a function of its own, and prints for each its name and
 * the bytes: "by_heap<TAB>274432". What the functions need is made before, and page by page: no huge pages but where
 * these are asked for.
 *
 *     resident FILE        FILE: a file of at least 512 pages, in the page cache
 *     resident FILE fork   and what a child does, in its own memory
 *     resident -w ROUNDS   says "ready", waits for a line, touches 64 MiB so often, and says "ns" and what a page takes
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"

#define THREADS 4

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static char *map(size_t pages, int flags, int fd, off_t offset)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static char *anonymous(size_t pages)
{
	return map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static NOINLINE void said(const char *name, size_t pages)
{
	char line[64];

	write(1, line, (size_t)snprintf(line, sizeof(line), "%s\t%zu\n", name, pages * PAGE));
}

static NOINLINE void by_heap(char *p)
{
	touch(p, 67);
}

static NOINLINE void by_anonymous(char *p)
{
	touch(p, 1009);
}

static NOINLINE void by_again(char *p)
{
	touch(p, 503);
}

static NOINLINE int by_zeroes(char *p)
{
	return look(p, 211);
}

static NOINLINE void by_shared(char *p)
{
	touch(p, 307);
}

static NOINLINE int by_file(char *p)
{
	return look(p, 97);
}

static NOINLINE void by_copy(char *p)
{
	touch(p, 53);
}

/* Pages that are there already: of the file, then copies in their place. */
static NOINLINE void by_replacing(char *p)
{
	touch(p, 97);
}

static NOINLINE void by_shared_file(char *p)
{
	touch(p, 61);
}

static NOINLINE void by_stack(void)
{
	volatile char big[41 * PAGE];

	touch(big, 41);
}

static NOINLINE void by_huge(char *p)
{
	for (size_t i = 0; i < 3; i++)
		((volatile char *)p)[i * HUGE] = 1;
}

static NOINLINE char *by_populate(void)
{
	return map(127, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
}

static NOINLINE void by_read(int fd, char *p)
{
	if (read(fd, p, 113 * PAGE) != 113 * PAGE)
		die("read");
}

static NOINLINE void by_secret(char *p)
{
	touch(p, 17);
}

static NOINLINE void by_userfault(char *p)
{
	touch(p, 19);
}

static NOINLINE void by_thread(char *p)
{
	touch(p, 1013);
}

static sigjmp_buf back;

static void on_segv(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

/* Nothing comes of it. */
static NOINLINE void by_failing(char *p)
{
	for (volatile int i = 0; i < 23; i++)
		if (!sigsetjmp(back, 1))
			((volatile char *)p)[0] = 1;
}

/* Maps and unmaps, while the others do. */
static void *thread_main(void *arg)
{
	(void)arg;
	for (int i = 0; i < 16; i++) {
		char *p = anonymous(1013);

		by_thread(p);
		munmap(p, 1013 * PAGE);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, thread_main, NULL))
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	said("by_thread", THREADS * 16 * 1013);
}

struct answerer {
	int fd;
	char *page;
};

static NOINLINE void answer(const struct answerer *a, uint64_t addr)
{
	struct uffdio_copy copy = {.dst = addr & -PAGE, .src = (uintptr_t)a->page, .len = PAGE};

	if (ioctl(a->fd, UFFDIO_COPY, &copy))
		die("UFFDIO_COPY");
}

static void *answerer_main(void *arg)
{
	struct uffd_msg m;

	for (int i = 0; i < 19; i++)
		if (read(((struct answerer *)arg)->fd, &m, sizeof(m)) == sizeof(m))
			answer(arg, m.arg.pagefault.address);
	return NULL;
}

/* The pages come by the thread that answers. */
static void userfaults(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct answerer a = {.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC), .page = anonymous(1)};
	char *p = anonymous(19);
	struct uffdio_register r = {.range = {(uintptr_t)p, 19 * PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t t;

	a.page[0] = 1;
	if (a.fd < 0 || ioctl(a.fd, UFFDIO_API, &api) || ioctl(a.fd, UFFDIO_REGISTER, &r))
		return;
	if (pthread_create(&t, NULL, answerer_main, &a))
		die("pthread_create");
	by_userfault(p);
	pthread_join(t, NULL);
	said("answer", 19);
}

static void secret(void)
{
	const int fd = (int)syscall(447 /* memfd_secret */, 0);

	if (fd < 0 || ftruncate(fd, 17 * PAGE))
		return;
	by_secret(map(17, MAP_SHARED, fd, 0));
	said("by_secret", 17);
}

static NOINLINE void by_child(char *p)
{
	touch(p, 101);
}

/* Pages of the parent: copied, which is no growth. */
static NOINLINE void by_child_copying(char *p)
{
	touch(p, 1009);
}

static void child(char *of_parent)
{
	const pid_t pid = fork();

	if (!pid) {
		by_child_copying(of_parent);
		by_child(anonymous(101));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	said("by_child", 101);
}

static void huge(void)
{
	char *p = mmap(NULL, 4 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p = (char *)(((uintptr_t)p + HUGE - 1) & -HUGE);
	if (madvise(p, 3 * HUGE, MADV_HUGEPAGE))
		return;
	by_huge(p);
	said("by_huge", 3 * HUGE / PAGE);
}

static void files(int fd)
{
	const int copy = (int)syscall(SYS_memfd_create, "copy", 0);
	char *seen = map(97, MAP_PRIVATE, fd, 0), *shared = map(61, MAP_SHARED, copy, 0);

	by_file(seen);
	said("by_file", 97);
	by_replacing(seen);
	by_copy(map(53, MAP_PRIVATE, fd, 256 * PAGE));
	said("by_copy", 53);
	if (ftruncate(copy, 61 * PAGE))
		die("ftruncate");
	by_shared_file(shared);
	said("by_shared_file", 61);
}

static void heap(void)
{
	char *p = sbrk(0);

	p = (char *)(((uintptr_t)p + PAGE - 1) & -PAGE);
	if (brk(p + 67 * PAGE))
		die("brk");
	madvise(p, 67 * PAGE, MADV_NOHUGEPAGE);
	by_heap(p);
	said("by_heap", 67);
}

static void touch_rounds(int rounds)
{
	const size_t pages = (64UL << 20) / PAGE;
	char *p = anonymous(pages);
	struct timespec from, to;
	double ns = 0;

	puts("ready");
	fflush(stdout);
	getchar();
	for (int i = 0; i < rounds; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		touch(p, pages);
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns += (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
		madvise(p, pages * PAGE, MADV_DONTNEED);
	}
	printf("ns %.1f\n", ns / rounds / pages);
}

int main(int argc, char **argv)
{
	const int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1, zero = open("/dev/zero", O_RDONLY);
	char *p;

	if (argc > 2 && !strcmp(argv[1], "-w")) {
		touch_rounds(atoi(argv[2]));
		return 0;
	}
	if (fd < 0 || zero < 0)
		die(argc > 1 ? argv[1] : "usage: resident FILE [fork]");
	heap();
	p = anonymous(1009);
	by_anonymous(p);
	said("by_anonymous", 1009);
	madvise(p, 503 * PAGE, MADV_DONTNEED);
	by_again(p);
	said("by_again", 503);
	if (by_zeroes(anonymous(211)))
		return 1;
	by_shared(map(307, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	said("by_shared", 307);
	files(fd);
	by_stack();
	by_populate();
	said("by_populate", 127);
	by_read(zero, anonymous(113));
	said("by_read", 113);
	secret();
	userfaults();
	signal(SIGSEGV, on_segv);
	by_failing(mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	huge();
	threads();
	if (argc > 2)
		child(p);
	return 0;
}
