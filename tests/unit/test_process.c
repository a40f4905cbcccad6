/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "target/process.h"
#include "target/procfs.h"

#define NOW_LATER (UINT64_MAX - 1)

static struct modules modules;
static struct processes processes;
static char dir[] = "/tmp/test_process.XXXXXX";

/* --- helpers */

static FILE *messages;
static char *message_text;
static size_t message_len;

static void catch_messages(void)
{
	messages = open_memstream(&message_text, &message_len);
	assert_non_null(messages);
	log_set_stream(messages);
}

/* What was said since, without the newline; then messages go to stderr again. */
static void assert_said(const char *part)
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

static char *path_in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void copy_file(const char *from, const char *to)
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
static pid_t start_copy(const char *path)
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

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const struct module *module_at(const struct process *p, uint64_t addr, uint64_t *offset)
{
	uint32_t id;

	if (!process_resolve(p, &modules, addr, NOW_LATER, &id, offset))
		return NULL;
	return modules_get(&modules, id);
}

static const struct module *module_named(const char *path)
{
	const struct module *found = NULL;

	for (size_t i = 0; i < modules.list.n; i++) {
		if (strcmp(modules.list.at[i]->path, path))
			continue;
		assert_null(found);
		found = modules.list.at[i];
	}
	return found;
}

static int setup(void **state)
{
	modules_init(&modules);
	processes_init(&processes, &modules);
	return 0;
}

static int teardown(void **state)
{
	processes_free(&processes);
	modules_free(&modules);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t file_offset_of(const void *addr)
{
	uint64_t result = UINT64_MAX;
	/* Read by other means than the code under test. */
	FILE *f = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 200];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		uint64_t start, end, offset;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " r-xp %" SCNx64, &start, &end, &offset) == 3 &&
		    (uintptr_t)addr >= start && (uintptr_t)addr < end)
			result = (uintptr_t)addr - start + offset;
	}
	fclose(f);
	return result;
}

/* --- tests */

static void resolves_in_itself(void **state)
{
	struct process *p;
	const struct module *mod;
	uint64_t offset;
	struct stat st, exe;
	void *libc_function = dlsym(RTLD_DEFAULT, "qsort");

	assert_int_equal(processes_add(&processes, getpid(), &p), 0);
	assert_ptr_equal(processes_find(&processes, getpid()), p);
	assert_null(processes_find(&processes, 1));
	assert_int_equal(p->uid, geteuid());
	assert_false(p->exited);

	mod = module_at(p, (uintptr_t)resolves_in_itself, &offset);
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_ELF);
	assert_int_equal(offset, file_offset_of((void *)resolves_in_itself));
	assert_int_equal(stat("/proc/self/exe", &exe), 0);
	assert_true(mod->fd >= 0);
	assert_int_equal(fstat(mod->fd, &st), 0);
	assert_int_equal(st.st_ino, exe.st_ino);
	assert_false(mod->deleted);
	assert_true(fcntl(mod->fd, F_GETFD) & FD_CLOEXEC);

	mod = module_at(p, (uintptr_t)libc_function, &offset);
	assert_non_null(mod);
	assert_int_equal(strncmp(module_basename(mod), "libc.so", 7), 0);
	assert_int_equal(offset, file_offset_of(libc_function));
	/* Data and stack are no code. */
	assert_null(module_at(p, (uintptr_t)dir, &offset));
	assert_null(module_at(p, (uintptr_t)&offset, &offset));
	assert_null(module_at(p, 0, &offset));
}

static void finds_the_vdso(void **state)
{
	uint64_t base = getauxval(AT_SYSINFO_EHDR), offset;
	const struct module *mod;
	struct process *p;

	if (!base)
		skip();
	assert_int_equal(processes_add(&processes, getpid(), &p), 0);
	mod = module_at(p, base + 0x10, &offset);
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_VDSO);
	assert_int_equal(offset, 0x10);
}

