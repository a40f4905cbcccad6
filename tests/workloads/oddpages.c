// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes resident memory grow, or not, in mappings that are not what most are, and prints what each function should have
 * brought, as workloads/resident.c does. Of those that this kernel refuses, "# skipped: FUNCTION: REASON".
 *
 *     oddpages FILE DEV_MEM       FILE: one of at least 64 pages, in the page cache; DEV_MEM: a node like /dev/mem
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pages.h"

#define THREADS 8

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static char *page;	/* that is there */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void print(const char *text, int n)
{
	if (write(1, text, (size_t)n) != n)
		_exit(1);
}

static void said(const char *name, size_t pages)
{
	char line[128];

	print(line, snprintf(line, sizeof(line), "%s\t%zu\n", name, pages * PAGE));
}

static void skipped(const char *name)
{
	char line[128];

	print(line, snprintf(line, sizeof(line), "# skipped: %s: %s\n", name, strerror(errno)));
}

/* NULL: errno says why. */
static char *map(size_t pages, int flags, int fd)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static char *anonymous(size_t pages)
{
	char *p = map(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!p)
		die("mmap");
	return p;
}

static char *huge(void)
{
	char *p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return (char *)(((uintptr_t)p + HUGE - 1) & -HUGE);
}

/* They are not to become one function. */
#define TOUCHES(name)	\
	NOINLINE static void name(char *p, size_t pages)	\
	{							\
		__asm__ volatile("# " #name);			\
		touch(p, pages);				\
	}
#define LOOKS(name)	\
	NOINLINE static void name(const char *p, size_t pages)	\
	{							\
		__asm__ volatile("# " #name);			\
		if (look(p, pages) == -1)			\
			_exit(1);				\
	}
#define ADVISES(name, advice)	\
	NOINLINE static int name(char *p, size_t pages)		\
	{							\
		return madvise(p, pages * PAGE, advice);	\
	}

TOUCHES(by_dev_zero)
TOUCHES(by_shared_dev_zero)
LOOKS(by_dev_zero_unwritten)
LOOKS(by_dev_mem)
TOUCHES(by_hugetlb)
TOUCHES(by_secret)
TOUCHES(by_rewriting)
LOOKS(by_huge_zero)
TOUCHES(by_vfork)
TOUCHES(by_thread)
TOUCHES(by_waiting)
ADVISES(by_populate_write, MADV_POPULATE_WRITE)
ADVISES(by_populate_read, MADV_POPULATE_READ)
ADVISES(by_collapse, MADV_COLLAPSE)

NOINLINE static int by_lock(char *p, size_t pages)
{
	return mlock(p, pages * PAGE);
}

NOINLINE static ssize_t by_remote_write(pid_t pid, char *p, size_t bytes)
{
	struct iovec from = {page, bytes}, to = {p, bytes};

	return process_vm_writev(pid, &from, 1, &to, 1, 0);
}

NOINLINE static long by_remote_advice(int pidfd, char *p, size_t bytes)
{
	struct iovec range = {p, bytes};

	return syscall(440 /* process_madvise */, pidfd, &range, 1, MADV_PAGEOUT, 0);
}

/* An AF_PACKET socket's ring: the kernel's own pages, which it counts as a file's when they are mapped. */
NOINLINE static char *by_ring(int fd, size_t pages)
{
	return map(pages, MAP_SHARED, fd);
}

static void rings(void)
{
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct tpacket_req req = {
		.tp_block_size = PAGE, .tp_block_nr = 16, .tp_frame_size = 2048, .tp_frame_nr = 32,
	};

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) || !by_ring(fd, 16))
		skipped("by_ring");
	else
		said("by_ring", 16);
}

static void devices(const char *dev_mem)
{
	const int fd = open("/dev/zero", O_RDWR), mem = open(dev_mem, O_RDONLY);
	char *p = map(71, MAP_PRIVATE, fd);

	if (!p)
		die("/dev/zero");
	by_dev_zero(p, 71);
	said("by_dev_zero", 71);
	by_shared_dev_zero(map(73, MAP_SHARED, fd), 73);
	said("by_shared_dev_zero", 73);
	by_dev_zero_unwritten(map(29, MAP_PRIVATE, fd), 29);
	said("by_dev_zero_unwritten", 0);
	/* The BIOS, which the kernel lets whoever may see. */
	p = mem < 0 ? MAP_FAILED : mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, mem, 0xf0000);
	if (p == MAP_FAILED) {
		skipped("by_dev_mem");
	} else {
		by_dev_mem(p, 3);
		said("by_dev_mem", 0);
	}
	rings();
}

