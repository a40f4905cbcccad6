/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of files that are mapped, and that each is read once. */
#include "elftest.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "cli/survey_file.h"
#include "proc/procfs.h"

static const char own_source[] =
	"#include <stddef.h>\n"
	"static char room[1 << 20]; static size_t used;\n"
	"void *malloc(size_t n) { used += n; return used < sizeof(room) ? room + used - n : 0; }\n"
	"void free(void *p) { }\n";

typedef const struct survey_file *asker(struct survey_files *s, pid_t pid, const struct maps_line *line);

/* Maps the file as code would be, and asks for the line that /proc/self/maps has of it. */
static const struct survey_file *ask(struct survey_files *s, const char *path, asker *how)
{
	struct buf text = {0}, line_path = {0};
	const struct survey_file *found = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct maps_line line;
	const char *at;
	void *mapped;

	assert_true(fd >= 0);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(mapped != MAP_FAILED);
	close(fd);
	assert_int_equal(procfs_read(getpid(), "maps", &text), 0);
	at = text.data;
	while (!found && maps_next(&at, text.data + text.len, &line, &line_path))
		if (line.start == (uint64_t)(uintptr_t)mapped)
			found = how(s, getpid(), &line);
	assert_non_null(found);
	munmap(mapped, 4096);
	buf_free(&text);
	buf_free(&line_path);
	return found;
}

static void kinds(void **state)
{
	struct survey_files *s = survey_files_new();
	const struct survey_file *f;
	size_t files, with_allocator, unreadable;

	f = ask(s, LIBC, survey_file_mapped);
	assert_non_null(f->allocator);
	assert_int_equal(strncmp(f->allocator, "glibc ", 6), 0);
	assert_false(f->operators || f->is_32bit || f->unreadable || f->asked);

	write_text("own.c", own_source);
	sh("cc -O1 -fno-builtin -shared -fPIC -o own.so own.c");
	f = ask(s, "own.so", survey_file_mapped);
	assert_string_equal(f->allocator, "own (own.so)");

	write_text("none.c", "int main(void) { return 0; }\n");
	sh("cc -o dynamic none.c && cc -static -nostdlib -Wl,-e,main -o static none.c && strip -o stripped static");
	f = ask(s, "dynamic", survey_file_executed);
	assert_null(f->allocator);
	assert_true(f->asked && !f->is_static && !f->stripped);
	f = ask(s, "static", survey_file_executed);
	assert_true(f->is_static && !f->stripped);
	f = ask(s, "stripped", survey_file_executed);
	assert_true(f->is_static && f->stripped && !f->is_32bit);

	write_text("short", "text that is no program");
	f = ask(s, "short", survey_file_executed);
	assert_true(!f->allocator && !f->unreadable);
	survey_files_count(s, &files, &with_allocator, &unreadable);
	assert_int_equal(files, 6);
	assert_int_equal(with_allocator, 2);
	assert_int_equal(unreadable, 0);
	survey_files_free(s);
}

static void of_32_bits(void **state)
{
	struct survey_files *s = survey_files_new();

	write_text("start.c", "void _start(void); void _start(void) { }\n");
	sh("cc -m32 -nostdlib -static -fno-pie -no-pie -o tiny start.c");
	assert_true(ask(s, "tiny", survey_file_executed)->is_32bit);
	survey_files_free(s);
}

/* By another name, and as an executable that was a library before. */
static void once(void **state)
{
	struct survey_files *s = survey_files_new();
	const struct survey_file *f;
	size_t files, with_allocator, unreadable;

	write_text("own.c", own_source);
	sh("cc -O1 -fno-builtin -shared -fPIC -o first.so own.c && rm -f second.so && ln first.so second.so && "
	   "cp first.so third.so");
	f = ask(s, "first.so", survey_file_mapped);
	assert_ptr_equal(ask(s, "first.so", survey_file_mapped), f);
	assert_ptr_equal(ask(s, "second.so", survey_file_mapped), f);
	assert_ptr_equal(ask(s, "second.so", survey_file_executed), f);
	assert_true(f->asked);
	assert_ptr_not_equal(ask(s, "third.so", survey_file_mapped), f);
	survey_files_count(s, &files, &with_allocator, &unreadable);
	assert_int_equal(files, 2);
	assert_int_equal(with_allocator, 2);
	survey_files_free(s);
}

static void gone(void **state)
{
	const struct maps_line line = {
		.start = 0x1000, .end = 0x2000, .dev = 1, .ino = 17, .exec = true, .path = "/no/such/file",
	};
	struct survey_files *s = survey_files_new();
	size_t files, with_allocator, unreadable;

	assert_true(survey_file_mapped(s, getpid(), &line)->unreadable);
	assert_true(survey_file_executed(s, getpid(), &line)->unreadable);
	survey_files_count(s, &files, &with_allocator, &unreadable);
	assert_int_equal(files, 1);
	assert_int_equal(unreadable, 1);
	survey_files_free(s);
}

/* In a process with mounts of its own. 77: no such mount can be made. */
static int overlays(void)
{
	struct survey_files *s = survey_files_new();
	size_t files, with_allocator, unreadable;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("overlay", "a", "overlay", 0, "lowerdir=lower:empty") ||
	    mount("overlay", "b", "overlay", 0, "lowerdir=lower:empty"))
		return 77;
	if (ask(s, "a/own.so", survey_file_mapped) != ask(s, "b/own.so", survey_file_mapped))
		return 1;
	if (ask(s, "a/own.so", survey_file_mapped) == ask(s, "a/copy.so", survey_file_mapped))
		return 2;
	survey_files_count(s, &files, &with_allocator, &unreadable);
	survey_files_free(s);
	return files == 2 && with_allocator == 2 ? 0 : 3;
}

/* Containers of one image: the same file, by another device for each. */
static void of_containers(void **state)
{
	int status;
	pid_t child;

	sh("mkdir -p lower empty a b");
	write_text("own.c", own_source);
	sh("cc -O1 -fno-builtin -shared -fPIC -o lower/own.so own.c && cp lower/own.so lower/copy.so");
	child = fork();
	if (!child)
		_exit(overlays());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(of_32_bits),
		cmocka_unit_test(once),
		cmocka_unit_test(gone),
		cmocka_unit_test(of_containers),
	};

	return cmocka_run_group_tests(tests, elftest_setup, elftest_teardown);
}