static void *map_code(int fd, size_t size)
{
	void *code = mmap(NULL, size, PROT_READ | PROT_EXEC, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE, fd, 0);

	assert_ptr_not_equal(code, MAP_FAILED);
	return code;
}

static void anonymous_code_is_a_jit(void **state)
{
	const struct module *mod;
	struct process *p;
	uint64_t offset;
	char *shared;
	void *code = map_code(-1, 8192), *in_memfd;
	int fd = memfd_create("jit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	in_memfd = map_code(fd, 8192);
	shared = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	assert_int_equal(processes_add(&processes, getpid(), &p), 0);
	mod = module_at(p, (uintptr_t)code + 4100, &offset);
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_JIT);
	assert_int_equal(mod->pid, getpid());
	assert_int_equal(mod->uid, geteuid());
	assert_int_equal(offset, (uintptr_t)code + 4100);
	assert_ptr_equal(module_at(p, (uintptr_t)in_memfd + 8, &offset), mod);
	assert_int_equal(offset, (uintptr_t)in_memfd + 8);
	assert_ptr_equal(module_at(p, (uintptr_t)shared + 9, &offset), mod);
	assert_int_equal(offset, (uintptr_t)shared + 9);
	munmap(code, 8192);
	munmap(in_memfd, 8192);
	munmap(shared, 4096);
	close(fd);
}

/* Readings: what appears, what goes, and that the old is remembered. */
static void rereads(void **state)
{
	struct process *p;
	uint64_t offset, before, after;
	uint32_t id;
	size_t n;
	char *code;

	assert_int_equal(processes_add(&processes, getpid(), &p), 0);
	n = p->maps.n;
	code = map_code(-1, 3 * 4096);
	before = now_ns();
	assert_int_equal(process_read_maps(&processes, p, before), 0);
	assert_int_equal(p->maps.n, n + 1);
	assert_true(process_resolve(p, &modules, (uintptr_t)code, before, &id, &offset));
	assert_int_equal(process_read_maps(&processes, p, before), 0);
	assert_int_equal(p->maps.n, n + 1);
	munmap(code + 4096, 4096);
	after = before + 1000;
	assert_int_equal(process_read_maps(&processes, p, after), 0);
	assert_int_equal(p->maps.n, n + 3);
	assert_int_equal(p->n_ended, 1);
	assert_true(process_resolve(p, &modules, (uintptr_t)code, after, &id, &offset));
	assert_false(process_resolve(p, &modules, (uintptr_t)code + 4096, after, &id, &offset));
	assert_true(process_resolve(p, &modules, (uintptr_t)code + 4096, after - 1, &id, &offset));
	assert_int_equal(offset, (uintptr_t)code + 4096);
	assert_true(process_resolve(p, &modules, (uintptr_t)code + 8192, after, &id, &offset));
	munmap(code, 4096);
	munmap(code + 8192, 4096);
	/* Adding it again rereads. */
	struct process *again;

	assert_int_equal(processes_add(&processes, getpid(), &again), 0);
	assert_ptr_equal(again, p);
	assert_int_equal(p->n_ended, 3);
	assert_int_equal(processes.list.n, 1);
}

