/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sym/jitdump.h: records, damage, growth, whose file it is; and the way from the mapping to the name. */
#include "elftest.h"

#include <sys/mman.h>

#include "base/buf.h"
#include "proc/mapfile.h"
#include "proc/process.h"
#include "sym/jitdump.h"
#include "sym/symbolizer.h"

static void add_u32(struct buf *b, uint32_t x)
{
	buf_add(b, &x, sizeof(x));
}

static void add_u64(struct buf *b, uint64_t x)
{
	buf_add(b, &x, sizeof(x));
}

static void add_header(struct buf *b)
{
	add_u32(b, 0x4a695444);
	add_u32(b, 1);
	add_u32(b, 40);
	add_u32(b, 62);
	add_u32(b, 0);
	add_u32(b, 1234);
	add_u64(b, 1);
	add_u64(b, 0);
}

static void add_prefix(struct buf *b, uint32_t kind, size_t size)
{
	add_u32(b, kind);
	add_u32(b, (uint32_t)size);
	add_u64(b, 99);
}

/* With code of four bytes, whatever size says. */
static void add_load(struct buf *b, uint64_t addr, uint64_t size, uint64_t index, const char *name)
{
	add_prefix(b, 0, 56 + strlen(name) + 1 + 4);
	add_u32(b, 1234);
	add_u32(b, 1235);
	add_u64(b, addr);
	add_u64(b, addr);
	add_u64(b, size);
	add_u64(b, index);
	buf_add(b, name, strlen(name) + 1);
	buf_add(b, "\xc3\xc3\xc3\xc3", 4);
}

static void add_move(struct buf *b, uint64_t from, uint64_t to, uint64_t size, uint64_t index)
{
	add_prefix(b, 1, 64);
	add_u32(b, 1234);
	add_u32(b, 1235);
	add_u64(b, to);
	add_u64(b, from);
	add_u64(b, to);
	add_u64(b, size);
	add_u64(b, index);
}

static int dump_file(const struct buf *b)
{
	int fd = memfd_create("jitdump", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->len), b->len);
	return fd;
}

static struct jitdump *read_dump(const struct buf *b)
{
	struct jitdump *jd = jitdump_new();
	int fd = dump_file(b);

	assert_int_equal(jitdump_read(jd, fd, getuid()), 0);
	close(fd);
	return jd;
}

static void expect(const struct jitdump *jd, uint64_t addr, const char *name, uint64_t want_start)
{
	uint64_t start = 0;
	const char *found = jitdump_at(jd, addr, &start);

	if (!name) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, name);
	assert_int_equal(start, want_start);
}

static void test_records(void **state)
{
	struct buf b = {0};
	struct jitdump *jd;

	add_header(&b);
	add_load(&b, 0x1000, 0x100, 1, "JS:*foo /a b.js:3");
	add_prefix(&b, 2, 16 + 8);	/* debug info: passed over */
	add_u64(&b, 7);
	add_load(&b, 0x2000, 0x10, 2, "two");
	add_load(&b, 0x1040, 0x20, 3, "later");
	add_move(&b, 0x2000, 0x5000, 0x10, 2);
	add_move(&b, 0x2000, 0x6000, 0x10, 77);	/* of what nobody loaded */
	add_load(&b, 0x7000, 0, 4, "no size");
	add_load(&b, 0x7000, 0x10, 5, "");
	add_load(&b, UINT64_MAX - 3, 0x10, 6, "wraps");
	add_load(&b, 0x7000, 1ull << 33, 7, "too large");
	add_prefix(&b, 3, 16);		/* close */
	jd = read_dump(&b);
	assert_int_equal(jitdump_count(jd), 4);
	expect(jd, 0xfff, NULL, 0);
	expect(jd, 0x1000, "JS:*foo /a b.js:3", 0x1000);
	expect(jd, 0x103f, "JS:*foo /a b.js:3", 0x1000);
	expect(jd, 0x1040, "later", 0x1040);
	expect(jd, 0x1060, "JS:*foo /a b.js:3", 0x1000);
	expect(jd, 0x1100, NULL, 0);
	expect(jd, 0x200f, "two", 0x2000);
	expect(jd, 0x500f, "two", 0x5000);
	expect(jd, 0x6000, NULL, 0);
	expect(jd, 0x7000, NULL, 0);
	jitdump_free(jd);
	jitdump_free(NULL);
	buf_free(&b);
}

