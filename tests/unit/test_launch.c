/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "proc/launch.h"

#define COMMAND(...) ((char *[]){__VA_ARGS__, NULL})

static char dir[] = "/tmp/test_launch.XXXXXX";
static FILE *messages;
static char *message_text;
static size_t message_len;

static void catch_messages(void)
{
	messages = open_memstream(&message_text, &message_len);
	assert_non_null(messages);
	log_set_stream(messages);
}

static void assert_said(const char *line)
{
	char *expected = xasprintf("alloctrace: %s\n", line);

	log_set_stream(stderr);
	fclose(messages);
	assert_string_equal(message_text, expected);
	free(message_text);
	free(expected);
}

static char *make_file(const char *name, const char *contents, mode_t mode)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, contents, strlen(contents)), strlen(contents));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

/* Waits for the child's end without a time limit: the pidfd becomes readable. */
static int wait_for(struct launch *l)
{
	struct pollfd pfd = {.fd = (int)syscall(SYS_pidfd_open, launch_pid(l), 0), .events = POLLIN};
	int status = -1;
	bool stopped = true;

	assert_true(pfd.fd >= 0);
	while (poll(&pfd, 1, -1) != 1)
		;
	close(pfd.fd);
	assert_true(launch_reap(l, &status, &stopped));
	assert_false(stopped);
	return status;
}

static struct launch *launch(char *const argv[])
{
	struct launch *l = NULL;

	assert_int_equal(launch_new(argv, &l), 0);
	assert_non_null(l);
	assert_true(launch_pid(l) > 0);
	return l;
}

static int run(char *const argv[])
{
	struct launch *l = launch(argv);
	int status;

	assert_int_equal(launch_exec(l), 0);
	status = wait_for(l);
	launch_free(l);
	return status;
}

static void passes_the_exit_status(void **state)
{
	assert_int_equal(launch_exit_status(run(COMMAND("true"))), 0);
	assert_int_equal(launch_exit_status(run(COMMAND("sh", "-c", "exit 37"))), 37);
	assert_int_equal(launch_exit_status(run(COMMAND("sh", "-c", "kill -TERM $$"))), 128 + SIGTERM);
	assert_int_equal(launch_exit_status(run(COMMAND("sh", "-c", "kill -SEGV $$"))), 128 + SIGSEGV);
}

