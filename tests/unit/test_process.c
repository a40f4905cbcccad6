/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "target_fixture.h"

#include "proc/process.h"
#include "proc/procfs.h"

#define NOW_LATER (UINT64_MAX - 1)

static struct modules modules;
static struct processes processes;

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

static void resolves_in_itself(void **state)
{
	struct process *p;
	const struct module *mod;
	uint64_t offset;
	struct stat st, exe;
	/* Not RTLD_DEFAULT: a sanitizer's own would come first. */
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), *libc_function = dlsym(libc, "qsort");

	assert_non_null(libc_function);
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
	dlclose(libc);
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
	uint64_t offset, before, mapped;
	struct process *p, *again;
	uint32_t id;
	size_t n;
	char *code;

	assert_int_equal(processes_add(&processes, getpid(), &p), 0);
	n = p->maps.n;
	before = now_ns();
	code = map_code(-1, 3 * 4096);
	/* A time that is past is not believed: the mapping is as old as the reading before at most. */
	assert_int_equal(process_read_maps(&processes, p, 1), 0);
	assert_int_equal(p->maps.n, n + 1);
	assert_true(p->read_ns > before);
	assert_true(process_resolve(p, &modules, (uintptr_t)code, before, &id, &offset));
	assert_false(process_resolve(p, &modules, (uintptr_t)code, 1, &id, &offset));
	mapped = now_ns();
	assert_int_equal(process_read_maps(&processes, p, mapped), 0);
	assert_int_equal(p->maps.n, n + 1);
	munmap(code + 4096, 4096);
	assert_int_equal(process_read_maps(&processes, p, NOW_LATER), 0);
	assert_int_equal(p->read_ns, NOW_LATER);
	assert_int_equal(p->maps.n, n + 3);
	assert_int_equal(p->n_ended, 1);
	assert_true(process_resolve(p, &modules, (uintptr_t)code, NOW_LATER, &id, &offset));
	assert_false(process_resolve(p, &modules, (uintptr_t)code + 4096, NOW_LATER, &id, &offset));
	assert_true(process_resolve(p, &modules, (uintptr_t)code + 4096, mapped, &id, &offset));
	assert_int_equal(offset, (uintptr_t)code + 4096);
	assert_true(process_resolve(p, &modules, (uintptr_t)code + 8192, NOW_LATER, &id, &offset));
	munmap(code, 4096);
	munmap(code + 8192, 4096);
	/* Adding it again rereads. */
	assert_int_equal(processes_add(&processes, getpid(), &again), 0);
	assert_ptr_equal(again, p);
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

	assert_int_equal(process_read_maps(&processes, p, now_ns()), 0);
	assert_int_equal(p->maps.n, n);
	time = now_ns();
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

/* maps shows it from our root; the module's path is from the target's. */
static void sees_paths_as_the_target(void **state)
{
	struct process *p;
	char *path, c;
	int up[2];
	pid_t pid;

	if (geteuid())
		skip();
	path = path_in_dir("inside");
	copy_file("/proc/self/exe", path);
	assert_int_equal(pipe2(up, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		map_code(open(path, O_RDONLY), 4096);
		if (chroot(dir) || write(up[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(up[1]);
	assert_int_equal(read(up[0], &c, 1), 1);
	close(up[0]);
	assert_int_equal(processes_add(&processes, pid, &p), 0);
	assert_non_null(module_named("/inside"));
	assert_int_equal(module_named("/inside")->ino, inode_of(path));
	assert_null(module_named(path));
	/* What lies outside of its root keeps the path that we see. */
	char exe[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_non_null(module_named(exe));
	stop(pid);
	unlink(path);
	free(path);
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

/* A process whose first thread has exited lives on in the others; but it is too late to attach to it. */
static void first_thread_gone(void **state)
{
	const struct module *mod;
	struct proc_stat st;
	struct process *p;
	uint64_t offset;
	int hold[2];
	pid_t pid;

	assert_int_equal(pipe2(thread_pipe, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pthread_create(&thread, NULL, report_tid, &hold[0]))
			_exit(1);
		syscall(SYS_exit, 0);
	}
	while (!procfs_stat(pid, &st) && st.state != 'Z')
		sched_yield();
	catch_messages();
	assert_int_equal(process_check(pid), -ENOTSUP);
	assert_said("main thread");
	assert_int_equal(processes_add(&processes, pid, &p), 0);
	mod = module_at(p, (uintptr_t)first_thread_gone, &offset);
	assert_non_null(mod);
	assert_int_equal(mod->kind, MODULE_ELF);
	assert_true(mod->fd >= 0);
	stop(pid);
	for (int i = 0; i < 2; i++) {
		close(hold[i]);
		close(thread_pipe[i]);
	}
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
		TEST(sees_paths_as_the_target),
		TEST(shares_modules),
		TEST(a_process_that_exits),
		TEST(first_thread_gone),
	};

	if (argc == 2 && !strcmp(argv[1], "--wait"))
		return wait_for_ever();
	return cmocka_run_group_tests_name("process", tests, make_dir, remove_dir);
}
