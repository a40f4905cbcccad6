/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes -p takes, and what it says of those it does not. */
#include <elf.h>
#include <errno.h>

#include "target_fixture.h"

#include "base/clock.h"
#include "proc/process.h"
#include "proc/procfs.h"

/* --- process_check */

static void checks_good_ones(void **state)
{
	assert_int_equal(process_check(getpid()), 0);
}

static void checks_no_such_pid(void **state)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	catch_messages();
	assert_int_equal(process_check(pid), -ESRCH);
	assert_said("no such process: ");
	catch_messages();
	assert_int_equal(process_check(0), -ESRCH);
	assert_said("no such process: 0");
	catch_messages();
	assert_int_equal(process_check(-5), -ESRCH);
	assert_said("no such process: -5");
}

static void checks_a_zombie(void **state)
{
	pid_t pid = fork();
	siginfo_t info;

	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
	catch_messages();
	assert_int_equal(process_check(pid), -ESRCH);
	assert_said("is a zombie");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void checks_a_thread(void **state)
{
	char expected[64];
	pthread_t thread;
	int hold[2];
	pid_t tid;

	assert_int_equal(pipe2(thread_pipe, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&thread, NULL, report_tid, &hold[0]), 0);
	assert_int_equal(read(thread_pipe[0], &tid, sizeof(tid)), sizeof(tid));
	catch_messages();
	assert_int_equal(process_check(tid), -EINVAL);
	snprintf(expected, sizeof(expected), "is a thread of process %d; use -p %d", (int)getpid(), (int)getpid());
	assert_said(expected);
	close(hold[1]);
	pthread_join(thread, NULL);
	close(hold[0]);
	close(thread_pipe[0]);
	close(thread_pipe[1]);
}

static void checks_a_kernel_thread(void **state)
{
	struct proc_stat st;

	if (procfs_stat(2, &st) || !st.kernel_thread)
		skip();
	catch_messages();
	assert_int_equal(process_check(2), -EINVAL);
	assert_said("is a kernel thread");
}

/* An executable of nothing but `int $0x80` system calls: pause(). */
static void write_elf32(const char *path)
{
	static const unsigned char code[] = {0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7};
	unsigned char file[0x54 + sizeof(code)] = {0};
	Elf32_Ehdr eh = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = 0x8048054,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	};
	Elf32_Phdr ph = {
		.p_type = PT_LOAD, .p_vaddr = 0x8048000, .p_filesz = sizeof(file), .p_memsz = sizeof(file),
		.p_flags = PF_R | PF_X, .p_align = 0x1000,
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	memcpy(file, &eh, sizeof(eh));
	memcpy(file + sizeof(eh), &ph, sizeof(ph));
	memcpy(file + 0x54, code, sizeof(code));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, sizeof(file)), sizeof(file));
	close(fd);
}

static void checks_a_32_bit_process(void **state)
{
	char *path = path_in_dir("tiny32");
	int fds[2];
	pid_t pid;
	char c;

	write_elf32(path);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, (char *)NULL);
		if (write(fds[1], "x", 1) < 0)
			_exit(126);
		_exit(127);
	}
	close(fds[1]);
	/* The end of file is the exec; a byte its failure (a kernel without 32-bit programs). */
	if (read(fds[0], &c, 1) == 1) {
		print_message("this kernel runs no 32-bit programs\n");
		waitpid(pid, NULL, 0);
		close(fds[0]);
		unlink(path);
		free(path);
		skip();
	}
	catch_messages();
	assert_int_equal(process_check(pid), -ENOTSUP);
	assert_said("32-bit processes are not supported");
	stop(pid);
	close(fds[0]);
	unlink(path);
	free(path);
}

