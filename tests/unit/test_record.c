/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record/: what is read is what was written, for every view and grouping; files of others; damaged files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/memlimit.h"
#include "record/gzip.h"
#include "report_fixture.h"

#define SECOND 1000000000ULL

static char said[1024];

static FILE *listening;

static void listen_to_log(void)
{
	memset(said, 0, sizeof(said));
	listening = fmemopen(said, sizeof(said) - 1, "w");
	log_set_stream(listening);
}

static void listen_no_more(void)
{
	log_set_stream(stderr);
	fclose(listening);
}

/* Something of every kind, sampled. */
static void fill(struct fixture *x)
{
	static const struct symbol outer = {.function = "outer", .module = "server", .file = "/src/o.c", .line = 77};
	static const uint64_t marks[] = {SECOND, 3 * SECOND};
	static const struct recording_count losses[] = {{"stack table full (--max-stacks)", 12}};
	static const struct recording_count ends[] = {{"depth limit", 1567}, {"stack memory not readable", 11}};
	static const struct suppression suppressions[] = {{"^png_", {.bytes = 1009, .calls = 1}}};

	add_server(x);
	fake_into[PARSE] = &outer;
	fake_files[SET] = "/src/set.c";
	for (uint32_t i = 0; i < x->p.stacks.n; i++) {
		for (int kind = 1; kind < PROFILE_KINDS; kind++)
			profile_add(&x->p, kind, i, (struct counters){
				.bytes = 1009 * (i + 3) / (kind + 1), .calls = 11 * (i + 5) / (kind + 1),
				.bytes_var = i % 2 ? 97.5 * (kind + i) : 0, .calls_var = i % 2 ? 3.25 * kind : 0,
			});
		profile_add_age(&x->p, i, 100 * SECOND + i * 77777777);
		profile_add_hist(&x->p, PROFILE_SIZES, i, 5 + i, 12.5);
		profile_add_hist(&x->p, PROFILE_LIFETIMES, i, 15 + i, 3);
		profile_add_hist(&x->p, PROFILE_SIZES, i, 4, 2);
	}
	x->p.now_ns = 120 * SECOND;
	profile_remember(&x->p);
	profile_add(&x->p, PROFILE_LIVE, 2, (struct counters){.bytes = 50000, .calls = 3});
	profile_remember(&x->p);
	profile_add(&x->p, PROFILE_LIVE, 0, (struct counters){.bytes = 70000, .calls = 3});
	x->p.first_generation = 1;
	x->p.generations = 2;
	x->p.ended_blocks = 5;
	x->r.heap = (struct recording_heap){
		.peak_bytes = 76546048, .peak_ns = 32 * SECOND / 10,
		.frees = 5362011, .frees_unknown = 34, .replaced = 2,
		.ended_blocks = 5, .unfollowed = 9, .min_age_ns = 5 * SECOND, .temp_age_ns = 1000000,
		.marks_ns = marks, .n_marks = 2,
	};
	x->r.account = (struct recording_account){
		.seen = 5376549, .recorded = 5000000, .filtered = 76537,
		.unsampled = 300000, .lost = 12, .checked = true,
	};
	x->r.seen.calls = 5376549;
	x->r.ops = 1009;
	x->r.sample_mean = 4096;
	x->r.sample_calls = 17.5;
	x->r.sample_auto = true;
	x->r.exact_calls = 250000;
	x->r.gaps = "plugin.so: its text is writable";
	x->r.filtered = 76537;
	x->r.failed = 3;
	x->r.nested = 99;
	x->r.losses = losses;
	x->r.n_losses = 1;
	x->r.ends = ends;
	x->r.n_ends = 2;
	x->r.uncertain = 120;
	x->r.suppressions = suppressions;
	x->r.n_suppressions = 1;
	x->r.cost_ns = 2.5e9;
	x->r.hit_ns = 551.25;
	x->r.hits = 4560000;
	x->r.time_ns = 1700000000 * SECOND;
}