/* A record of the kernel, made by hand for a mapping that is really there. */
static void takes_records(void **state)
{
	struct process *p;
	struct stat st;
	const struct module *mod;
	uint64_t offset, time;
	uint32_t id;
	char *copy = path_in_dir("record.so"), *code;
	int fd;

	copy_file("/proc/self/exe", copy);
	assert_int_equal(processes_add(&processes, getpid(), &p), 0);
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	code = map_code(fd, 8192);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	time = now_ns();
	process_mmap(&processes, p, time, (uintptr_t)code, 8192, 0, st.st_dev, st.st_ino, copy);
	assert_true(process_resolve(p, &modules, (uintptr_t)code + 5, time, &id, &offset));
	assert_int_equal(offset, 5);
	mod = modules_get(&modules, id);
	assert_string_equal(mod->path, copy);
	assert_true(mod->fd >= 0);
	assert_false(mod->deleted);
	assert_int_equal(mod->ino, st.st_ino);
	assert_false(process_resolve(p, &modules, (uintptr_t)code + 5, time - 1, &id, &offset));
	/* The reading agrees: nothing is added. */
	size_t n = p->maps.n;

	assert_int_equal(process_read_maps(&processes, p, time + 1), 0);
	assert_int_equal(p->maps.n, n);
	/* A record that lies about the file gets no file, and one with an impossible length nothing. */
	process_mmap(&processes, p, time + 2, (uintptr_t)code, 8192, 0, st.st_dev, st.st_ino + 1, copy);
	assert_true(process_resolve(p, &modules, (uintptr_t)code, time + 2, &id, &offset));
	assert_int_equal(modules_get(&modules, id)->fd, -1);
	n = p->maps.n;
	process_mmap(&processes, p, time + 3, 4096, UINT64_MAX, 0, 0, 0, "");
	process_mmap(&processes, p, time + 3, 4096, 0, 0, 0, 0, "");
	assert_int_equal(p->maps.n, n);
	munmap(code, 8192);
	unlink(copy);
	free(copy);
}

/* The copy's own main function, as an offset in the file. */
static void check_copy(pid_t pid, const char *path, bool deleted, ino_t ino)
{
	struct process *p;
	const struct module *mod;
	struct stat st;

	assert_int_equal(processes_add(&processes, pid, &p), 0);
	mod = module_named(path);
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_ELF);
	assert_int_equal(mod->deleted, deleted);
	assert_int_equal(mod->ino, ino);
	/* A deleted file opens by map_files alone, which needs a capability. */
	if (deleted && mod->fd < 0 && geteuid())
		return;
	assert_true(mod->fd >= 0);
	assert_int_equal(fstat(mod->fd, &st), 0);
	assert_int_equal(st.st_ino, ino);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void opens_a_deleted_executable(void **state)
{
	char *path = path_in_dir("gone");
	pid_t pid;
	ino_t ino;

	copy_file("/proc/self/exe", path);
	ino = inode_of(path);
	pid = start_copy(path);
	unlink(path);
	check_copy(pid, path, true, ino);
	stop(pid);
	free(path);
}

/* As a package upgrade does it: another file has taken the name. */
static void opens_a_replaced_executable(void **state)
{
	char *path = path_in_dir("tool"), *newer = path_in_dir("tool.new");
	pid_t pid;
	ino_t ino;

	copy_file("/proc/self/exe", path);
	copy_file("/proc/self/exe", newer);
	ino = inode_of(path);
	pid = start_copy(path);
	assert_int_equal(rename(newer, path), 0);
	check_copy(pid, path, true, ino);
	stop(pid);
	unlink(path);
	free(path);
	free(newer);
}

static void names_that_lie(void **state)
{
	static const char *const names[] = {
		"plain", "with space ", "x (deleted)", "two\nlines", "slash\\012", "\xff\x1b[31m", "[vdso]",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = path_in_dir(names[i]);
		pid_t pid;
		ino_t ino;

		/* Without map_files a backslash cannot be told from a newline. */
		if (strchr(names[i], '\\') && geteuid()) {
			free(path);
			continue;
		}
		copy_file("/proc/self/exe", path);
		ino = inode_of(path);
		pid = start_copy(path);
		check_copy(pid, path, false, ino);
		stop(pid);
		/* And deleted. */
		pid = start_copy(path);
		unlink(path);
		teardown(NULL);
		setup(NULL);
		check_copy(pid, path, true, ino);
		stop(pid);
		teardown(NULL);
		setup(NULL);
		free(path);
	}
}