static void secrets(void)
{
	const int fd = (int)syscall(447 /* memfd_secret */, 0);

	if (fd < 0 || ftruncate(fd, 17 * PAGE)) {
		skipped("by_secret");
		return;
	}
	by_secret(map(17, MAP_SHARED, fd), 17);
	said("by_secret", 17);
}

static void hugetlb(void)
{
	char *p = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED) {
		skipped("by_hugetlb");
		return;
	}
	by_hugetlb(p, 512);
	said("by_hugetlb", 0);
}

static void advice(int file)
{
	char *p = anonymous(47), *h;

	by_rewriting(p, 47);
	madvise(p, 47 * PAGE, MADV_FREE);
	by_rewriting(p, 47);
	said("by_rewriting", 47);
	if (by_lock(anonymous(7), 7))
		skipped("by_lock");
	else
		said("by_lock", 7);
	if (by_populate_write(anonymous(79), 79))
		skipped("by_populate_write");
	else
		said("by_populate_write", 79);
	if (by_populate_read(map(43, MAP_SHARED, file), 43))
		skipped("by_populate_read");
	else
		said("by_populate_read", 43);
	h = huge();
	madvise(h, HUGE, MADV_NOHUGEPAGE);
	touch(h, 37);
	madvise(h, HUGE, MADV_HUGEPAGE);
	if (by_collapse(h, 512))
		skipped("by_collapse");
	else
		said("by_collapse", 512 - 37);
	h = huge();
	if (madvise(h, HUGE, MADV_HUGEPAGE))
		skipped("by_huge_zero");
	by_huge_zero(h, 512);
	said("by_huge_zero", 0);
}

/* What others do to a process is no growth of its own, nor of theirs. */
static void remote(int file)
{
	char *p = anonymous(83), *of_file = map(61, MAP_SHARED, file);
	const pid_t pid = fork();
	int pidfd;

	if (!pid) {
		look(of_file, 61);
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	for (size_t i = 0; i < 83; i++)
		if (by_remote_write(pid, p + i * PAGE, 1) != 1)
			die("process_vm_writev");
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || by_remote_advice(pidfd, of_file, 61 * PAGE) < 0)
		skipped("by_remote_advice");
	kill(pid, SIGCONT);
	waitpid(pid, NULL, 0);
	said("by_remote_write", 0);
	said("by_remote_advice", 0);
}

static void vforks(void)
{
	char *p = anonymous(31);
	const pid_t pid = vfork();

	if (!pid) {
		by_vfork(p, 31);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	said("by_vfork", 31);
}

/* Each maps, touches, gives a part back and unmaps, while the others do, and one changes what all have mapped. */
static void *thread_main(void *arg)
{
	char *shared = arg;

	for (int i = 0; i < 8; i++) {
		char *p = anonymous(503);

		by_thread(p, 503);
		madvise(p, 101 * PAGE, MADV_DONTNEED);
		mprotect(shared + (i % 7) * PAGE, PAGE, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
		by_thread(p, 101);
		munmap(p, 503 * PAGE);
	}
	return NULL;
}

static void threads(void)
{
	char *shared = anonymous(7);
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, thread_main, shared))
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	said("by_thread", THREADS * 8 * (503 + 101));
}

static char *awaited;
static int uffd;

static void *waiting_main(void *arg)
{
	(void)arg;
	by_waiting(awaited, 1);
	return NULL;
}

NOINLINE static int answer(void)
{
	struct uffdio_copy copy = {.dst = (uintptr_t)awaited, .src = (uintptr_t)page, .len = PAGE};

	return ioctl(uffd, UFFDIO_COPY, &copy);
}

/* A fault that takes half a second, and is never answered by who has it. */
static void waiting(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register r = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t t;

	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	awaited = anonymous(1);
	r.range.start = (uintptr_t)awaited;
	r.range.len = PAGE;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &r)) {
		skipped("by_waiting");
		return;
	}
	if (pthread_create(&t, NULL, waiting_main, NULL))
		die("pthread_create");
	usleep(500000);
	if (answer())
		die("UFFDIO_COPY");
	pthread_join(t, NULL);
	said("by_waiting", 0);
	said("answer", 1);
}

int main(int argc, char **argv)
{
	const int file = argc > 2 ? open(argv[1], O_RDWR) : -1;

	if (file < 0)
		die(argc > 2 ? argv[1] : "usage: oddpages FILE DEV_MEM");
	page = anonymous(1);
	page[0] = 1;
	devices(argv[2]);
	secrets();
	hugetlb();
	advice(file);
	remote(file);
	vforks();
	threads();
	waiting();
	return 0;
}
