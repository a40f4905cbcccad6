/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of real processes; needs the right to open perf events for all of them (root), else it is skipped. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "proc/events.h"
#include "proc/process.h"

static struct task_events *events;
static char *message_text;
static bool forbidden;

/* Everything that was seen, of all processes. */
static vec_of(struct task_event) seen;

static void remember(void *arg, const struct task_event *ev)
{
	struct task_event copy = *ev;

	if (ev->name)
		copy.name = xstrdup(ev->name);
	vec_push(&seen, copy);
}

static void forget(void)
{
	for (size_t i = 0; i < seen.n; i++)
		free((char *)seen.at[i].name);
	vec_free(&seen);
}

static int open_events(void **state)
{
	size_t len;
	FILE *f = open_memstream(&message_text, &len);
	int err;

	log_set_stream(f);
	err = task_events_open(true, &events);
	fclose(f);
	log_set_stream(stderr);
	forbidden = err == -EACCES || err == -EPERM;
	return err && !forbidden ? -1 : 0;
}

static int close_events(void **state)
{
	if (!forbidden)
		task_events_close(events);
	forget();
	free(message_text);
	return 0;
}

static void need_permission(void)
{
	if (!forbidden)
		return;
	print_message("skipped: %s", message_text);
	skip();
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const struct task_event *find(enum task_event_kind kind, pid_t pid, const char *name)
{
	for (size_t i = 0; i < seen.n; i++) {
		const struct task_event *ev = &seen.at[i];

		if (ev->kind == kind && ev->pid == pid && (!name || (ev->name && !strcmp(ev->name, name))))
			return ev;
	}
	return NULL;
}

/* A machine so busy that the ring ran over proves nothing here. */
static void collect(void)
{
	if (task_events_poll(events, remember, NULL)) {
		print_message("records were lost: too much else is going on\n");
		skip();
	}
}

/* Polls until the process's own exit is seen; records of its life come before that, by then at the latest. */
static void collect_until_exit(pid_t pid)
{
	struct pollfd pfd = {.fd = task_events_fd(events), .events = POLLIN};

	while (!find(TASK_EXIT, pid, NULL)) {
		collect();
		if (!find(TASK_EXIT, pid, NULL))
			poll(&pfd, 1, 100);
	}
	/* What another CPU had to say late. */
	collect();
}

static void drain(void)
{
	task_events_poll(events, remember, NULL);
	forget();
}

static void fork_exec_rename_exit(void **state)
{
	static const char name[] = "renamed-by-test";
	const struct task_event *forked, *renamed, *exec, *mmap_exe, *ended;
	uint64_t before, after;
	struct stat st;
	pid_t pid;

	need_permission();
	drain();
	before = now_ns();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_NAME, name);
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	collect_until_exit(pid);
	after = now_ns();
	forked = find(TASK_FORK, pid, NULL);
	renamed = find(TASK_RENAME, pid, name);
	exec = find(TASK_EXEC, pid, "true");
	ended = find(TASK_EXIT, pid, NULL);
	assert_non_null(forked);
	assert_non_null(renamed);
	assert_non_null(exec);
	assert_int_equal(forked->parent, getpid());
	assert_int_equal(forked->tid, pid);
	assert_int_equal(exec->tid, pid);
	assert_int_equal(ended->tid, pid);
	assert_true(before <= forked->time_ns);
	assert_true(forked->time_ns <= renamed->time_ns);
	assert_true(renamed->time_ns < exec->time_ns);
	assert_true(exec->time_ns < ended->time_ns);
	assert_true(ended->time_ns <= after);
	/* The new program's code, by its inode. */
	assert_int_equal(stat("/bin/true", &st), 0);
	mmap_exe = NULL;
	for (size_t i = 0; i < seen.n && !mmap_exe; i++)
		if (seen.at[i].kind == TASK_MMAP && seen.at[i].pid == pid && seen.at[i].ino == st.st_ino)
			mmap_exe = &seen.at[i];
	assert_non_null(mmap_exe);
	assert_true(mmap_exe->time_ns > exec->time_ns && mmap_exe->time_ns < ended->time_ns);
	assert_true(mmap_exe->len > 0);
	assert_string_equal(strrchr(mmap_exe->name, '/'), "/true");
	/* One exec, one fork, one exit. */
	for (size_t i = 0; i < seen.n; i++) {
		const struct task_event *ev = &seen.at[i];

		if (ev->pid != pid)
			continue;
		assert_true(ev->kind != TASK_FORK || ev == forked);
		assert_true(ev->kind != TASK_EXEC || ev == exec);
		assert_true(ev->kind != TASK_EXIT || ev == ended);
		assert_true(ev->time_ns >= before && ev->time_ns <= after);
	}
}