static void every_view_and_grouping(void **state)
{
	struct fixture *x = *state;
	struct stored *s;

	fill(x);
	s = through_a_file(x);
	x->o.width = 200;
	for (int view = 0; view < VIEW_KINDS; view++)
		for (const struct view_by *by = view_bys; by->name; by++)
			for (int how = 0; how < 4; how++) {
				char *want, *got;

				x->o.views = VIEW_BIT(view);
				x->o.by = by;
				x->o.metric = how & 1 ? METRIC_CALLS : METRIC_BYTES;
				x->o.cum = how & 2;
				want = render(x, "table");
				got = render_recording(x, stored_recording(s), "table");
				assert_string_equal(got, want);
				free(want);
				free(got);
			}
	stored_free(s);
}

static void every_folded(void **state)
{
	struct fixture *x = *state;

	fill(x);
	for (int view = 0; view < VIEW_KINDS; view++) {
		x->o.views = VIEW_BIT(view);
		if (!view_kinds[view].histogram) {
			char *want = render(x, "folded");

			check_stored(x, "folded", want);
			free(want);
		}
	}
}

static void probes_in_windows(void **state)
{
	struct fixture *x = *state;
	char *want;

	fill(x);
	x->r.windows = (struct recording_windows){
		.scaled = true, .n = 12, .share = 0.0413, .error = 0.023, .load = 0.54,
		.by = "the target's messages", .slowdown = 1.5, .limit = 5,
	};
	x->r.sampler = (struct recording_sampler){
		.samples = 2021, .rate = 524288, .from_ns = SECOND / 7, .until_ns = SECOND, .used = true,
	};
	x->r.interval = 3;
	x->r.delta = true;
	want = render(x, "table");
	check_stored(x, "table", want);
	free(want);
}

static char *bytes_of(const struct recording *r, size_t *size)
{
	char *data;
	FILE *f = open_memstream(&data, size);

	assert_int_equal(record_write(f, r, VIEW_LIVE, METRIC_CALLS), 0);
	fclose(f);
	return data;
}

/* The order in which stacks came does not show. */
static void equal_data_make_equal_files(void **state)
{
	struct fixture *x = *state;
	struct profile other;
	struct recording r;
	size_t n, m;
	char *a, *b;

	add_server(x);
	profile_init(&other, &x->modules, allocators, 3);
	for (size_t i = x->p.stacks.n; i-- > 0;) {
		const struct profile_stack *st = &x->p.stacks.at[i];
		const struct profile_task *t = &x->p.tasks.at[st->task];
		uint32_t frames[16], task = profile_task(&other, t->pid, t->tid, t->exec, t->name);
		size_t depth = profile_stack_frames(&x->p, i, frames, 16);

		for (size_t k = depth; k-- > 0;)
			frames[k] = profile_frame(&other, x->p.frames.at[frames[k]].module,
						  x->p.frames.at[frames[k]].addr);
		profile_add(&other, PROFILE_ALLOC, profile_stack(&other, task, st->function, frames, depth, st->end),
			    profile_sum(&x->p, PROFILE_ALLOC, i));
	}
	r = x->r;
	r.profile = &other;
	a = bytes_of(&x->r, &n);
	b = bytes_of(&r, &m);
	assert_int_equal(n, m);
	assert_memory_equal(a, b, n);
	free(a);
	free(b);
	profile_free(&other);
}

static void several_files_add_up(void **state)
{
	struct fixture *x = *state;
	char path[] = "/tmp/alloctrace-test-XXXXXX";
	struct stored *s = stored_new(&(struct stored_options){0});
	FILE *f = fdopen(mkstemp(path), "w");
	const struct recording *r;

	fill(x);
	assert_int_equal(record_write(f, &x->r, VIEW_ALLOC, METRIC_BYTES), 0);
	fclose(f);
	assert_int_equal(stored_add(s, path), 0);
	assert_int_equal(stored_add(s, path), 0);
	unlink(path);
	r = stored_recording(s);
	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		struct counters one = profile_total(&x->p, kind), two = profile_total(r->profile, kind);

		assert_int_equal(two.bytes, 2 * one.bytes);
		assert_int_equal(two.calls, 2 * one.calls);
		assert_float_equal(two.bytes_var, 2 * one.bytes_var, 1e-6);
	}
	assert_int_equal(r->profile->stacks.n, x->p.stacks.n);
	assert_int_equal(r->seen.calls, 2 * x->r.seen.calls);
	assert_int_equal(r->duration_ns, 2 * x->r.duration_ns);
	assert_int_equal(r->n_losses, 1);
	assert_int_equal(r->losses[0].n, 24);
	assert_string_equal(r->target, "server (pid 4711)");
	assert_int_equal(r->ops, 2 * 1009);
	stored_free(s);
}

