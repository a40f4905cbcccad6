/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that are loaded and unloaded in turn, most often at the same address; the one that is there is called.
 *
 * usage: reloader [-w] turns ROUNDS LIBRARY LIBRARY [THREADS]
 *        reloader [-w] rewrite ROUNDS LIBRARY LIBRARY FILE
 *   turns    loads one after the other; THREADS change the process's mappings all the while
 *   rewrite  writes one after the other into FILE, in place, and loads that
 * On stdout: again N, how often one was at the address of the one before.
 */
#include "workload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>

#define MAX_THREADS 8
#define REST_US 250000	/* for who reads a file before it is rewritten; more than file times are fine */

static volatile bool done;

static void *change_mappings(void *arg)
{
	(void)arg;
	while (!done) {
		void *p = mmap(NULL, 1 << 16, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(p, 1 << 16);
	}
	return NULL;
}

NOINLINE void run_plugin(void (*run)(void));
NOINLINE void run_plugin(void (*run)(void))
{
	run();
	opaque(NULL);
}

/* Returns where it was. */
static uintptr_t load_and_run(const char *path)
{
	struct link_map *lib = dlopen(path, RTLD_NOW);
	void *run = lib ? dlsym(lib, "run") : NULL;
	uintptr_t at;

	if (!run) {
		say("%s: %s\n", path, dlerror());
		_exit(1);
	}
	at = lib->l_addr;
	run_plugin((void (*)(void))run);
	dlclose(lib);
	return at;
}

static void rewrite(const char *from, const char *to)
{
	static char bytes[1 << 20];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n = read(in, bytes, sizeof(bytes));

	if (n <= 0 || pwrite(out, bytes, n, 0) != n)
		_exit(1);
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS];
	unsigned long n_threads = 0, again = 0, rounds;
	uintptr_t last = 0, at;
	bool in_place;

	if (argc > 1 && !strcmp(argv[1], "-w")) {
		wait_for_go();
		argc--, argv++;
	}
	if (argc < 5)
		return 2;
	in_place = !strcmp(argv[1], "rewrite");
	rounds = number(argv[2]);
	if (argc > 5 && !in_place)
		n_threads = number(argv[5]);
	for (unsigned long i = 0; i < n_threads && i < MAX_THREADS; i++)
		pthread_create(&threads[i], NULL, change_mappings, NULL);
	for (unsigned long i = 0; i < rounds; i++) {
		if (in_place)
			rewrite(argv[3 + i % 2], argv[5]);
		at = load_and_run(in_place ? argv[5] : argv[3 + i % 2]);
		if (in_place)
			usleep(REST_US);
		again += at == last;
		last = at;
	}
	done = true;
	for (unsigned long i = 0; i < n_threads && i < MAX_THREADS; i++)
		pthread_join(threads[i], NULL);
	say("again %lu\n", again);
	return 0;
}