static void test_damaged(void **state)
{
	struct buf b = {0}, good = {0};
	struct jitdump *jd;

	/* No header, another byte order, another version. */
	jd = read_dump(&b);
	assert_int_equal(jitdump_count(jd), 0);
	jitdump_free(jd);
	add_header(&good);
	add_load(&good, 0x1000, 0x10, 1, "one");
	for (size_t at = 0; at < 8; at += 4) {
		buf_reset(&b);
		buf_add(&b, good.data, good.len);
		b.data[at] ^= 0x10;
		jd = read_dump(&b);
		assert_int_equal(jitdump_count(jd), 0);
		jitdump_free(jd);
	}
	/* A record of no size would be read for ever; one that is too short for what it is. What came before holds. */
	for (uint32_t size = 0; size < 56; size += 8) {
		buf_reset(&b);
		buf_add(&b, good.data, good.len);
		add_prefix(&b, 0, size);
		for (int i = 0; i < 10; i++)
			add_u64(&b, 0x3000);
		add_load(&b, 0x2000, 0x10, 2, "behind");
		jd = read_dump(&b);
		assert_int_equal(jitdump_count(jd), 1);
		expect(jd, 0x1000, "one", 0x1000);
		jitdump_free(jd);
	}
	/* A name without an end. */
	buf_reset(&b);
	buf_add(&b, good.data, good.len);
	add_prefix(&b, 0, 56 + 3);
	add_u64(&b, 0);
	add_u64(&b, 0);
	add_u64(&b, 0x2000);
	add_u64(&b, 0x10);
	add_u64(&b, 2);
	buf_add(&b, "abc", 3);
	jd = read_dump(&b);
	expect(jd, 0x2000, "abc", 0x2000);
	jitdump_free(jd);
	/* Every byte changed, and every length. */
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0xff;
		jitdump_free(read_dump(&b));
		b.data[i] ^= 0xff;
	}
	for (size_t len = b.len; b.len > 0; b.len = --len)
		jitdump_free(read_dump(&b));
	buf_free(&b);
	buf_free(&good);
}

static void test_grows(void **state)
{
	struct jitdump *jd = jitdump_new();
	struct buf b = {0};
	size_t half;
	int fd;

	add_header(&b);
	add_load(&b, 0x1000, 0x10, 1, "one");
	half = b.len + 30;
	add_load(&b, 0x1000, 0x8, 2, "two");
	add_move(&b, 0x1000, 0x3000, 0x10, 1);
	fd = dump_file(&b);
	assert_int_equal(ftruncate(fd, (off_t)half), 0);
	assert_int_equal(jitdump_read(jd, fd, getuid()), 0);
	assert_int_equal(jitdump_count(jd), 1);
	expect(jd, 0x1000, "one", 0x1000);
	assert_int_equal(pwrite(fd, b.data + half, b.len - half, (off_t)half), b.len - half);
	assert_int_equal(jitdump_read(jd, fd, getuid()), 0);
	expect(jd, 0x1000, "two", 0x1000);
	expect(jd, 0x1008, "one", 0x1000);
	expect(jd, 0x3000, "one", 0x3000);
	/* Written anew, as another file. */
	buf_reset(&b);
	add_header(&b);
	add_load(&b, 0x9000, 0x10, 1, "nine");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, b.data, b.len, 0), b.len);
	assert_int_equal(jitdump_read(jd, fd, getuid()), 0);
	expect(jd, 0x1000, NULL, 0);
	expect(jd, 0x9000, "nine", 0x9000);
	close(fd);
	jitdump_free(jd);
	buf_free(&b);
}