/* As dlopen does it: a file's code, mapped late. Data is not told. */
static void mapped_late(void **state)
{
	char path[] = "/tmp/test_events.XXXXXX";
	const struct task_event *ev;
	uint64_t before, after;
	struct stat st;
	void *code, *data;
	size_t count = 0;
	int fd;

	need_permission();
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 * 4096), 0);
	assert_int_equal(fstat(fd, &st), 0);
	drain();
	before = now_ns();
	data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	code = mmap(NULL, 2 * 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	after = now_ns();
	assert_ptr_not_equal(code, MAP_FAILED);
	assert_ptr_not_equal(data, MAP_FAILED);
	collect();
	ev = find(TASK_MMAP, getpid(), path);
	assert_non_null(ev);
	assert_int_equal(ev->start, (uintptr_t)code);
	assert_int_equal(ev->len, 2 * 4096);
	assert_int_equal(ev->offset, 4096);
	assert_int_equal(ev->ino, st.st_ino);
	assert_true(ev->time_ns >= before && ev->time_ns <= after);
	for (size_t i = 0; i < seen.n; i++)
		count += seen.at[i].kind == TASK_MMAP && seen.at[i].pid == getpid();
	assert_int_equal(count, 1);
	munmap(code, 2 * 4096);
	munmap(data, 4096);
	close(fd);
	unlink(path);
}

/* What the record says and what maps says agree: reading adds nothing. */
static void feeds_the_process(void **state)
{
	struct modules modules;
	struct processes ps;
	struct process *p;
	const struct task_event *ev = NULL;
	uint64_t offset;
	uint32_t id;
	size_t n;
	char *code;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	need_permission();
	modules_init(&modules);
	processes_init(&ps, &modules);
	assert_int_equal(processes_add(&ps, getpid(), &p), 0);
	drain();
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	collect();
	ev = find(TASK_MMAP, getpid(), NULL);
	assert_non_null(ev);
	n = modules.list.n;
	process_mmap(&ps, p, ev->time_ns, ev->start, ev->len, ev->offset, ev->dev, ev->ino, ev->name);
	/* The program's own module, also where two sources number its file differently. */
	assert_int_equal(modules.list.n, n);
	assert_true(process_resolve(p, &modules, (uintptr_t)code + 64, ev->time_ns, &id, &offset));
	assert_int_equal(offset, 64);
	assert_int_equal(modules_get(&modules, id)->kind, MODULE_ELF);
	n = p->maps.n;
	assert_int_equal(process_read_maps(&ps, p, now_ns()), 0);
	assert_int_equal(p->maps.n, n);
	munmap(code, 4096);
	close(fd);
	processes_free(&ps);
	modules_free(&modules);
}

static void *rename_and_end(void *arg)
{
	prctl(PR_SET_NAME, "a-thread");
	return NULL;
}

/* Threads: no fork, but their names and their ends. */
static void threads(void **state)
{
	const struct task_event *renamed;
	pthread_t thread;
	size_t ends = 0;

	need_permission();
	drain();
	assert_int_equal(pthread_create(&thread, NULL, rename_and_end, NULL), 0);
	pthread_join(thread, NULL);
	do {
		collect();
		ends = 0;
		for (size_t i = 0; i < seen.n; i++)
			ends += seen.at[i].kind == TASK_EXIT && seen.at[i].pid == getpid();
	} while (!ends);
	assert_int_equal(ends, 1);
	renamed = find(TASK_RENAME, getpid(), "a-thread");
	assert_non_null(renamed);
	assert_int_not_equal(renamed->tid, getpid());
	assert_int_equal(find(TASK_EXIT, getpid(), NULL)->tid, renamed->tid);
	assert_null(find(TASK_FORK, getpid(), NULL));
}

