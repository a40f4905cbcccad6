/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is confined by seccomp: children and threads that confine themselves. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kern/features.h"
#include "kern/returns.h"

static void confine(int mode)
{
	struct sock_filter allow_all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = 1, .filter = &allow_all};

	if (mode == SECCOMP_MODE_FILTER && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(2);
	if (mode && prctl(PR_SET_SECCOMP, mode, &program))
		_exit(3);
}

static void *confine_thread(void *arg)
{
	int ready = *(int *)arg;

	confine(SECCOMP_MODE_FILTER);
	if (write(ready, "t", 1) != 1)
		_exit(4);
	pause();
	return NULL;
}

/* What returns_confined() says of a child in that mode; in_thread: only one that is not its first thread. */
static bool is_confined(int mode, bool in_thread)
{
	int ready[2], never[2], status;
	bool confined;
	pthread_t t;
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(never), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (in_thread) {
			if (pthread_create(&t, NULL, confine_thread, &ready[1]))
				_exit(5);
			for (;;)
				pause();
		}
		confine(mode);
		/* In strict mode there are only read, write and exit. */
		if (write(ready[1], "p", 1) != 1)
			syscall(SYS_exit, 6);
		syscall(SYS_exit, read(never[0], &c, 1) == 1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	confined = returns_confined(pid);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	close(never[0]);
	close(never[1]);
	return confined;
}

static void test_confined(void **state)
{
	/* Whoever runs this in a container is confined, and so are the children. */
	if (returns_confined(getpid()))
		skip();
	assert_false(is_confined(0, false));
	assert_true(is_confined(SECCOMP_MODE_STRICT, false));
	assert_true(is_confined(SECCOMP_MODE_FILTER, false));
	assert_true(is_confined(0, true));
	assert_int_equal(returns_check(getpid()), 0);
}

static void test_gone(void **state)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(returns_confined(pid));
	assert_int_equal(returns_check(pid), 0);
}

/* What the try says is what the feature says; without privileges neither knows. */
static void test_try(void **state)
{
	int err = returns_try_seccomp();

	assert_true(err <= 0);
	if (feature(FEATURE_PRIVILEGE, NULL))
		assert_int_equal(feature(FEATURE_RETURN_SECCOMP, NULL), err == 0);
}

/* Where a probe can't be attached, the child that waits for it has to end as well. */
static void test_try_without_privileges(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		alarm(20);
		if (!geteuid() && setresuid(65534, 65534, 65534))
			_exit(1);
		_exit(returns_try_seccomp() < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_try),
		cmocka_unit_test(test_try_without_privileges),
	};

	return cmocka_run_group_tests_name("returns", tests, NULL, NULL);
}
