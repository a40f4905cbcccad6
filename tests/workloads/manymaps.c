/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Very many executable mappings, each of a file of its own, and a call of malloc from each.
 *
 * usage: manymaps [-w] [-u] N LIBRARY DIRECTORY
 * Puts N copies of the library into the directory, and maps them; then calls run_mapped() in each, once. With -w it
 * waits when they are mapped, and calls them once more after that. With -u the copies are unlinked at once.
 */
#include "workload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>

typedef void run_fn(void *(*allocate)(size_t), void (*release)(void *));

static char bytes[1 << 20];
static run_fn **runs;

NOINLINE void call_all(unsigned long n);
NOINLINE void call_all(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		runs[i](malloc, free);
	opaque(NULL);
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
	struct link_map *lib;
	unsigned long n;
	size_t len, offset;
	char path[4096];
	int fd;

	argc -= wait + unlinked, argv += wait + unlinked;
	if (argc < 4)
		return 2;
	n = number(argv[1]);
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
	call_all(n);
	if (wait) {
		wait_for_go();
		call_all(n);
	}
	return 0;
}