/* In a child that gives root up, of a process that stays root's. */
static void checks_another_users_process(void **state)
{
	int status;
	pid_t pid;

	if (geteuid()) {
		catch_messages();
		assert_int_equal(process_check(1), -EACCES);
		assert_said("belongs to another user (uid 0); run alloctrace as root (sudo)");
		return;
	}
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		FILE *f = open_memstream(&message_text, &message_len);

		if (setgid(65534) || setuid(65534))
			_exit(99);
		log_set_stream(f);
		int err = process_check(getppid());

		fclose(f);
		if (err != -EACCES)
			_exit(1);
		_exit(strstr(message_text, "belongs to another user (uid 0); run alloctrace as root (sudo)") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- processes_parse_list */

static void parses_pids(void **state)
{
	char text[64], expected[64];
	pid_t *pids = NULL;
	size_t n = 0;

	snprintf(text, sizeof(text), "%d,1,%d", (int)getpid(), (int)getpid());
	assert_int_equal(processes_parse_list(text, &pids, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(pids[0], getpid());
	assert_int_equal(pids[1], 1);
	/* Appends. */
	snprintf(text, sizeof(text), "1,%d", (int)getppid());
	assert_int_equal(processes_parse_list(text, &pids, &n, NULL), 0);
	assert_int_equal(n, getppid() == 1 ? 2 : 3);
	free(pids);

	static const char *const bad[] = {"", ",", "1,", ",1", "1,,1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		pids = NULL;
		n = 0;
		catch_messages();
		assert_int_equal(processes_parse_list(bad[i], &pids, &n, NULL), -EINVAL);
		snprintf(expected, sizeof(expected), "-p '%s': empty item", bad[i]);
		assert_said(expected);
		free(pids);
	}
	static const char *const none[] = {"0", "99999999999999999999", "2147483648", "4194305"};

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		pids = NULL;
		n = 0;
		catch_messages();
		assert_int_equal(processes_parse_list(none[i], &pids, &n, NULL), -ESRCH);
		snprintf(expected, sizeof(expected), "no such process: %s", none[i]);
		assert_said(expected);
		free(pids);
	}
}

static bool contains(const pid_t *pids, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static void parses_names(void **state)
{
	/* Longer than the 15 characters of comm, and of this run alone. */
	char *name = xasprintf("a-long-program-name-%d", (int)getpid()), *path = path_in_dir(name),
	     *comm = strndup(name, 15);
	pid_t *pids = NULL, a, b;
	size_t n = 0;

	copy_file("/proc/self/exe", path);
	a = start_copy(path);
	b = start_copy(path);
	assert_int_equal(processes_parse_list(name, &pids, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_true(contains(pids, n, a) && contains(pids, n, b));
	/* The same ones by comm, once each; a deleted executable keeps its name. */
	unlink(path);
	char *both = xasprintf("%s,%s,%d", comm, name, (int)a);

	assert_int_equal(processes_parse_list(both, &pids, &n, NULL), 0);
	assert_int_equal(n, contains(pids, n, a) + contains(pids, n, b));
	stop(b);
	free(pids);
	pids = NULL;
	n = 0;
	assert_int_equal(processes_parse_list(name, &pids, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], a);
	stop(a);
	free(pids);
	pids = NULL;
	n = 0;
	catch_messages();
	assert_int_equal(processes_parse_list(name, &pids, &n, NULL), -ESRCH);
	assert_said("no such process: 'a-long-program-name-");
	assert_int_equal(n, 0);
	free(pids);
	free(both);
	free(name);
	free(path);
	free(comm);
}

/* Never itself, by name; kernel threads have no name here. */
static void names_leave_out(void **state)
{
	char old[16], *name = xasprintf("self-%d", (int)getpid());
	pid_t *pids = NULL;
	struct proc_stat st;
	size_t n = 0;

	prctl(PR_GET_NAME, old);
	prctl(PR_SET_NAME, name);
	catch_messages();
	assert_int_equal(processes_parse_list(name, &pids, &n, NULL), -ESRCH);
	assert_said("no such process: '");
	prctl(PR_SET_NAME, old);
	if (!procfs_stat(2, &st) && st.kernel_thread) {
		catch_messages();
		assert_int_equal(processes_parse_list("kthreadd", &pids, &n, NULL), -ESRCH);
		assert_said("no such process: 'kthreadd'");
	}
	assert_int_equal(n, 0);
	free(pids);
	free(name);
}

/* What is wrong with one item is kept for later, what is wrong with the list is not. */
static void skips(void **state)
{
	struct skipped skip = {0};
	pid_t *pids = NULL;
	char text[64];
	size_t n = 0;

	snprintf(text, sizeof(text), "2147483648,%d", (int)getpid());
	assert_int_equal(processes_parse_list(text, &pids, &n, &skip), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], getpid());
	catch_messages();
	assert_int_equal(skipped_end(&skip, true), 0);
	assert_said("skipped: no such process: 2147483648");
	catch_messages();
	assert_int_equal(processes_parse_list("no-such-name-9,", &pids, &n, &skip), -EINVAL);
	assert_said("empty item");
	catch_messages();
	assert_int_equal(skipped_end(&skip, false), -ESRCH);
	assert_said("alloctrace: no such process: 'no-such-name-9'");
	/* Nothing at all. */
	assert_int_equal(skipped_end(&skip, true), 0);
	free(pids);
}

/* What is not traced after all is not in the list, and does not shift the others. */
static void removes(void **state)
{
	struct modules modules;
	struct processes processes;
	struct process *self, *other;
	uint64_t offset;
	uint32_t id;
	pid_t pid = fork();

	if (!pid)
		return (void)pause();
	modules_init(&modules);
	processes_init(&processes, &modules);
	assert_int_equal(processes_add(&processes, pid, &other), 0);
	assert_int_equal(processes_add(&processes, getpid(), &self), 0);
	processes_remove(&processes, pid);
	assert_int_equal(processes.list.n, 1);
	assert_null(processes_find(&processes, pid));
	assert_ptr_equal(processes_find(&processes, getpid()), self);
	processes_remove(&processes, pid);
	assert_int_equal(processes.list.n, 1);
	assert_int_equal(processes_add(&processes, pid, &other), 0);
	assert_int_equal(other->pid, pid);
	process_exit(other, monotonic_ns());
	process_forget(other);
	assert_false(process_resolve(other, &modules, (uintptr_t)removes, UINT64_MAX - 1, &id, &offset));
	stop(pid);
	processes_free(&processes);
	modules_free(&modules);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_good_ones),
		cmocka_unit_test(checks_no_such_pid),
		cmocka_unit_test(checks_a_zombie),
		cmocka_unit_test(checks_a_thread),
		cmocka_unit_test(checks_a_kernel_thread),
		cmocka_unit_test(checks_a_32_bit_process),
		cmocka_unit_test(checks_another_users_process),
		cmocka_unit_test(parses_pids),
		cmocka_unit_test(parses_names),
		cmocka_unit_test(names_leave_out),
		cmocka_unit_test(skips),
		cmocka_unit_test(removes),
	};

	if (argc == 2 && !strcmp(argv[1], "--wait"))
		return wait_for_ever();
	return cmocka_run_group_tests_name("select", tests, make_dir, remove_dir);
}
