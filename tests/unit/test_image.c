/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image/: what it says of a file is what elf/ and probe/ say of it, and it says so when the file is closed. */
#include "elftest.h"

#include <elf.h>
#include <errno.h>
#include <sys/inotify.h>

#include "elf/ehframe.h"
#include "elf/symbols.h"
#include "image/ask.h"
#include "image/functions.h"
#include "image/image.h"
#include "probe/plan.h"

#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define MAX_ROWS 10000000

static struct image *read_image(const char *path, unsigned int wants)
{
	const struct image_request r = {
		.path = path, .pid = getpid(), .wants = wants, .plan_flags = PLAN_BLOCKS, .max_rows = MAX_ROWS,
	};
	int fd = open(path, O_RDONLY);
	struct image *im = NULL;

	assert_true(fd >= 0);
	assert_int_equal(image_read(fd, &r, &im), 0);
	close(fd);
	return im;
}

static void test_identity(void **state)
{
	struct image *im = read_image(LIBC, 0);
	uint8_t id[ELF_BUILD_ID_MAX];
	int fd;
	struct elf_file *ef = open_elf(LIBC, &fd);
	const struct elf_segment *segs;
	struct stat st;
	size_t n;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(im->dev == st.st_dev && im->ino == st.st_ino);
	assert_int_equal(im->n_build_id, elf_build_id(ef, id));
	assert_memory_equal(im->build_id, id, im->n_build_id);
	assert_false(im->is_32bit);
	segs = elf_file_segments(ef, &n);
	assert_int_equal(im->n_segments, n);
	assert_memory_equal(im->segments, segs, n * sizeof(*segs));
	/* What was not asked for is not there. */
	assert_null(im->plan);
	assert_null(im->unwind);
	assert_int_equal(im->loader_hook, 0);
	close_elf(ef, fd);
	image_free(im);
	image_free(NULL);
}

static void test_addresses(void **state)
{
	struct image *im = read_image(LIBC, 0);
	int fd;
	struct elf_file *ef = open_elf(LIBC, &fd);
	uint64_t size = elf_file_size(ef);

	for (uint64_t at = 0; at < size + 0x10000; at += 977) {
		uint64_t a = 0, b = 0;
		uint8_t x[40] = {0}, y[40] = {0};
		size_t n;

		assert_int_equal(image_to_vaddr(im, at, &a), elf_offset_to_vaddr(ef, at, &b));
		assert_int_equal(a, b);
		assert_int_equal(image_to_offset(im, at, &a), elf_vaddr_to_offset(ef, at, &b));
		assert_int_equal(a, b);
		assert_int_equal(image_ask_vaddr(fd, LIBC, at, &a), elf_offset_to_vaddr(ef, at, &b));
		assert_int_equal(a, b);
		n = image_code(im, fd, at, x, sizeof(x));
		assert_int_equal(n, elf_read_vaddr(ef, at, y, sizeof(y)));
		assert_memory_equal(x, y, n);
	}
	close_elf(ef, fd);
	image_free(im);
}

static void test_plan(void **state)
{
	struct image *im = read_image(LIBC, IMAGE_PLAN);
	int fd;
	struct elf_file *ef = open_elf(LIBC, &fd);
	struct plan *want;

	assert_int_equal(plan_make(ef, LIBC, PLAN_BLOCKS, &want), 0);
	assert_true(want->n_probes > 5);
	assert_int_equal(im->plan->n_probes, want->n_probes);
	assert_string_equal(im->plan->implementation, want->implementation);
	for (size_t i = 0; i < want->n_probes; i++) {
		assert_string_equal(im->plan->probes[i].name, want->probes[i].name);
		assert_int_equal(im->plan->probes[i].file_offset, want->probes[i].file_offset);
	}
	plan_free(want);
	close_elf(ef, fd);
	image_free(im);
}

