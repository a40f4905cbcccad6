/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A script: does what its arguments say, one after the other:
 *
 *   aSIZE:CALLS   allocates CALLS blocks of SIZE bytes, and frees them
 *   kSIZE:CALLS   allocates them and keeps them
 *   f             forks: the child goes on with what follows, and its parent ends with it
 *   cN            forks N children one after another, each of which does what follows and ends; child number I takes
 *                 I + 1 for each CALLS that is 0
 *   xPATH         execs PATH, which does what follows
 *   lPATH         loads the library, and calls its use(SIZE, CALLS) for each a from then on
 *   tPATH         likewise exec, by a thread that is not the first
 *   m             the first thread exits; another one does what follows
 *   sMS           sleeps so many milliseconds
 *   w             waits for the end of stdin
 */
#include "workload.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>

typedef void (*use_fn)(size_t size, size_t calls);

static use_fn loaded;
static size_t child = 0;
static char *self;

NOINLINE void step(size_t size, size_t calls, bool keeps);
NOINLINE void step(size_t size, size_t calls, bool keeps)
{
	for (size_t i = 0; i < calls; i++) {
		void *p = opaque(malloc(size));

		if (!keeps)
			free(p);
	}
}

static void allocate(const char *arg, bool keeps)
{
	char *end;
	size_t size = strtoul(arg, &end, 10), calls = *end ? strtoul(end + 1, NULL, 10) : 1;

	if (!calls)
		calls = child + 1;
	if (loaded)
		loaded(size, calls);
	else
		step(size, calls, keeps);
}

static int wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(126);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static void fork_children(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			child = i;
			return;
		}
		if (wait_for(pid))
			_exit(1);
	}
	_exit(0);
}

static void become(const char *path, char **rest)
{
	/* The first of them is its name. */
	rest[0] = self;
	execv(path, rest);
	_exit(124);
}

static char **what_follows;

static void *by_thread(void *path)
{
	become(path, what_follows);
	return NULL;
}

static void load(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW);

	loaded = lib ? (use_fn)dlsym(lib, "use") : NULL;
	if (!loaded)
		_exit(123);
}

static void *go_on(void *at);

static void run(char **at)
{
	pthread_t thread;
	char c;

	for (; *at; at++) {
		const char *arg = *at + 1;
		pid_t pid;

		switch (**at) {
		case 'a':
		case 'k':
			allocate(arg, **at == 'k');
			break;
		case 'f':
			pid = fork();
			if (pid)
				_exit(wait_for(pid));
			break;
		case 'c':
			fork_children(strtoul(arg, NULL, 10));
			break;
		case 'x':
			become(arg, at);
			break;
		case 'l':
			load(arg);
			break;
		case 't':
			what_follows = at;
			if (pthread_create(&thread, NULL, by_thread, (void *)arg))
				_exit(122);
			pthread_join(thread, NULL);
			break;
		case 'm':
			if (pthread_create(&thread, NULL, go_on, at + 1))
				_exit(122);
			pthread_exit(NULL);
		case 's':
			usleep((useconds_t)strtoul(arg, NULL, 10) * 1000);
			break;
		case 'w':
			while (read(STDIN_FILENO, &c, 1) > 0)
				;
			break;
		default:
			_exit(121);
		}
	}
}

static void *go_on(void *at)
{
	run(at);
	exit(0);
}

int main(int argc, char **argv)
{
	self = argv[0];
	run(argv + 1);
	return argc > 1 ? 0 : 2;
}
