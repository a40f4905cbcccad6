/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model/kallsyms.h: lines, order, names of one address, modules, damage. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/kallsyms.h"

static int read_bytes(const char *text, size_t len, struct kallsyms **out)
{
	const int fd = memfd_create("kallsyms", MFD_CLOEXEC);
	char path[64];
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = kallsyms_read(path, out);
	close(fd);
	return err;
}

#define READ(text, out) read_bytes(text, sizeof(text) - 1, out)

static void expect(const struct kallsyms *k, uint64_t addr, const char *name, const char *module, uint64_t start)
{
	struct ksymbol s;

	if (!name) {
		assert_false(kallsyms_at(k, addr, &s));
		return;
	}
	assert_true(kallsyms_at(k, addr, &s));
	assert_string_equal(s.name, name);
	assert_string_equal(s.module, module);
	assert_int_equal(s.start, start);
}

static void test_lines(void **state)
{
	struct kallsyms *k;

	assert_int_equal(READ("ffffffff81000000 T _text\n"
			      "ffffffff81000100 t alloc_inode\n"
			      "ffffffff81000180 D jiffies\n"
			      "ffffffff81000200 W weak_one\n"
			      "ffffffffc0000010 t nf_hook_entry\t[nf_tables]\n"
			      "ffffffffc0000050 t bpf_prog_0123456789abcdef_f\t[bpf]", &k), 0);
	assert_int_equal(kallsyms_count(k), 5);
	expect(k, 0xffffffff80ffffff, NULL, NULL, 0);
	expect(k, 0xffffffff81000000, "_text", "", 0xffffffff81000000);
	expect(k, 0xffffffff810001ff, "alloc_inode", "", 0xffffffff81000100);
	/* The last function before a module ends with its page. */
	expect(k, 0xffffffff81000fff, "weak_one", "", 0xffffffff81000200);
	expect(k, 0xffffffff81001000, NULL, NULL, 0);
	expect(k, 0xffffffffc000004f, "nf_hook_entry", "nf_tables", 0xffffffffc0000010);
	expect(k, 0xffffffffc0000050, "bpf_prog_0123456789abcdef_f", "bpf", 0xffffffffc0000050);
	expect(k, 0xffffffffc0001000, NULL, NULL, 0);
	expect(k, UINT64_MAX, NULL, NULL, 0);
	expect(k, 0, NULL, NULL, 0);
	kallsyms_free(k);
}

static void test_order(void **state)
{
	struct kallsyms *k;

	/* Modules and BPF programs follow in another order; a global name is better than a local one, and what
	 * compilers put before a function is the worst. */
	assert_int_equal(READ("ffffffffc0002000 t second\t[m]\n"
			      "ffffffffc0001000 t first\t[m]\n"
			      "ffffffff81000010 t __pfx_f\n"
			      "ffffffff81000010 t local\n"
			      "ffffffff81000010 T global\n"
			      "ffffffff81000020 t __pfx_g\n"
			      "ffffffff81000020 t __cfi_g\n"
			      "ffffffff81000020 t g\n", &k), 0);
	expect(k, 0xffffffff81000010, "global", "", 0xffffffff81000010);
	expect(k, 0xffffffff8100001f, "global", "", 0xffffffff81000010);
	expect(k, 0xffffffff81000021, "g", "", 0xffffffff81000020);
	expect(k, 0xffffffffc0001fff, "first", "m", 0xffffffffc0001000);
	for (size_t i = 1; i < kallsyms_count(k); i++)
		assert_true(kallsyms_nth(k, i - 1).start <= kallsyms_nth(k, i).start);
	kallsyms_free(k);
}

static void test_damage(void **state)
{
	struct kallsyms *k = NULL;

	assert_int_equal(READ("", &k), -ENOENT);
	assert_int_equal(READ("\n\n \t \nnot a line\n", &k), -ENOENT);
	assert_int_equal(READ("0000000000000000 T _text\n0000000000000000 t alloc_inode\n", &k), -EPERM);
	assert_int_equal(kallsyms_read("/nonexistent/kallsyms", &k), -ENOENT);
	/* Lines of another form are skipped, whatever is in them. */
	assert_int_equal(READ("ffffffff81000000 T good\n"
			      "-1 T minus\n"
			      "0x81000010 T prefix\n"
			      "ffffffff8100001z T letter\n"
			      "ffffffff810000100000 T long\n"
			      "ffffffff81000010 TT type\n"
			      "ffffffff81000010 T\n"
			      "ffffffff81000010 T \n"
			      "ffffffff81000010\n"
			      "ffffffff81000010 T bad_module\t[m\n"
			      "ffffffff81000010 T bad_module\tm]\n"
			      "ffffffff81000010 T bad_module\t[]\n"
			      "ffffffff81000010 T n\0ul\t[m]\n"
			      "ffffffff81000020 T last\r\n", &k), 0);
	assert_int_equal(kallsyms_count(k), 3);
	expect(k, 0xffffffff8100000f, "good", "", 0xffffffff81000000);
	expect(k, 0xffffffff81000010, "n", "", 0xffffffff81000010);
	expect(k, 0xffffffff81000020, "last\r", "", 0xffffffff81000020);
	kallsyms_free(k);
}

/* Of whatever bytes: the address that a symbol says is its own is found, and nothing beyond its end. */
static void test_random(void **state)
{
	static const char letters[] = "0123456789abcdef TtWwDd\t[]\n\n_ab\0";
	char text[4096];
	unsigned int x = 1;

	for (int round = 0; round < 300; round++) {
		struct kallsyms *k;
		struct ksymbol s;

		for (size_t i = 0; i < sizeof(text); i++) {
			x = x * 1103515245 + 12345;
			text[i] = letters[(x >> 16) % (sizeof(letters) - 1)];
		}
		if (read_bytes(text, sizeof(text), &k))
			continue;
		for (size_t i = 0; i < kallsyms_count(k); i++) {
			const struct ksymbol n = kallsyms_nth(k, i);

			assert_true(n.end > n.start || n.end == 0);
			assert_true(n.end == 0 || kallsyms_at(k, n.start, &s));
		}
		kallsyms_free(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
