/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of a made-up Go runtime, in made-up memory that may lie, end, and change while it is read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/gorecords.h"

#define BASE 0x10000
#define WORDS 4096
#define BUCKETS BASE		/* the two variables */
#define RATE (BASE + 8)
#define FIRST (BASE + 64)

enum { NEXT = 1, TYPE, HASH, SIZE, N_STACK, PCS };

struct memory {
	uint64_t word[WORDS];
	size_t n;		/* bytes that are there */
	uint64_t at;		/* where the next record goes */
	uint64_t last;		/* the latest one; 0: none */
	void (*before)(struct memory *m, uint64_t addr);
	size_t reads;
};

static uint64_t *at(struct memory *m, uint64_t addr)
{
	return &m->word[(addr - BASE) / 8];
}

static size_t read_memory(void *arg, uint64_t addr, void *data, size_t len)
{
	struct memory *m = arg;
	size_t n;

	m->reads++;
	if (m->before)
		m->before(m, addr);
	if (addr < BASE || addr - BASE >= m->n)
		return 0;
	n = m->n - (addr - BASE);
	n = n < len ? n : len;
	memcpy(data, (char *)m->word + (addr - BASE), n);
	return n;
}

static struct memory *memory_new(void)
{
	struct memory *m = calloc(1, sizeof(*m));

	m->n = sizeof(m->word);
	m->at = FIRST;
	*at(m, RATE) = 524288;
	return m;
}

/* Before those that are there. Returns its counts. */
static uint64_t *add(struct memory *m, uint64_t size, uint64_t frames, size_t count_words)
{
	uint64_t *b = at(m, m->at);

	b[NEXT] = m->last;
	b[TYPE] = 1;
	b[SIZE] = size;
	b[N_STACK] = frames;
	for (uint64_t i = 0; i < frames; i++)
		b[PCS + i] = 0x400000 + i;
	m->last = *at(m, BUCKETS) = m->at;
	m->at += (PCS + frames + count_words) * 8;
	return b + PCS + frames;
}

static uint64_t *add_wide(struct memory *m, uint64_t size, uint64_t frames, uint64_t allocs, uint64_t frees)
{
	uint64_t *c = add(m, size, frames, 16);

	c[0] = allocs;
	c[1] = frees;
	c[2] = allocs * size;
	c[3] = frees * size;
	return c;
}

static int walk(struct memory *m, struct go_records *r)
{
	const char *why = NULL;
	int err = gorecords_walk(read_memory, m, BUCKETS, RATE, r, &why);

	assert_int_equal(err != 0, why != NULL);
	return err;
}

static void fails_with(struct memory *m, int err)
{
	struct go_records r;

	assert_int_equal(walk(m, &r), err);
	gorecords_free(&r);
	free(m);
}

static void wide_records_are_read(void **state)
{
	struct memory *m = memory_new();
	struct go_records r;

	add_wide(m, 48, 3, 5, 2);
	add_wide(m, 1024, 128, 7, 7)[4] = 0;
	/* What came since the last collection does not count: 2 of 16 bytes. */
	memcpy(add_wide(m, 16, 0, 1, 0) + 8, (uint64_t[]){2, 1, 32, 16}, 32);
	assert_int_equal(walk(m, &r), 0);
	assert_int_equal(r.rate, 524288);
	assert_true(r.collected);
	assert_false(r.more);
	assert_int_equal(r.unstable, 0);
	assert_int_equal(r.list.n, 3);
	/* The latest first. */
	assert_int_equal(r.list.at[0].size, 16);
	assert_int_equal(r.list.at[0].allocs, 1);
	assert_int_equal(r.list.at[0].n, 0);
	assert_int_equal(r.list.at[1].n, 128);
	assert_int_equal(r.pcs.at[r.list.at[1].at + 127], 0x40007f);
	assert_int_equal(r.list.at[2].size, 48);
	assert_int_equal(r.list.at[2].allocs, 5);
	assert_int_equal(r.list.at[2].frees, 2);
	assert_int_equal(r.pcs.at[r.list.at[2].at + 2], 0x400002);
	gorecords_free(&r);
	free(m);
}