/* Once: whoever takes it may give it up, and reads the file again. */
static void test_unwind_table(void **state)
{
	struct image *im = read_image(LIBC, IMAGE_UNWIND);
	struct unwind_table *t, *want = NULL;
	int fd;
	struct elf_file *ef = open_elf(LIBC, &fd);

	assert_int_equal(unwind_table_load(ef, MAX_ROWS, &want), 0);
	assert_int_equal(image_take_unwind(im, &t), 0);
	assert_true(t->n >= want->n);
	assert_int_equal(t->base, want->base);
	unwind_table_free(t);
	unwind_table_free(want);
	assert_int_equal(image_take_unwind(im, &t), -EAGAIN);
	assert_null(t);
	image_free(im);
	/* Of one that has none it says why. */
	write_text("marker.c", marker_source);
	sh("cc -c -o marker.o marker.c");
	im = read_image("marker.o", IMAGE_UNWIND | IMAGE_PLAN);
	assert_int_equal(image_take_unwind(im, &t), -ENOTSUP);
	image_free(im);
	close_elf(ef, fd);
}

/* For its unwind rules and for its symbols: one look-up, one parse. */
static void test_debug_file_once(void **state)
{
	char events[4096], *dir = xasprintf("%s/.debug", elftest_dir), *path = xasprintf("%s/once", elftest_dir);
	struct image *im;
	int fd, opens = 0;
	ssize_t n;

	write_text("once.c", "#include <stdlib.h>\n"
			     "void *malloc(size_t n) { static char a[1 << 20], *p = a; "
			     "return p += (n + 15) & ~15ul; }\n"
			     "void free(void *p) { (void)p; }\n"
			     "int main(void) { free(malloc(1)); return 0; }\n");
	sh("cc -g -O1 -fno-builtin -Wl,--build-id=none -o once once.c && mkdir .debug && "
	   "objcopy --only-keep-debug once .debug/once.debug && strip once && "
	   "objcopy --add-gnu-debuglink=.debug/once.debug once");
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(fd, dir, IN_OPEN) >= 0);
	im = read_image(path, IMAGE_UNWIND | IMAGE_PLAN);
	while ((n = read(fd, events, sizeof(events))) > 0)
		for (const char *p = events; p < events + n;) {
			const struct inotify_event *ev = (const void *)p;

			opens += ev->len && !strcmp(ev->name, "once.debug");
			p += sizeof(*ev) + ev->len;
		}
	assert_int_equal(opens, 1);
	image_free(im);
	close(fd);
	free(dir);
	free(path);
}

static void test_vdso(void **state)
{
	const struct image_request r = {.path = "[vdso]", .wants = IMAGE_UNWIND, .max_rows = MAX_ROWS};
	struct unwind_table *t;
	struct image *im;

	assert_int_equal(image_read_vdso(&r, &im), 0);
	assert_int_equal(image_take_unwind(im, &t), 0);
	assert_true(t->n > 0 && im->n_segments > 0);
	assert_int_equal(im->ino, 0);
	unwind_table_free(t);
	image_free(im);
}

static void test_loader_hook(void **state)
{
	static const char *const names[] = {"_dl_debug_state"};
	struct image *im = read_image(LOADER, IMAGE_HOOK);
	struct elf_symbol found[1];
	uint64_t offset;
	int fd;
	struct elf_file *ef = open_elf(LOADER, &fd);

	assert_int_equal(elf_find_functions(ef, names, 1, found), 0);
	assert_true(elf_vaddr_to_offset(ef, found[0].vaddr, &offset));
	assert_true(im->loader_hook == offset && offset);
	image_free(im);
	im = read_image(LIBC, IMAGE_HOOK);
	assert_int_equal(im->loader_hook, 0);
	image_free(im);
	close_elf(ef, fd);
}

