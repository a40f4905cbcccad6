/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of target/ share: messages, files in a directory of their own, copies of the test program that wait. */
#ifndef ALLOCTRACE_TESTS_TARGET_FIXTURE_H
#define ALLOCTRACE_TESTS_TARGET_FIXTURE_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"

static char dir[] = "/tmp/alloctrace_test.XXXXXX";

static FILE *messages;
static char *message_text;
static size_t message_len;

static inline void catch_messages(void)
{
	messages = open_memstream(&message_text, &message_len);
	assert_non_null(messages);
	log_set_stream(messages);
}

/* What was said since, without the newline; then messages go to stderr again. */
static inline void assert_said(const char *part)
{
	log_set_stream(stderr);
	fclose(messages);
	assert_non_null(message_text);
	if (!strstr(message_text, part))
		fail_msg("'%s' does not contain '%s'", message_text, part);
	/* One line. */
	assert_ptr_equal(strchr(message_text, '\n'), message_text + message_len - 1);
	free(message_text);
	message_text = NULL;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static inline char *path_in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static inline void copy_file(const char *from, const char *to)
{
	char chunk[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(out, chunk, n), n);
	close(in);
	close(out);
}

/* Runs path with `--wait`: this very program, copied; returns when it is up. */
static inline pid_t start_copy(const char *path)
{
	int up[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(up, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(up[1], 1);
		execl(path, path, "--wait", (char *)NULL);
		_exit(127);
	}
	close(up[1]);
	assert_int_equal(read(up[0], &c, 1), 1);
	close(up[0]);
	return pid;
}

static inline void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Tells its tid through thread_pipe, and ends when the pipe behind arg does. */
static int thread_pipe[2];

static inline void *report_tid(void *arg)
{
	pid_t tid = syscall(SYS_gettid);
	char c;

	if (write(thread_pipe[1], &tid, sizeof(tid)) == sizeof(tid) && read(*(int *)arg, &c, 1) < 0)
		return arg;
	return NULL;
}

static inline int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	return rmdir(dir);
}

/* What main() does with `--wait`: tells that it is up, and stays. */
static inline int wait_for_ever(void)
{
	if (write(1, "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

#endif
