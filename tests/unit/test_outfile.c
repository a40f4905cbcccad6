/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/outfile.h"

static char dir[64];
static char *said;
static size_t said_len;
static FILE *said_stream;
static bool no_tmpfile;

/* Takes the place of libc's: a file system without O_TMPFILE is nowhere at hand. */
int openat(int dir_fd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return syscall(SYS_openat, dir_fd, path, flags, mode);
}

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(in_dir(name), mode), 0);
}

static void check_file(const char *name, const char *text, mode_t mode)
{
	char got[256] = "";
	struct stat st;
	FILE *f = fopen(in_dir(name), "r");

	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(text));
	fclose(f);
	assert_string_equal(got, text);
	assert_int_equal(stat(in_dir(name), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static int count_files(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static const char *last_said(void)
{
	fflush(said_stream);
	return said ? said : "";
}

static int set_up(void **state)
{
	strcpy(dir, "/tmp/test_outfile.XXXXXX");
	said = NULL;
	said_stream = open_memstream(&said, &said_len);
	log_set_stream(said_stream);
	umask(022);
	no_tmpfile = false;
	return !mkdtemp(dir) || chmod(dir, 0755);
}

static int tear_down(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	log_set_stream(NULL);
	fclose(said_stream);
	free(said);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

static int write_file(const char *path, const char *text)
{
	struct outfile *o;
	int err = outfile_open(path, &o);

	if (err)
		return err;
	fputs(text, outfile_stream(o));
	return outfile_commit(o);
}

static void new_file(void **state)
{
	struct outfile *o;

	for (int i = 0; i < 2; i++) {
		no_tmpfile = i;
		assert_int_equal(outfile_open(in_dir("new"), &o), 0);
		fputs("text\n", outfile_stream(o));
		fflush(outfile_stream(o));
		assert_int_equal(access(in_dir("new"), F_OK), -1);
		assert_int_equal(count_files(dir), i);
		assert_int_equal(outfile_commit(o), 0);
		check_file("new", "text\n", 0644);
		assert_int_equal(count_files(dir), 1);
		unlink(in_dir("new"));
	}
	assert_string_equal(last_said(), "");
}

static void relative_path(void **state)
{
	char *here = getcwd(NULL, 0);

	assert_int_equal(chdir(dir), 0);
	assert_int_equal(write_file("rel", "r"), 0);
	assert_int_equal(write_file("rel", "again"), 0);
	assert_int_equal(chdir(here), 0);
	free(here);
	check_file("rel", "again", 0644);
	assert_int_equal(count_files(dir), 1);
}

static void umask_counts(void **state)
{
	umask(077);
	assert_int_equal(write_file(in_dir("private"), "x"), 0);
	no_tmpfile = true;
	assert_int_equal(write_file(in_dir("hidden"), "x"), 0);
	umask(022);
	check_file("private", "x", 0600);
	check_file("hidden", "x", 0600);
}

/* A report that was private stays private; the old content stays until the new one is whole. */
static void replaced_file(void **state)
{
	struct outfile *o;

	for (int i = 0; i < 2; i++) {
		no_tmpfile = i;
		put("old", "old", 0640);
		assert_int_equal(outfile_open(in_dir("old"), &o), 0);
		fputs("new content", outfile_stream(o));
		fflush(outfile_stream(o));
		check_file("old", "old", 0640);
		assert_int_equal(outfile_commit(o), 0);
		check_file("old", "new content", 0640);
		assert_int_equal(count_files(dir), 1);
	}
}

static void aborted_file(void **state)
{
	struct outfile *o;

	for (int i = 0; i < 2; i++) {
		no_tmpfile = i;
		put("old", "old", 0600);
		assert_int_equal(outfile_open(in_dir("old"), &o), 0);
		fputs("new", outfile_stream(o));
		outfile_abort(o);
		check_file("old", "old", 0600);
		assert_int_equal(outfile_open(in_dir("other"), &o), 0);
		fputs("new", outfile_stream(o));
		outfile_abort(o);
		assert_int_equal(count_files(dir), 1);
	}
	outfile_abort(NULL);
}

/* The old file is whole and no other is there when the writer dies in the middle. */
static void killed_while_writing(void **state)
{
	int status;
	pid_t pid;

	put("old", "old", 0644);
	pid = fork();
	if (!pid) {
		struct outfile *o;

		if (outfile_open(in_dir("old"), &o))
			_exit(1);
		fputs("half", outfile_stream(o));
		fflush(outfile_stream(o));
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	check_file("old", "old", 0644);
	assert_int_equal(count_files(dir), 1);
}

static void cleanup_on_exit(void **state)
{
	struct outfile *a, *b;

	no_tmpfile = true;
	assert_int_equal(outfile_open(in_dir("a"), &a), 0);
	assert_int_equal(outfile_open(in_dir("b"), &b), 0);
	assert_int_equal(count_files(dir), 2);
	outfile_abort(a);
	assert_int_equal(count_files(dir), 1);
	outfile_cleanup_on_exit();
	assert_int_equal(count_files(dir), 0);
	assert_int_equal(outfile_commit(b), -ENOENT);
	assert_int_equal(count_files(dir), 0);
	outfile_cleanup_on_exit();
}

static void written_through_a_link(void **state)
{
	struct stat st;

	for (int i = 0; i < 2; i++) {
		no_tmpfile = i;
		put("target", "old", 0644);
		assert_int_equal(symlink("target", in_dir("one")), 0);
		assert_int_equal(symlink(in_dir("one"), in_dir("two")), 0);
		assert_int_equal(write_file(in_dir("two"), "new"), 0);
		check_file("target", "new", 0644);
		assert_int_equal(lstat(in_dir("one"), &st), 0);
		assert_true(S_ISLNK(st.st_mode));
		assert_int_equal(lstat(in_dir("two"), &st), 0);
		assert_true(S_ISLNK(st.st_mode));
		assert_int_equal(count_files(dir), 3);
		unlink(in_dir("one"));
		unlink(in_dir("two"));
	}
}

static void link_to_nothing(void **state)
{
	struct outfile *o;

	assert_int_equal(symlink("later", in_dir("link")), 0);
	for (int i = 0; i < 2; i++) {
		no_tmpfile = i;
		assert_int_equal(outfile_open(in_dir("link"), &o), 0);
		fputs("half", outfile_stream(o));
		outfile_abort(o);
		assert_int_equal(count_files(dir), 1);
		assert_int_equal(write_file(in_dir("link"), "whole"), 0);
		check_file("later", "whole", 0644);
		assert_int_equal(count_files(dir), 2);
		unlink(in_dir("later"));
	}
	unlink(in_dir("link"));
	assert_int_equal(symlink("link", in_dir("link")), 0);
	assert_int_equal(write_file(in_dir("link"), "x"), -ELOOP);
}

static void devices_and_pipes(void **state)
{
	char got[16] = "";
	int fd;

	struct outfile *o;

	assert_int_equal(write_file("/dev/null", "x"), 0);
	assert_int_equal(outfile_open("/dev/null", &o), 0);
	assert_true(fileno(outfile_stream(o)) > STDERR_FILENO);
	outfile_abort(o);
	assert_int_equal(outfile_open(NULL, &o), 0);
	assert_ptr_equal(outfile_stream(o), stdout);
	assert_int_equal(outfile_commit(o), 0);
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	fd = open(in_dir("fifo"), O_RDWR | O_NONBLOCK);
	assert_int_equal(write_file(in_dir("fifo"), "through"), 0);
	assert_int_equal(read(fd, got, sizeof(got)), 7);
	assert_string_equal(got, "through");
	close(fd);
	assert_int_equal(count_files(dir), 1);
	assert_string_equal(last_said(), "");
}

/* As much as stdio's buffer holds fails at commit; more fails before, and is not forgotten. */
static void full_device(void **state)
{
	struct outfile *o;

	assert_int_equal(write_file("/dev/full", "x"), -ENOSPC);
	assert_non_null(strstr(last_said(), "cannot write /dev/full: No space left on device"));
	assert_int_equal(outfile_open("/dev/full", &o), 0);
	for (int i = 0; i < 100000; i++)
		fputc('x', outfile_stream(o));
	assert_int_equal(outfile_commit(o), -ENOSPC);
	assert_int_equal(outfile_open("/dev/full", &o), 0);
	fputc('x', outfile_stream(o));
	assert_int_equal(fflush(outfile_stream(o)), EOF);
	assert_int_equal(outfile_commit(o), -ENOSPC);
}

/* Fails in the middle without a special file system: the size limit of the process. */
static void size_limit(void **state)
{
	struct rlimit old, small;
	struct outfile *o;

	put("old", "old", 0644);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 5000;
	for (int i = 0; i < 2; i++) {
		no_tmpfile = i;
		assert_int_equal(outfile_open(in_dir("old"), &o), 0);
		setrlimit(RLIMIT_FSIZE, &small);
		for (int k = 0; k < 100000; k++)
			fputc('x', outfile_stream(o));
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(outfile_commit(o), -EFBIG);
		check_file("old", "old", 0644);
		assert_int_equal(count_files(dir), 1);
	}
	signal(SIGXFSZ, SIG_DFL);
}

/* In a child with its own mounts: 0 as it should be, 77 where no tmpfs can be mounted. */
static int try_full_tmpfs(void)
{
	struct outfile *o;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
		return 77;
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("none", dir, "tmpfs", 0, "size=16k"))
		return 77;
	if (outfile_open(in_dir("report"), &o))
		return 1;
	for (int k = 0; k < 100000; k++)
		fputc('x', outfile_stream(o));
	if (outfile_commit(o) != -ENOSPC)
		return 2;
	return count_files(dir) ? 3 : 0;
}

static void full_file_system(void **state)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(try_full_tmpfs());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int try_read_only_directory(void)
{
	if (!geteuid() && setuid(65534))
		return 1;
	if (write_file(in_dir("new"), "x") != -EACCES)
		return 2;
	if (!strstr(last_said(), "cannot create a file in directory"))
		return 3;
	/* Writable itself, but it cannot be replaced as a whole. */
	if (write_file(in_dir("old"), "x") != -EACCES)
		return 4;
	if (write_file(in_dir("readonly"), "x") != -EACCES)
		return 5;
	return 0;
}

static void read_only_directory(void **state)
{
	int status;
	pid_t pid;

	put("old", "old", 0666);
	put("readonly", "old", 0444);
	chmod(dir, 0555);
	pid = fork();
	if (!pid)
		_exit(try_read_only_directory());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	chmod(dir, 0755);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	check_file("old", "old", 0666);
	assert_int_equal(count_files(dir), 2);
}

static void no_such_place(void **state)
{
	assert_int_equal(write_file(in_dir("none/file"), "x"), -ENOENT);
	assert_non_null(strstr(last_said(), "none: No such file or directory"));
	assert_int_equal(write_file(dir, "x"), -EISDIR);
	assert_int_equal(write_file(in_dir("new/"), "x"), -EISDIR);
	assert_int_equal(write_file("", "x"), -ENOENT);
	put("file", "x", 0644);
	assert_int_equal(write_file(in_dir("file/below"), "x"), -ENOTDIR);
	assert_int_equal(count_files(dir), 1);
}

/* Stdout of a child: 0 if the pipe without a reader is told as -EPIPE, silently. */
static int try_gone_reader(size_t len)
{
	struct outfile *o;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	if (pipe(fds) || dup2(fds[1], STDOUT_FILENO) < 0)
		return 1;
	close(fds[0]);
	close(fds[1]);
	if (outfile_open(len ? NULL : "-", &o))
		return 2;
	for (size_t i = 0; i <= len; i++)
		fputc('x', outfile_stream(o));
	if (outfile_commit(o) != -EPIPE)
		return 3;
	return *last_said() ? 4 : 0;
}

static void pipe_without_reader(void **state)
{
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(write_file(in_dir("fifo"), "x"), -ENXIO);
	assert_non_null(strstr(last_said(), "a pipe without a reader"));
}

static void reader_goes_away(void **state)
{
	int status;

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(try_gone_reader(i ? 100000 : 0));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void stdout_stays_open(void **state)
{
	int status, fds[2];
	char got[16] = "";
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		if (write_file("-", "one,") || write_file(NULL, "two"))
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(fds[0], got, sizeof(got)), 7);
	assert_string_equal(got, "one,two");
	close(fds[0]);
}

static void check_expand(const char *pattern, const char *pid, const char *want)
{
	char *path = NULL;

	assert_int_equal(outfile_expand(pattern, pid, 1795383000, &path), 0);
	assert_string_equal(path, want);
	free(path);
}

static void expands(void **state)
{
	char host[256] = "", want[300];
	char *path = NULL;

	setenv("TZ", "UTC", 1);
	tzset();
	gethostname(host, sizeof(host) - 1);
	check_expand("plain", "1", "plain");
	check_expand("/d/%p.txt", "4711", "/d/4711.txt");
	check_expand("%t%%%p", "1,2", "20261122T213000%1,2");
	check_expand("%p", "../../etc/x", ".._.._etc_x");
	snprintf(want, sizeof(want), "<%s>", host);
	check_expand("<%h>", "1", want);
	assert_int_equal(outfile_expand("a%q", "1", 0, &path), -EINVAL);
	assert_non_null(strstr(last_said(), "--output a%q: %q is unknown"));
	assert_int_equal(outfile_expand("a%", "1", 0, &path), -EINVAL);
	assert_null(path);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(new_file), test(relative_path), test(umask_counts), test(replaced_file), test(aborted_file),
		test(killed_while_writing), test(cleanup_on_exit), test(written_through_a_link), test(link_to_nothing),
		test(devices_and_pipes), test(full_device), test(size_limit), test(full_file_system),
		test(read_only_directory), test(no_such_place), test(reader_goes_away), test(stdout_stays_open),
		test(pipe_without_reader), test(expands),
	};

	return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}