static void narrow_records_are_read(void **state)
{
	struct memory *m = memory_new();
	struct go_records r;

	memcpy(add(m, 48, 3, 8), (uint64_t[]){5, 2, 3, 1, 0, 0, 0, 0}, 64);
	memcpy(add(m, 32, 1, 8), (uint64_t[]){9, 4, 0, 0, 1, 0, 0, 0}, 64);
	/* Memory ends with the last one. */
	m->n = m->at - BASE;
	assert_int_equal(walk(m, &r), 0);
	assert_int_equal(r.list.n, 2);
	assert_int_equal(r.list.at[0].allocs, 9);
	assert_int_equal(r.list.at[0].frees, 4);
	assert_int_equal(r.list.at[1].allocs, 5);
	assert_int_equal(r.list.at[1].frees, 2);
	gorecords_free(&r);
	free(m);
}

/* As runtime.MemProfile() does it: before the first collection all that was counted is what there is. */
static void before_a_collection_all_counts(void **state)
{
	struct memory *m = memory_new();
	struct go_records r;

	memcpy(add_wide(m, 16, 1, 0, 0) + 4, (uint64_t[]){3, 0, 48, 0, 2, 1, 32, 16}, 64);
	assert_int_equal(walk(m, &r), 0);
	assert_false(r.collected);
	assert_int_equal(r.list.at[0].allocs, 5);
	assert_int_equal(r.list.at[0].frees, 1);
	gorecords_free(&r);
	free(m);
}

static void no_record_is_none(void **state)
{
	struct memory *m = memory_new();
	struct go_records r;

	assert_int_equal(walk(m, &r), 0);
	assert_int_equal(r.list.n, 0);
	gorecords_free(&r);
	free(m);
}

static void what_is_no_rate_is_refused(void **state)
{
	struct memory *m = memory_new();

	*at(m, RATE) = 0;
	fails_with(m, -ENODATA);
	m = memory_new();
	*at(m, RATE) = UINT64_MAX;
	fails_with(m, -EBADMSG);
	m = memory_new();
	m->n = 0;
	fails_with(m, -EFAULT);
}

static void circles_end(void **state)
{
	struct memory *m = memory_new();

	add_wide(m, 16, 1, 1, 0);
	at(m, m->last)[NEXT] = m->last;
	fails_with(m, -ELOOP);
	m = memory_new();
	for (int i = 0; i < 50; i++)
		add_wide(m, 16, 1, 1, 0);
	at(m, FIRST)[NEXT] = m->last;
	fails_with(m, -ELOOP);
}

static void lies_are_refused(void **state)
{
	static const struct { int word; uint64_t value; int err; } lies[] = {
		{TYPE, 2, -EBADMSG}, {TYPE, 0, -EBADMSG}, {N_STACK, 1025, -EBADMSG},
		{N_STACK, UINT64_MAX, -EBADMSG}, {N_STACK, 1ULL << 61, -EBADMSG}, {SIZE, UINT64_MAX, -EBADMSG},
		{NEXT, 8, -EFAULT}, {NEXT, UINT64_MAX, -EFAULT}, {NEXT, BASE + 8 * WORDS - 16, -EFAULT},
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct memory *m = memory_new();

		add_wide(m, 16, 1, 1, 0);
		add_wide(m, 16, 1, 1, 0);
		at(m, m->last)[lies[i].word] = lies[i].value;
		fails_with(m, lies[i].err);
	}
}

/* Counts that no program makes: more frees than allocations, sums that overflow. */
static void impossible_counts_are_refused(void **state)
{
	struct memory *m = memory_new();

	add_wide(m, 16, 1, 1, 5);
	fails_with(m, -EBADMSG);
	m = memory_new();
	memcpy(add(m, 1 << 20, 1, 16), (uint64_t[]){UINT64_MAX, 0, 1, 0}, 32);
	fails_with(m, -EBADMSG);
}

/* The first time that it is read, a record of 77 bytes is half written. */
static void change_once(struct memory *m, uint64_t addr)
{
	if (addr == FIRST)
		at(m, FIRST)[PCS + 1 + 2] = m->word[WORDS - 1]++ ? 77 * 3 : 1;
}