static void test_refused(void **state)
{
	struct jitdump *jd = jitdump_new();
	struct buf b = {0};
	int fd, pipes[2];

	add_header(&b);
	add_load(&b, 0x1000, 0x10, 1, "one");
	fd = dump_file(&b);
	if (getuid() == 0) {
		assert_int_equal(fchown(fd, 23456, (gid_t)-1), 0);
		assert_int_equal(jitdump_read(jd, fd, 12345), -EPERM);
		assert_int_equal(jitdump_read(jd, fd, 0), -EPERM);
		assert_int_equal(jitdump_count(jd), 0);
		assert_int_equal(jitdump_read(jd, fd, 23456), 0);
		assert_int_equal(jitdump_count(jd), 1);
	} else {
		assert_int_equal(jitdump_read(jd, fd, getuid() + 1), -EPERM);
	}
	assert_int_equal(ftruncate(fd, (8ll << 30) + 1), 0);
	assert_int_equal(jitdump_read(jd, fd, getuid() ? getuid() : 23456), -EFBIG);
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(jitdump_read(jd, pipes[0], getuid()), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(jitdump_read(jd, -1, getuid()), -EBADF);
	jitdump_free(jd);
	buf_free(&b);
}

static void test_path(void **state)
{
	assert_true(mapping_is_jitdump("/tmp/jit-1234.dump"));
	assert_true(mapping_is_jitdump("/home/a/.debug/jit/x-y/jit-7.dump"));
	assert_true(mapping_is_jitdump("jit-0.dump"));
	assert_false(mapping_is_jitdump("/tmp/jit-.dump"));
	assert_false(mapping_is_jitdump("/tmp/jit-12a.dump"));
	assert_false(mapping_is_jitdump("/tmp/jit-12.dump2"));
	assert_false(mapping_is_jitdump("/tmp/xjit-12.dump"));
	assert_false(mapping_is_jitdump("/jit-12.dump/x"));
	assert_false(mapping_is_jitdump(""));
}

/* This process as the JIT: it maps a page of its dump, executable, and has "code" in anonymous memory. */
static void test_mapped(void **state)
{
	char *path = xasprintf("%s/jit-%d.dump", elftest_dir, getpid());
	const struct symbol *sym;
	struct processes ps;
	struct symbolizer *s;
	struct process *p;
	struct modules m;
	struct buf b = {0};
	uint64_t offset;
	uint32_t id;
	void *code, *marker;
	int fd;

	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	add_header(&b);
	add_load(&b, (uint64_t)code, 0x100, 1, "made by us");
	write_file(path, b.data, b.len);
	fd = open(path, O_RDONLY);
	marker = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	assert_ptr_not_equal(marker, MAP_FAILED);
	/* Found although the name is gone. */
	assert_int_equal(unlink(path), 0);

	modules_init(&m);
	processes_init(&ps, &m);
	assert_int_equal(processes_add(&ps, getpid(), &p), 0);
	assert_true(process_resolve(p, &m, (uint64_t)code + 8, UINT64_MAX - 1, &id, &offset));
	assert_int_equal(modules_get(&m, id)->kind, MODULE_JIT);
	s = symbolizer_new(&m, (struct symbolizer_options){.demangle = true});
	sym = names_of(symbolizer_names(s), id, offset);
	assert_int_equal(sym->reason, SYM_NAMED);
	assert_string_equal(sym->function, "made by us");
	assert_int_equal(sym->offset, 8);
	assert_int_equal(names_of(symbolizer_names(s), id, offset + 0x100)->reason, SYM_NOT_IN_PERF_MAP);
	symbolizer_free(s);
	processes_free(&ps);
	modules_free(&m);
	munmap(code, 4096);
	munmap(marker, 4096);
	buf_free(&b);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_mapped),
	};

	return cmocka_run_group_tests_name("jitdump", tests, elftest_setup, elftest_teardown);
}