static void runs_from_a_memfd(void **state)
{
	int fd = memfd_create("program", 0), in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char chunk[65536], *path;
	struct process *p;
	const struct module *mod;
	struct stat st;
	ssize_t n;
	pid_t pid;

	assert_true(fd >= 0 && in >= 0);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(fd, chunk, n), n);
	close(in);
	assert_int_equal(fstat(fd, &st), 0);
	path = xasprintf("/proc/self/fd/%d", fd);
	pid = start_copy(path);
	assert_int_equal(processes_add(&processes, pid, &p), 0);
	mod = module_named("/memfd:program");
	if (geteuid() && !mod) {
		stop(pid);
		free(path);
		close(fd);
		skip();
	}
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_ELF);
	assert_true(mod->deleted);
	assert_int_equal(mod->ino, st.st_ino);
	assert_true(mod->fd >= 0);
	stop(pid);
	free(path);
	close(fd);
}

/* Two processes that run one file share its module. */
static void shares_modules(void **state)
{
	char *path = path_in_dir("shared");
	pid_t a, b;
	struct process *p;

	copy_file("/proc/self/exe", path);
	a = start_copy(path);
	b = start_copy(path);
	assert_int_equal(processes_add(&processes, a, &p), 0);
	size_t n = modules.list.n;

	assert_int_equal(processes_add(&processes, b, &p), 0);
	assert_non_null(module_named(path));
	assert_int_equal(modules.list.n, n);
	stop(a);
	stop(b);
	unlink(path);
	free(path);
}

static void a_process_that_exits(void **state)
{
	char *path = path_in_dir("short");
	uint64_t offset, addr;
	const struct module *mod;
	struct process *p;
	uint32_t id;
	pid_t pid;

	copy_file("/proc/self/exe", path);
	pid = start_copy(path);
	assert_int_equal(processes_add(&processes, pid, &p), 0);
	mod = module_named(path);
	assert_non_null(mod);
	addr = 0;
	for (size_t i = 0; i < p->maps.n; i++)
		if (modules_get(&modules, p->maps.at[i].module) == mod)
			addr = p->maps.at[i].start;
	assert_true(addr);
	stop(pid);
	/* Reading what is gone says so and forgets nothing. */
	uint64_t time = now_ns();

	assert_int_equal(process_read_maps(&processes, p, time), -ESRCH);
	assert_true(process_resolve(p, &modules, addr, time, &id, &offset));
	process_exit(p, time);
	assert_true(p->exited);
	assert_false(process_resolve(p, &modules, addr, time, &id, &offset));
	assert_true(process_resolve(p, &modules, addr, time - 1, &id, &offset));
	assert_ptr_equal(modules_get(&modules, id), mod);
	catch_messages();
	assert_int_equal(processes_add(&processes, pid, NULL), -ESRCH);
	assert_said("has exited");
	unlink(path);
	free(path);
}

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
	assert_said("no process has the pid");
	catch_messages();
	assert_int_equal(process_check(0), -ESRCH);
	assert_said("no process has the pid 0");
	catch_messages();
	assert_int_equal(process_check(-5), -ESRCH);
	assert_said("no process has the pid -5");
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
	assert_said("(a zombie)");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int thread_pipe[2];