/* Every byte of a library's code is of the same function as in its symbols, also where these nest. */
static void check_functions(const char *path)
{
	struct image_functions f;
	struct elf_symbols *symbols;
	int fd;
	struct elf_file *ef = open_elf(path, &fd);
	uint64_t size = elf_file_size(ef);
	size_t found = 0;

	assert_int_equal(elf_symbols_load(ef, NULL, &symbols), 0);
	image_functions_read(fd, path, 0, &f);
	for (uint64_t at = 0; at < size; at++) {
		const struct image_function *is = image_function_at(&f, at);
		struct elf_symbol want;

		assert_int_equal(is != NULL, elf_symbols_at(symbols, at, &want));
		if (!is)
			continue;
		found++;
		assert_int_equal(is->vaddr, want.vaddr);
		assert_int_equal(is->size, want.size);
	}
	assert_true(found > 0);
	free(f.at);
	elf_symbols_free(symbols);
	close_elf(ef, fd);
}

static const char nested_source[] =
	"asm(\".text\\n\"\n"
	"    \".globl outer\\n.type outer, @function\\nouter: nop\\nnop\\n\"\n"
	"    \".type inner, @function\\ninner: nop\\nnop\\n.size inner, . - inner\\nnop\\n.size outer, . - outer\\n\"\n"
	"    \".globl bare\\n.type bare, @function\\nbare: nop\\nret\\n\");\n"
	"int f(void) { return 1; }\n";

static void test_functions(void **state)
{
	struct image_functions f;
	int fd;

	write_text("nested.c", nested_source);
	sh("cc -shared -fPIC -Wl,--build-id=none -o nested.so nested.c");
	check_functions("nested.so");
	sh("strip -s -o bare.so nested.so");
	check_functions("bare.so");
	write_text("text", "not an ELF file at all, but longer than the header of one would have to be ...........");
	fd = open("text", O_RDONLY);
	image_functions_read(fd, "text", 0, &f);
	assert_true(!f.at && !f.n);
	close(fd);
}

static void test_questions(void **state)
{
	uint64_t slots[4], vaddr;
	int fd;

	write_text("cloner.c", "#define _GNU_SOURCE\n#include <sched.h>\n#include <stdlib.h>\n"
		   "int main(void) { return clone(0, 0, 0, 0) + !malloc(1); }\n");
	sh("cc -w -o cloner cloner.c");
	fd = open("cloner", O_RDONLY);
	assert_true(image_ask_import(fd, "cloner", "clone"));
	assert_false(image_ask_import(fd, "cloner", "fork"));
	assert_int_equal(image_ask_slots(fd, "cloner", 0, "malloc", slots, 4), 1);
	assert_null(image_ask_selfcopy(fd, "cloner").sign);
	close(fd);
	fd = open("cloner.c", O_RDONLY);
	assert_false(image_ask_import(fd, "cloner.c", "clone"));
	assert_false(image_ask_vaddr(fd, "cloner.c", 0, &vaddr));
	assert_int_equal(image_ask_slots(fd, "cloner.c", 0, "malloc", slots, 4), 0);
	assert_null(image_ask_selfcopy(fd, "cloner.c").sign);
	close(fd);
	assert_false(image_ask_import(-1, "gone", "clone"));
}

static void test_no_elf_file(void **state)
{
	const struct image_request r = {.path = "text", .wants = IMAGE_PLAN | IMAGE_UNWIND};
	struct image *im;
	int fd;

	write_text("text", "hello");
	fd = open("text", O_RDONLY);
	assert_int_equal(image_read(fd, &r, &im), -ENOEXEC);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity), cmocka_unit_test(test_addresses), cmocka_unit_test(test_plan),
		cmocka_unit_test(test_unwind_table), cmocka_unit_test(test_debug_file_once),
		cmocka_unit_test(test_vdso), cmocka_unit_test(test_loader_hook),
		cmocka_unit_test(test_functions), cmocka_unit_test(test_questions), cmocka_unit_test(test_no_elf_file),
	};

	return cmocka_run_group_tests(tests, elftest_setup, elftest_teardown);
}
