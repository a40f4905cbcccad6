/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intervals of a run: whatever they are joined to, and however a run is cut by time, the parts add up to the whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "record/gzip.h"
#include "report_fixture.h"
#include "view/sheet.h"

#define MS 1000000ULL
#define STACKS 7

static char said[512];

/* Of stacks that take turns; every seventh call is an estimate. Every 100 ms an interval ends. */
static void run(struct fixture *x, int intervals, bool alone)
{
	struct counters all = {0};

	for (uint32_t i = 0; i < STACKS; i++)
		ADD(x, x->task, 0, STACK_END_COMPLETE, 0, 0, frame(x, ZMALLOC, i), frame(x, MAIN, 1));
	for (int k = 1; k <= intervals; k++) {
		struct counters now = {0};

		if (alone)
			profile_reset(&x->p);
		for (uint32_t i = k % 3; i < STACKS; i += 2) {
			const struct counters c = {
				.bytes = 1009 * k + i, .calls = k % 11, .bytes_var = (k + i) % 7 ? 0 : 64 * k,
			};

			profile_add(&x->p, PROFILE_ALLOC, i, c);
			now = counters_add(now, c);
		}
		all = counters_add(all, now);
		profile_end_part(&x->p, k * 100 * MS, alone ? now : all, alone);
	}
	x->r.recorded = all;
	x->r.duration_ns = intervals * 100 * MS;
}

static void sum_parts(const struct profile *p, struct counters sums[STACKS], struct counters *recorded)
{
	for (size_t i = 0; i < p->parts.n; i++) {
		const struct profile_part *part = &p->parts.at[i];

		*recorded = counters_add(*recorded, part->recorded);
		for (size_t k = 0; k < part->sums.n; k++) {
			struct counters *sum = &sums[part->sums.at[k].stack];

			*sum = counters_add(*sum, part->sums.at[k].alloc);
		}
	}
}

static void check_same(struct counters a, struct counters b)
{
	assert_int_equal(a.bytes, b.bytes);
	assert_int_equal(a.calls, b.calls);
	assert_true(a.bytes_var == b.bytes_var);
}

/* Beyond 512, two neighbours are one: what they have stays, and all are as long. */
static void joined(void **state)
{
	struct fixture *x = *state;
	struct counters sums[STACKS] = {{0}}, recorded = {0};

	run(x, 1300, false);
	assert_in_range(x->p.parts.n, PROFILE_PARTS / 2, PROFILE_PARTS);
	sum_parts(&x->p, sums, &recorded);
	check_same(recorded, x->r.recorded);
	for (uint32_t i = 0; i < STACKS; i++)
		check_same(sums[i], profile_sum(&x->p, PROFILE_ALLOC, i));
	for (size_t i = 0; i + 1 < x->p.parts.n; i++)
		assert_int_equal(x->p.parts.at[i].until_ns, (i + 1) * 400 * MS);
	assert_int_equal(x->p.parts.at[x->p.parts.n - 1].until_ns, 130000 * MS);
}

/* Counters that begin anew with each interval make the same parts. */
static void alone(void **state)
{
	struct fixture *x = *state;
	struct counters sums[STACKS] = {{0}}, recorded = {0};

	run(x, 20, true);
	sum_parts(&x->p, sums, &recorded);
	check_same(recorded, x->r.recorded);
	assert_int_equal(x->p.parts.n, 20);
	check_same(x->p.parts.at[6].sums.at[0].alloc, (struct counters){.bytes = 7 * 1009 + 1, .calls = 7});
	/* The last report of such a run is of all of it. */
	for (uint32_t i = 0; i < STACKS; i++)
		*profile_at(&x->p, PROFILE_ALLOC, i) = sums[i];
	profile_end_part(&x->p, 2000 * MS, recorded, false);
	assert_int_equal(x->p.parts.at[20].sums.n, 0);
	assert_int_equal(x->p.parts.at[20].recorded.calls, 0);
}

static struct stored *read_time(const char *path, uint64_t from_ns, uint64_t until_ns, int want)
{
	struct stored *s = stored_new(&(struct stored_options){
		.timed = true, .from_ns = from_ns, .until_ns = until_ns,
	});

	memset(said, 0, sizeof(said));
	FILE *log = fmemopen(said, sizeof(said) - 1, "w");

	log_set_stream(log);
	assert_int_equal(stored_add(s, path), want);
	log_set_stream(stderr);
	fclose(log);
	return s;
}

static void write_to(const char *path, const struct recording *r)
{
	FILE *f = fopen(path, "w");

	assert_int_equal(record_write(f, r, VIEW_ALLOC, METRIC_BYTES), 0);
	fclose(f);
}