static void change_always(struct memory *m, uint64_t addr)
{
	if (addr == FIRST)
		memcpy(&at(m, FIRST)[PCS + 1], (uint64_t[]){3, 9, 1, 2}, 32);
}

static void a_half_record_is_read_again(void **state)
{
	struct memory *m = memory_new();
	struct go_records r;

	add_wide(m, 77, 1, 3, 1);
	add_wide(m, 16, 1, 1, 0);
	m->before = change_once;
	assert_int_equal(walk(m, &r), 0);
	assert_int_equal(r.list.n, 2);
	assert_int_equal(r.list.at[1].allocs, 3);
	gorecords_free(&r);
	m->before = change_always;
	assert_int_equal(walk(m, &r), 0);
	assert_int_equal(r.list.n, 1);
	assert_int_equal(r.unstable, 1);
	gorecords_free(&r);
	free(m);
}

/* The number of frames grows once the size of the record was read by it. */
static void grow_stack(struct memory *m, uint64_t addr)
{
	if (addr == FIRST)
		at(m, FIRST)[N_STACK] = m->word[WORDS - 1]++ ? UINT64_MAX : 64;
}

static void a_stack_that_grows_is_refused(void **state)
{
	struct memory *m = memory_new();

	add_wide(m, 16, 64, 1, 0);
	m->before = grow_stack;
	fails_with(m, -EBADMSG);
}

/* Each record leads to a new one, for ever. */
static size_t read_endless(void *arg, uint64_t addr, void *data, size_t len)
{
	uint64_t *word = data;
	size_t *reads = arg;

	memset(data, 0, len);
	(*reads)++;
	if (addr == RATE) {
		word[0] = 1;
	} else if (addr == BUCKETS) {
		word[0] = FIRST;
	} else {
		word[NEXT] = addr + 8;
		word[TYPE] = 1;
	}
	return len;
}

static void endless_records_end(void **state)
{
	const char *why = NULL;
	struct go_records r;
	size_t reads = 0;

	assert_int_equal(gorecords_walk(read_endless, &reads, BUCKETS, RATE, &r, &why), 0);
	assert_true(r.more);
	assert_int_equal(r.list.n, GORECORDS_MAX);
	assert_true(reads <= GORECORDS_MAX + 2);
	gorecords_free(&r);
}

static void a_process_is_read(void **state)
{
	static uint64_t buckets, rate = 1, bucket[PCS + 40 + 16];
	struct go_records r;
	const char *why = NULL;
	pid_t pid;

	bucket[TYPE] = 1;
	bucket[SIZE] = 24;
	bucket[N_STACK] = 40;
	bucket[PCS] = 0x1234;
	bucket[PCS + 40] = 2;
	bucket[PCS + 42] = 48;
	buckets = (uintptr_t)bucket;
	assert_int_equal(gorecords_read(getpid(), (uintptr_t)&buckets, (uintptr_t)&rate, &r, &why), 0);
	assert_int_equal(r.list.n, 1);
	assert_int_equal(r.list.at[0].allocs, 2);
	assert_int_equal(r.pcs.at[0], 0x1234);
	gorecords_free(&r);
	pid = fork();
	if (!pid)
		_exit(0);
	/* A zombie, and nobody. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(gorecords_read(pid, (uintptr_t)&buckets, (uintptr_t)&rate, &r, &why), -ESRCH);
	gorecords_free(&r);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(gorecords_read(pid, (uintptr_t)&buckets, (uintptr_t)&rate, &r, &why), -ESRCH);
	assert_non_null(why);
	gorecords_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wide_records_are_read),
		cmocka_unit_test(narrow_records_are_read),
		cmocka_unit_test(before_a_collection_all_counts),
		cmocka_unit_test(no_record_is_none),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(impossible_counts_are_refused),
		cmocka_unit_test(a_half_record_is_read_again),
		cmocka_unit_test(a_stack_that_grows_is_refused),
		cmocka_unit_test(endless_records_end),
		cmocka_unit_test(a_process_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