/* Shown as integers of 64 bits, as the sum of many files is. */
static void numbers_beyond_integers(void **state)
{
	struct fixture *x = *state;
	char path[] = "/tmp/alloctrace-test-XXXXXX";
	struct stored *s = stored_new(&(struct stored_options){0});
	FILE *f = fdopen(mkstemp(path), "w");
	const struct recording *r;

	fill(x);
	x->r.cost_ns = x->r.hit_ns = x->r.sample_calls = 2e243;
	assert_int_equal(record_write(f, &x->r, VIEW_ALLOC, METRIC_BYTES), 0);
	fclose(f);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(stored_add(s, path), 0);
		r = stored_recording(s);
		assert_true(r->cost_ns == 1e18);
		assert_true(r->hit_ns > 0 && r->hit_ns <= 1e18);
		assert_true(r->sample_calls > 0 && r->sample_calls <= 1e18);
	}
	unlink(path);
	stored_free(s);
}

static struct buf decompressed(const char *data, size_t size)
{
	struct buf out = {0};
	FILE *f = fmemopen((char *)data, size, "r");

	assert_int_equal(gzip_read(f, 1 << 24, &out), 0);
	fclose(f);
	return out;
}

/* Cut off at every byte, compressed and not: an error that names the file, never a wrong sum. */
static void cut_off(void **state)
{
	struct fixture *x = *state;
	struct buf plain;
	size_t size, whole = 0;
	char *data;

	ADD(x, x->task, 0, STACK_END_COMPLETE, 4096, 3, frame(x, ZMALLOC, 0x1b), frame(x, MAIN, 1));
	data = bytes_of(&x->r, &size);
	plain = decompressed(data, size);
	for (size_t n = 0; n < size; n++) {
		FILE *f = fmemopen(data, n ? n : 1, "r");
		struct buf out = {0};

		if (n > 2)
			assert_int_equal(gzip_read(f, 1 << 24, &out), -EBADMSG);
		fclose(f);
		buf_free(&out);
	}
	for (size_t n = 0; n < plain.len; n++) {
		struct stored *s = stored_new(&(struct stored_options){0});
		char *part = malloc(n + 1);

		memcpy(part, plain.data, n);
		listen_to_log();
		if (stored_add_data(s, "cut.pb.gz", part, n)) {
			fflush(listening);
			assert_non_null(strstr(said, "cut.pb.gz: "));
		} else {
			/* A cut between two fields may leave a profile, of fewer of them. */
			struct counters c = profile_total(stored_recording(s)->profile, PROFILE_ALLOC);

			assert_true(counters_none(c) || (c.bytes == 4096 && c.calls == 3));
			whole++;
		}
		listen_no_more();
		free(part);
		stored_free(s);
	}
	assert_true(whole < 40);
	buf_free(&plain);
	free(data);
}

static void bomb(void **state)
{
	static const char zeros[1 << 20];
	char path[] = "/tmp/alloctrace-test-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct stored *s = stored_new(&(struct stored_options){0});

	for (int i = 0; i < 64; i++)
		assert_int_equal(gzip_write(f, zeros, sizeof(zeros)), 0);
	fclose(f);
	memlimit_set(64 << 20);
	listen_to_log();
	assert_int_equal(stored_add(s, path), -EFBIG);
	fflush(listening);
	assert_non_null(strstr(said, path));
	assert_non_null(strstr(said, "--max-memory"));
	memlimit_set(MEMLIMIT_DEFAULT);
	listen_no_more();
	unlink(path);
	stored_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_view_and_grouping), TEST(every_folded), TEST(probes_in_windows),
		TEST(equal_data_make_equal_files), TEST(several_files_add_up), TEST(numbers_beyond_integers),
		TEST(cut_off), TEST(bomb),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