static void *report_tid(void *arg)
{
	pid_t tid = syscall(SYS_gettid);
	char c;

	if (write(thread_pipe[1], &tid, sizeof(tid)) == sizeof(tid) && read(*(int *)arg, &c, 1) < 0)
		return arg;
	return NULL;
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

/* A process whose first thread has exited lives on in the others. */
static void first_thread_gone(void **state)
{
	const struct module *mod;
	struct proc_stat st;
	struct process *p;
	uint64_t offset;
	int up[2];
	pid_t pid;

	assert_int_equal(pipe2(up, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		thread_pipe[1] = up[1];
		if (pthread_create(&thread, NULL, report_tid, &up[0]))
			_exit(1);
		syscall(SYS_exit, 0);
	}
	while (!procfs_stat(pid, &st) && st.state != 'Z')
		sched_yield();
	assert_int_equal(process_check(pid), 0);
	assert_int_equal(processes_add(&processes, pid, &p), 0);
	mod = module_at(p, (uintptr_t)first_thread_gone, &offset);
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_ELF);
	assert_true(mod->fd >= 0);
	close(up[0]);
	close(up[1]);
	stop(pid);
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
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT}, .e_type = ET_EXEC, .e_machine = EM_386,
		.e_version = EV_CURRENT, .e_entry = 0x8048054, .e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
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
	assert_int_equal(processes_parse_list(text, &pids, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(pids[0], getpid());
	assert_int_equal(pids[1], 1);
	/* Appends. */
	snprintf(text, sizeof(text), "1,%d", (int)getppid());
	assert_int_equal(processes_parse_list(text, &pids, &n), 0);
	assert_int_equal(n, getppid() == 1 ? 2 : 3);
	free(pids);

	static const char *const bad[] = {"", ",", "1,", ",1", "1,,1"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		pids = NULL;
		n = 0;
		catch_messages();
		assert_int_equal(processes_parse_list(bad[i], &pids, &n), -EINVAL);
		snprintf(expected, sizeof(expected), "-p '%s': an empty item", bad[i]);
		assert_said(expected);
		free(pids);
	}
	static const char *const none[] = {"0", "99999999999999999999", "2147483648", "4194305"};

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		pids = NULL;
		n = 0;
		catch_messages();
		assert_int_equal(processes_parse_list(none[i], &pids, &n), -ESRCH);
		snprintf(expected, sizeof(expected), "no process has the pid %s", none[i]);
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
	char *name = xasprintf("a-long-program-name-%d", (int)getpid()), *path = path_in_dir(name), *comm = strndup(name, 15);
	pid_t *pids = NULL, a, b;
	size_t n = 0;

	copy_file("/proc/self/exe", path);
	a = start_copy(path);
	b = start_copy(path);
	assert_int_equal(processes_parse_list(name, &pids, &n), 0);
	assert_int_equal(n, 2);
	assert_true(contains(pids, n, a) && contains(pids, n, b));
	/* The same ones by comm, once each; a deleted executable keeps its name. */
	unlink(path);
	char *both = xasprintf("%s,%s,%d", comm, name, (int)a);

	assert_int_equal(processes_parse_list(both, &pids, &n), 0);
	assert_int_equal(n, contains(pids, n, a) + contains(pids, n, b));
	stop(b);
	free(pids);
	pids = NULL;
	n = 0;
	assert_int_equal(processes_parse_list(name, &pids, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], a);
	stop(a);
	free(pids);
	pids = NULL;
	n = 0;
	catch_messages();
	assert_int_equal(processes_parse_list(name, &pids, &n), -ESRCH);
	assert_said("no running process is named 'a-long-program-name-");
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
	assert_int_equal(processes_parse_list(name, &pids, &n), -ESRCH);
	assert_said("no running process is named");
	prctl(PR_SET_NAME, old);
	if (!procfs_stat(2, &st) && st.kernel_thread) {
		catch_messages();
		assert_int_equal(processes_parse_list("kthreadd", &pids, &n), -ESRCH);
		assert_said("no running process is named 'kthreadd'");
	}
	assert_int_equal(n, 0);
	free(pids);
	free(name);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	return rmdir(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(resolves_in_itself),
		TEST(finds_the_vdso),
		TEST(anonymous_code_is_a_jit),
		TEST(rereads),
		TEST(takes_records),
		TEST(opens_a_deleted_executable),
		TEST(opens_a_replaced_executable),
		TEST(names_that_lie),
		TEST(runs_from_a_memfd),
		TEST(shares_modules),
		TEST(a_process_that_exits),
		TEST(first_thread_gone),
		TEST(checks_good_ones),
		TEST(checks_no_such_pid),
		TEST(checks_a_zombie),
		TEST(checks_a_thread),
		TEST(checks_a_kernel_thread),
		TEST(checks_a_32_bit_process),
		TEST(checks_another_users_process),
		TEST(parses_pids),
		TEST(parses_names),
		TEST(names_leave_out),
	};

	if (argc == 2 && !strcmp(argv[1], "--wait")) {
		if (write(1, "x", 1) != 1)
			return 1;
		for (;;)
			pause();
	}
	return cmocka_run_group_tests_name("process", tests, make_dir, remove_dir);
}