static void waits_before_the_exec(void **state)
{
	char *path = xasprintf("%s/made", dir);
	struct launch *l = launch(COMMAND("touch", path));
	int status = -1;
	bool stopped = true;

	assert_int_equal(access(path, F_OK), -1);
	assert_false(launch_reap(l, &status, &stopped));
	assert_false(stopped);
	assert_int_equal(status, -1);
	assert_true(launch_cpu_ns(l) == 0);
	assert_int_equal(launch_exec(l), 0);
	assert_int_equal(wait_for(l), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(launch_cpu_ns(l) > 0 && launch_cpu_ns(l) < 5000000000);
	/* Reaped is reaped: asking again gives the same, a signal goes nowhere. */
	assert_true(launch_reap(l, &status, &stopped));
	assert_int_equal(status, 0);
	launch_signal(l, SIGTERM);
	assert_int_equal(launch_exec(l), 0);
	launch_free(l);
	unlink(path);
	free(path);
}

static void passes_stdin_and_stdout(void **state)
{
	int in[2], out[2], old_in = fcntl(0, F_DUPFD_CLOEXEC, 0), old_out = fcntl(1, F_DUPFD_CLOEXEC, 0);
	struct launch *l;
	char text[32];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(stdout);
	dup2(in[0], 0);
	dup2(out[1], 1);
	l = launch(COMMAND("cat"));
	dup2(old_in, 0);
	dup2(old_out, 1);
	close(old_in);
	close(old_out);
	close(in[0]);
	close(out[1]);
	assert_int_equal(launch_exec(l), 0);
	assert_int_equal(write(in[1], "through", 7), 7);
	close(in[1]);
	assert_int_equal(wait_for(l), 0);
	assert_int_equal(read(out[0], text, sizeof(text)), 7);
	assert_memory_equal(text, "through", 7);
	assert_int_equal(read(out[0], text, sizeof(text)), 0);
	close(out[0]);
	launch_free(l);
}

/* Runs it with its output into a pipe; at most size - 1 bytes of it, with a NUL. */
static void capture(char *const argv[], char *text, size_t size)
{
	int out[2], old_out = fcntl(1, F_DUPFD_CLOEXEC, 0);
	struct launch *l;
	size_t len = 0;
	ssize_t n;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(stdout);
	dup2(out[1], 1);
	l = launch(argv);
	dup2(old_out, 1);
	close(old_out);
	close(out[1]);
	assert_int_equal(launch_exec(l), 0);
	while ((n = read(out[0], text + len, size - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(out[0]);
	assert_int_equal(wait_for(l), 0);
	launch_free(l);
}

/* What the command ignores and blocks, and has open: as it was at our start, nothing of what was set since. */
static void inherits_nothing_of_ours(void **state)
{
	char *const show_signals[] = {"grep", "-E", "Sig(Blk|Ign):", "/proc/self/status", NULL};
	char *const show_fds[] = {"ls", "/proc/self/fd", NULL};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	char before[2][1024], after[2][1024];
	sigset_t block, old_mask;
	int fd;

	capture(show_signals, before[0], sizeof(before[0]));
	capture(show_fds, before[1], sizeof(before[1]));
	assert_non_null(strstr(before[0], "SigIgn:"));
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigaction(SIGUSR1, &ignore, &old);
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &old_mask);
	capture(show_signals, after[0], sizeof(after[0]));
	capture(show_fds, after[1], sizeof(after[1]));
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	sigaction(SIGUSR1, &old, NULL);
	close(fd);
	assert_string_equal(after[0], before[0]);
	assert_string_equal(after[1], before[1]);
}

/* Run again with a signal ignored and one blocked from the start: what nohup does stays so. */
static void keeps_what_was_ignored(void **state)
{
	char text[4096], *blocked, *ignored;
	const uint64_t hup = 1 << (SIGHUP - 1), usr2 = 1 << (SIGUSR2 - 1);
	int out[2];
	pid_t pid;
	ssize_t n;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		sigprocmask(SIG_BLOCK, &set, NULL);
		signal(SIGHUP, SIG_IGN);
		dup2(out[1], 1);
		execl("/proc/self/exe", "test_launch", "--launch", "cat", "/proc/self/status", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	for (size_t len = 0; (n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0; len += n)
		text[len + n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	blocked = strstr(text, "SigBlk:");
	ignored = strstr(text, "SigIgn:");
	assert_non_null(blocked);
	assert_non_null(ignored);
	assert_true(strtoull(blocked + 7, NULL, 16) & usr2);
	assert_false(strtoull(blocked + 7, NULL, 16) & hup);
	assert_true(strtoull(ignored + 7, NULL, 16) & hup);
	assert_false(strtoull(ignored + 7, NULL, 16) & usr2);
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled++;
}

/* A handler of ours does not run in the child that waits: the signal ends it. */
static void killed_before_the_exec(void **state)
{
	struct sigaction sa = {.sa_handler = on_signal}, old;
	struct launch *l;

	sigaction(SIGTERM, &sa, &old);
	l = launch(COMMAND("true"));
	launch_signal(l, SIGTERM);
	assert_int_equal(wait_for(l), SIGTERM);
	assert_int_equal(launch_exec(l), 0);
	launch_free(l);
	/* The same, but not yet noticed when the exec is ordered. */
	l = launch(COMMAND("true"));
	launch_signal(l, SIGKILL);
	assert_int_equal(launch_exec(l), 0);
	assert_int_equal(wait_for(l), SIGKILL);
	launch_free(l);
	sigaction(SIGTERM, &old, NULL);
	assert_int_equal(handled, 0);
}

static void passes_signals_on(void **state)
{
	char *script = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done";
	int out[2], old_out = fcntl(1, F_DUPFD_CLOEXEC, 0);
	struct launch *l;
	char c;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(stdout);
	dup2(out[1], 1);
	l = launch(COMMAND("sh", "-c", script));
	dup2(old_out, 1);
	close(old_out);
	close(out[1]);
	assert_int_equal(launch_exec(l), 0);
	assert_int_equal(read(out[0], &c, 1), 1);
	launch_signal(l, SIGUSR1);
	assert_int_equal(launch_exit_status(wait_for(l)), 9);
	close(out[0]);
	launch_free(l);
}

static void tells_stopped_and_continued(void **state)
{
	struct launch *l = launch(COMMAND("sh", "-c", "kill -STOP $$; exit 5"));
	bool stopped = false;
	siginfo_t info;
	int status;

	assert_int_equal(launch_exec(l), 0);
	assert_int_equal(waitid(P_PID, launch_pid(l), &info, WSTOPPED | WNOWAIT), 0);
	assert_false(launch_reap(l, &status, &stopped));
	assert_true(stopped);
	/* Told once by the kernel, remembered here. */
	stopped = false;
	assert_false(launch_reap(l, &status, &stopped));
	assert_true(stopped);
	launch_signal(l, SIGCONT);
	status = wait_for(l);
	assert_int_equal(launch_exit_status(status), 5);
	launch_free(l);
}

static void refuses(char *const argv[], int err, const char *message)
{
	struct launch *l = NULL;

	catch_messages();
	assert_int_equal(launch_new(argv, &l), err);
	assert_said(message);
	assert_null(l);
}

static void says_what_cannot_run(void **state)
{
	char *plain = make_file("plain", "text\n", 0644), *message;
	char *old = strdup(getenv("PATH")), *path;

	refuses(COMMAND("no-such-command-x"), -ENOENT, "cannot run no-such-command-x: not found in PATH");
	refuses(COMMAND(""), -ENOENT, "cannot run '': the command is empty");
	refuses(COMMAND("./no-such-file"), -ENOENT, "cannot run ./no-such-file: No such file or directory");
	refuses(COMMAND("/"), -EISDIR, "cannot run /: it is a directory");
	refuses(COMMAND("/dev/null"), -EACCES,
		"cannot run /dev/null: it is not executable (or a directory of its path is not searchable); "
		"see chmod +x");
	message = xasprintf("cannot run %s: it is not executable (or a directory of its path is not searchable); "
			    "see chmod +x", plain);
	refuses(COMMAND(plain), -EACCES, message);
	free(message);
	message = xasprintf("cannot run %s/x: Not a directory", plain);
	path = xasprintf("%s/x", plain);
	refuses(COMMAND(path), -ENOTDIR, message);
	free(message);
	free(path);
	/* Found in PATH, but not to be run; and a PATH with empty and missing parts. */
	path = xasprintf(":/nonexistent:%s", dir);
	setenv("PATH", path, 1);
	message = xasprintf("cannot run plain: %s is not an executable file", plain);
	refuses(COMMAND("plain"), -EACCES, message);
	refuses(COMMAND("true"), -ENOENT, "cannot run true: not found in PATH");
	free(message);
	unsetenv("PATH");
	assert_int_equal(run(COMMAND("true")), 0);
	setenv("PATH", old, 1);
	unlink(plain);
	free(path);
	free(plain);
	free(old);
}

static void finds_in_path(void **state)
{
	char *script = make_file("my-script", "#!/bin/sh\nexit 21\n", 0755),
	     *bare = make_file("no-magic", "exit 22\n", 0755);
	char *old = strdup(getenv("PATH")), *path = xasprintf("/nonexistent:%s:%s", dir, old), cwd[4096];

	setenv("PATH", path, 1);
	assert_int_equal(launch_exit_status(run(COMMAND("my-script"))), 21);
	/* As a shell does: a file without a first line for the kernel is a script of sh. */
	assert_int_equal(launch_exit_status(run(COMMAND("no-magic"))), 22);
	assert_int_equal(launch_exit_status(run(COMMAND(script))), 21);
	/* An empty part of PATH is the current directory. */
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(dir), 0);
	setenv("PATH", "/nonexistent::/bin", 1);
	assert_int_equal(launch_exit_status(run(COMMAND("my-script"))), 21);
	assert_int_equal(chdir(cwd), 0);
	setenv("PATH", old, 1);
	unlink(script);
	unlink(bare);
	free(script);
	free(bare);
	free(path);
	free(old);
}

static void says_why_the_exec_failed(void **state)
{
	char *script = make_file("orphan", "#!/no/such/interpreter\n", 0755), *message, *argv[] = {script, NULL};
	struct launch *l = launch(argv);

	catch_messages();
	assert_int_equal(launch_exec(l), -ENOENT);
	message = xasprintf("cannot run %s: the interpreter or loader that it names does not exist", script);
	assert_said(message);
	free(message);
	assert_int_equal(launch_exit_status(wait_for(l)), 127);
	launch_free(l);
	/* Gone between the look and the exec. */
	l = launch(COMMAND("/bin/true"));
	launch_free(l);
	unlink(script);
	free(script);
	script = make_file("orphan", "#!/bin/sh\n", 0755);
	argv[0] = script;
	l = launch(argv);
	unlink(script);
	catch_messages();
	assert_int_equal(launch_exec(l), -ENOENT);
	message = xasprintf("cannot run %s: No such file or directory", script);
	assert_said(message);
	free(message);
	launch_free(l);
	waitpid(-1, NULL, 0);
	free(script);
}

/* alloctrace dies while the child waits: the command never runs. */
static void dies_with_us(void **state)
{
	int out[2], status;
	char text[8];
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct launch *l;

		dup2(out[1], 1);
		if (launch_new(COMMAND("echo", "ran"), &l))
			_exit(1);
		raise(SIGKILL);
	}
	close(out[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGKILL);
	/* The end of file comes when the last process that holds the pipe, the waiting child, has exited. */
	assert_int_equal(read(out[0], text, sizeof(text)), 0);
	close(out[0]);
}

static void free_kills_only_what_waits(void **state)
{
	struct launch *l = launch(COMMAND("sleep", "1000"));
	pid_t pid = launch_pid(l);
	int status;

	launch_free(l);
	assert_int_equal(waitpid(pid, &status, 0), -1);
	assert_int_equal(errno, ECHILD);
	l = launch(COMMAND("sleep", "1000"));
	pid = launch_pid(l);
	assert_int_equal(launch_exec(l), 0);
	launch_free(l);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, SIGKILL);
	launch_free(NULL);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	return rmdir(dir);
}

/* `test_launch --launch CMD…`: what alloctrace does with signals, in small. */
static int launch_and_wait(char **argv)
{
	struct launch *l;
	int status;

	signal(SIGHUP, on_signal);
	if (launch_new(argv, &l) || launch_exec(l))
		return 1;
	status = wait_for(l);
	launch_free(l);
	return launch_exit_status(status);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_the_exit_status),
		cmocka_unit_test(waits_before_the_exec),
		cmocka_unit_test(passes_stdin_and_stdout),
		cmocka_unit_test(inherits_nothing_of_ours),
		cmocka_unit_test(keeps_what_was_ignored),
		cmocka_unit_test(killed_before_the_exec),
		cmocka_unit_test(passes_signals_on),
		cmocka_unit_test(tells_stopped_and_continued),
		cmocka_unit_test(says_what_cannot_run),
		cmocka_unit_test(finds_in_path),
		cmocka_unit_test(says_why_the_exec_failed),
		cmocka_unit_test(dies_with_us),
		cmocka_unit_test(free_kills_only_what_waits),
	};

	if (argc > 2 && !strcmp(argv[1], "--launch"))
		return launch_and_wait(argv + 2);
	return cmocka_run_group_tests_name("launch", tests, make_dir, remove_dir);
}