/* Also where a cut is in the midst of an interval. */
static void cut_by_time(void **state)
{
	static const uint64_t cuts[][4] = {
		{0, UINT64_MAX}, {0, 700 * MS, UINT64_MAX}, {0, 749 * MS, 1350 * MS, UINT64_MAX},
		{0, 60 * MS, 1999 * MS - 49 * MS, 2000 * MS},
	};
	struct fixture *x = *state;
	char path[] = "/tmp/alloctrace-test-XXXXXX";

	close(mkstemp(path));
	run(x, 20, false);
	write_to(path, &x->r);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct counters recorded = {0}, rows = {0};
		uint64_t duration_ns = 0;

		for (size_t k = 1; k < 4 && cuts[i][k]; k++) {
			struct stored *s = read_time(path, cuts[i][k - 1], cuts[i][k], 0);
			const struct recording *r = stored_recording(s);

			recorded = counters_add(recorded, r->recorded);
			rows = counters_add(rows, profile_total(r->profile, PROFILE_ALLOC));
			duration_ns += r->duration_ns;
			assert_int_equal(r->views, VIEW_BIT(VIEW_ALLOC));
			stored_free(s);
		}
		check_same(recorded, x->r.recorded);
		check_same(rows, profile_total(&x->p, PROFILE_ALLOC));
		assert_int_equal(duration_ns, 2000 * MS);
	}
	/* Rows are estimates, and of what was recorded there is more: shares are of that. */
	x->r.recorded.bytes += 1000;
	x->p.parts.at[6].recorded.bytes += 1000;
	x->r.account.unsampled = 5;
	write_to(path, &x->r);
	for (int k = 0; k < 2; k++) {
		struct stored *s = read_time(path, k * 1000 * MS, (k + 1) * 1000 * MS, 0);
		const struct counters rows = profile_total(stored_recording(s)->profile, PROFILE_ALLOC);
		struct sheet sheets[SHEETS_MAX];

		assert_int_equal(sheet_list(stored_recording(s), VIEW_BIT(VIEW_ALLOC), view_bys, NULL, METRIC_BYTES,
					    false, sheets), 1);
		sheet_fill(&sheets[0], 0);
		assert_int_equal(sheets[0].view.total.bytes, rows.bytes + (k ? 0 : 1000));
		sheet_free(&sheets[0]);
		stored_free(s);
	}
	unlink(path);
}

/* One interval exactly, by hand: the seventh, which stacks 1, 3 and 5 have. */
static void one_interval(void **state)
{
	struct fixture *x = *state;
	char path[] = "/tmp/alloctrace-test-XXXXXX";
	struct stored *s;

	close(mkstemp(path));
	run(x, 20, false);
	write_to(path, &x->r);
	s = read_time(path, 600 * MS, 700 * MS, 0);
	assert_int_equal(stored_recording(s)->recorded.bytes, 3 * 7 * 1009 + 1 + 3 + 5);
	assert_int_equal(stored_recording(s)->recorded.calls, 3 * 7);
	assert_int_equal(stored_recording(s)->duration_ns, 100 * MS);
	assert_string_equal(stored_recording(s)->missing, "600 ms to 700 ms of 2.00 s; losses, cost and all but what "
			    "was allocated are known of the whole run only");
	stored_free(s);
	/* The same file without a time is as it was, and keeps its intervals. */
	s = stored_new(&(struct stored_options){0});
	assert_int_equal(stored_add(s, path), 0);
	check_same(stored_recording(s)->recorded, x->r.recorded);
	assert_int_equal(stored_recording(s)->profile->parts.n, 20);
	/* Of two, nobody knows when each began. */
	assert_int_equal(stored_add(s, path), 0);
	assert_int_equal(stored_recording(s)->profile->parts.n, 0);
	stored_free(s);
	unlink(path);
}

static void check_refused(const char *path, uint64_t from_ns, uint64_t until_ns, const char *why)
{
	struct stored *s = read_time(path, from_ns, until_ns, -EINVAL);

	if (!strstr(said, why))
		fail_msg("%s, instead of %s", said, why);
	stored_free(s);
}

static void refused(void **state)
{
	struct fixture *x = *state;
	char path[] = "/tmp/alloctrace-test-XXXXXX";

	close(mkstemp(path));
	run(x, 20, false);
	write_to(path, &x->r);
	check_refused(path, 2000 * MS, UINT64_MAX, "nothing was recorded in that time: the recording ends at 2.00 s");
	check_refused(path, 610 * MS, 640 * MS, "shorter than the intervals of the recording, 100 ms on average");
	x->p.parts.at[3].sums.at[0].alloc.calls++;
	write_to(path, &x->r);
	check_refused(path, 0, UINT64_MAX, "its intervals do not add up to what sample");
	x->p.parts.at[3].sums.at[0].alloc.calls--;
	x->p.parts.at[3].until_ns = 1;
	write_to(path, &x->r);
	check_refused(path, 0, UINT64_MAX, "its intervals are not in order");
	profile_forget_parts(&x->p);
	write_to(path, &x->r);
	check_refused(path, 0, UINT64_MAX, "it was recorded without: record with --interval TIME");
	x->r.windows.scaled = true;
	write_to(path, &x->r);
	check_refused(path, 0, UINT64_MAX, "record with --max-overhead off --interval TIME");
	unlink(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(joined), TEST(alone), TEST(cut_by_time), TEST(one_interval), TEST(refused),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