/* Many processes on all CPUs: in order of time within a call, and each one's life in order over all calls. */
static void in_order(void **state)
{
	enum { CHILDREN = 200 };
	pid_t pids[CHILDREN];

	need_permission();
	drain();
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i]) {
			prctl(PR_SET_NAME, "in-order");
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	for (int i = 0; i < CHILDREN; i++) {
		const struct task_event *f, *r, *e;

		collect_until_exit(pids[i]);
		f = find(TASK_FORK, pids[i], NULL);
		r = find(TASK_RENAME, pids[i], "in-order");
		e = find(TASK_EXIT, pids[i], NULL);
		assert_non_null(f);
		assert_non_null(r);
		assert_true(f->time_ns <= r->time_ns && r->time_ns <= e->time_ns);
	}
}

static void set_name(char text[32], const char *prefix, int n)
{
	snprintf(text, 32, "%s-%d", prefix, n);
	text[15] = '\0';
	prctl(PR_SET_NAME, text);
}

/* More than the rings hold: what is kept is whole, what is lost is counted, and then it goes on. */
static void counts_what_is_lost(void **state)
{
	uint64_t lost = 0;
	char old[16], text[32];
	size_t mine = 0;
	int last = -1, n;

	need_permission();
	prctl(PR_GET_NAME, old);
	drain();
	for (int i = 0; i < 40000; i++)
		set_name(text, "burst", i);
	lost += task_events_poll(events, remember, NULL);
	/* The loss is told with the next record that finds room. */
	prctl(PR_SET_NAME, "after");
	lost += task_events_poll(events, remember, NULL);
	prctl(PR_SET_NAME, old);
	for (size_t i = 0; i < seen.n; i++) {
		const struct task_event *ev = &seen.at[i];

		if (ev->kind != TASK_RENAME || ev->pid != getpid() || sscanf(ev->name, "burst-%d", &n) != 1)
			continue;
		assert_true(n > last);
		last = n;
		mine++;
	}
	assert_true(mine > 1000);
	assert_true(mine < 40000);
	assert_true(lost + mine >= 40000);
	assert_non_null(find(TASK_RENAME, getpid(), "after"));
}

/* Round the rings' ends many times, with records of several sizes: nothing is torn. */
static void goes_round(void **state)
{
	static const char *const prefixes[] = {"r", "round", "round-and-rou"};
	char old[16], text[32];
	size_t mine = 0;

	need_permission();
	prctl(PR_GET_NAME, old);
	drain();
	for (int i = 0; i < 20000; i++) {
		set_name(text, prefixes[i % 3], i % 7);
		if (i % 500 == 499)
			collect();
	}
	prctl(PR_SET_NAME, old);
	for (size_t i = 0; i < seen.n; i++) {
		const struct task_event *ev = &seen.at[i];

		if (ev->kind != TASK_RENAME || ev->pid != getpid())
			continue;
		snprintf(text, sizeof(text), "%s-%d", prefixes[mine % 3], (int)(mine % 7));
		assert_string_equal(ev->name, text);
		mine++;
	}
	assert_int_equal(mine, 20000);
}

/* The descriptor inside another epoll, as the main loop uses it. */
static void wakes_a_nested_epoll(void **state)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int epfd;

	need_permission();
	epfd = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, task_events_fd(events), &ev), 0);
	drain();
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		while (!find(TASK_EXIT, pid, NULL)) {
			/* No time limit: a wake-up that is missed hangs the test. */
			assert_int_equal(epoll_wait(epfd, &ev, 1, -1), 1);
			collect();
		}
		forget();
	}
	close(epfd);
}

static void says_what_is_missing(void **state)
{
	int status;
	pid_t pid;

	if (forbidden) {
		assert_non_null(strstr(message_text, "CAP_PERFMON"));
		return;
	}
	if (geteuid())
		skip();
	pid = fork();
	if (!pid) {
		struct task_events *te = NULL;

		if (setgid(65534) || setuid(65534))
			_exit(99);
		log_set_stream(fopen("/dev/null", "w"));
		/* Allowed where the administrator lowered the guard. */
		int err = task_events_open(true, &te);

		task_events_close(te);
		_exit(err == -EACCES || err == -EPERM || !err ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_exec_rename_exit),
		cmocka_unit_test(mapped_late),
		cmocka_unit_test(feeds_the_process),
		cmocka_unit_test(threads),
		cmocka_unit_test(in_order),
		cmocka_unit_test(counts_what_is_lost),
		cmocka_unit_test(goes_round),
		cmocka_unit_test(wakes_a_nested_epoll),
		cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests_name("events", tests, open_events, close_events);
}
