/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks of a whole host: what is one task, who they are to views, to recordings and to pprof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "host_fixture.h"
#include "record/gzip.h"
#include "record/stored.h"

/* --- the model */

static void what_one_task_is(void **state)
{
	struct fixture *x = *state;
	struct profile_task t = {.name = "nginx", .exe = "/usr/sbin/nginx", .user = "root", .cgroup = "/a",
				 .container = "docker:web"}, other;
	const uint32_t id = profile_task_like(&x->p, &t);
	const size_t n = x->p.tasks.n;

	other = t;
	other.cgroup = "/b";
	assert_int_not_equal(profile_task_like(&x->p, &other), id);
	other = t;
	other.user = NULL;
	assert_int_not_equal(profile_task_like(&x->p, &other), id);
	other = t;
	other.container = "docker:api";
	assert_int_not_equal(profile_task_like(&x->p, &other), id);
	other = t;
	other.exe = "/usr/bin/nginx";
	assert_int_not_equal(profile_task_like(&x->p, &other), id);
	other = t;
	other.name = "nginy";	/* of pid 0 it is part of what the task is */
	assert_int_not_equal(profile_task_like(&x->p, &other), id);
	assert_int_equal(x->p.tasks.n, n + 5);
	/* Texts are compared, not where they are; "" is nothing. */
	other = t;
	other.exe = strdup(t.exe);
	assert_int_equal(profile_task_like(&x->p, &other), id);
	free((char *)other.exe);
	assert_int_equal(profile_task_like(&x->p, &(struct profile_task){.name = "a", .user = "", .exe = ""}),
			 profile_task(&x->p, 0, 0, 0, "a"));
	assert_null(x->p.tasks.at[n + 5].user);
	assert_int_equal(x->p.tasks.n, n + 6);
}

static void a_process_takes_names(void **state)
{
	struct fixture *x = *state;
	struct profile_task t = {.pid = 77, .name = "sh", .exe = "/bin/sh", .inner_pid = 3};
	const uint32_t id = profile_task_like(&x->p, &t);

	t.name = "[?]";
	t.inner_pid = 0;
	assert_int_equal(profile_task_like(&x->p, &t), id);
	assert_string_equal(x->p.tasks.at[id].name, "\\x5b?]");
	assert_int_equal(x->p.tasks.at[id].inner_pid, 3);
	t.inner_pid = 77;	/* the same is none */
	assert_int_equal(profile_task_like(&x->p, &t), id);
	assert_int_equal(x->p.tasks.at[id].inner_pid, 0);
}

static void members(void **state)
{
	struct fixture *x = *state;
	uint32_t moved, thread, other;
	struct profile_members m;

	/* Tasks without stacks do not count. */
	profile_members_make(&x->p, &m);
	assert_int_equal(m.programs, 0);
	assert_false(m.outside);
	profile_members_free(&m);
	add_host(x);
	moved = profile_task_like(&x->p, &(struct profile_task){.pid = 4712, .name = "redis", .exe = "/usr/bin/redis"});
	thread = profile_task_like(&x->p, &(struct profile_task){.pid = 4712, .tid = 4713, .name = "bio",
								 .exe = "/usr/bin/redis"});
	other = profile_task_like(&x->p, &(struct profile_task){.pid = 4712, .tid = 4713, .name = "bio",
								.exe = "/other"});
	ADD(x, thread, 0, STACK_END_COMPLETE, 1, 1, frame(x, MAIN, 1));
	profile_members_make(&x->p, &m);
	assert_int_equal(m.programs, 4);
	assert_int_equal(m.containers, 2);
	assert_true(m.outside);
	assert_int_equal(m.leaders[0], 0);
	assert_int_equal(m.leaders[x->worker], x->task);
	/* Processes that are not told apart are nobody's threads. */
	for (uint32_t i = 2; i < 2 + HOST_TASKS; i++)
		assert_int_equal(m.leaders[i], i);
	/* The same process in another cgroup, and its thread; another program that has had its pid. */
	assert_int_equal(m.leaders[moved], 6);
	assert_int_equal(m.leaders[thread], 6);
	assert_int_equal(m.leaders[other], other);
	profile_members_free(&m);
}

/* --- rows */

static char *rows_of(const struct recording *r, const char *by)
{
	struct buf b = {0};
	struct view v;

	view_build(r, PROFILE_ALLOC, view_by_find(by), METRIC_BYTES, false, &v);
	for (size_t i = 0; i < v.n; i++)
		buf_printf(&b, "%s%s %llu", i ? "; " : "", v.rows[i].name, (unsigned long long)v.rows[i].flat.bytes);
	view_free(&v);
	return b.data;
}

static void check_rows(const struct recording *r, const char *by, const char *want)
{
	char *got = rows_of(r, by);

	assert_string_equal(got, want);
	free(got);
}

#define PROCESSES "unknown (all processes) 128000; redis (4712, inner 7) 64000; cc1 (all processes) 32000; " \
	"nginx (all processes) 28000"

static void rows(void **state)
{
	struct fixture *x = *state;
	uint32_t thread;

	add_host(x);
	check_rows(&x->r, "process", PROCESSES);
	check_rows(&x->r, "thread", PROCESSES);
	check_rows(&x->r, "program", "unknown 128000; redis 64000; cc1 32000; nginx 28000");
	check_rows(&x->r, "container", "(no container) 168000; docker:web 68000; docker:api 16000");
	check_rows(&x->r, "user", "(unknown user) 128000; 999 64000; builder 32000; 101 16000; www-data 12000");
	check_rows(&x->r, "cgroup", "(unknown cgroup) 128000; /system.slice/docker-ab.scope 68000; "
		   "/user.slice/user-1000.slice 32000; /system.slice/docker-cd.scope 16000; "
		   "/system.slice/nginx.service 8000");
	/* A process that has changed its user is one; so is its thread. */
	for (int i = 0; i < 2; i++) {
		thread = profile_task_like(&x->p, &(struct profile_task){
			.pid = 4712, .tid = 4713, .name = "bio", .exe = "/usr/bin/redis", .inner_pid = 8,
			.user = i ? "999" : "root", .container = "docker:web",
		});
		ADD(x, thread, 0, STACK_END_COMPLETE, 500000, 1, frame(x, MAIN, 1));
	}
	check_rows(&x->r, "thread", "bio (4712/4713, inner 8) 1000000; " PROCESSES);
	check_rows(&x->r, "process", "redis (4712, inner 7) 1064000; unknown (all processes) 128000; "
		   "cc1 (all processes) 32000; nginx (all processes) 28000");
}

static void goroutines(void **state)
{
	struct fixture *x = *state;
	uint32_t frames[] = {frame(x, MAIN, 1)};
	struct profile_stack like = {.type = profile_type(&x->p, x->exe, 5), .tag = profile_goroutine(&x->p, 17)};

	for (uint32_t i = 0; i < 2; i++) {
		like.task = i ? profile_task(&x->p, 0, 0, 0, "svc") : profile_task(&x->p, 9, 0, 0, "web");
		profile_add(&x->p, PROFILE_ALLOC, profile_stack_like(&x->p, like, frames, 1),
			    (struct counters){.bytes = 10 + i, .calls = 1});
	}
	check_rows(&x->r, "goroutine", "goroutine 17 of svc 11; goroutine 17 of web (9) 10");
}

/* --- the summary */

static void check_host_line(struct fixture *x, const char *want)
{
	char *text = render(x, "table"), *line = strstr(text, "\nhost       ");

	if (!want) {
		assert_null(line);
	} else {
		assert_non_null(line);
		line[1 + strlen(want)] = '\0';
		assert_string_equal(line + 1, want);
	}
	free(text);
}

/* What is 0 is left out. */
static void host_line(void **state)
{
	struct fixture *x = *state;

	x->o.width = 200;
	ADD(x, x->task, 0, STACK_END_COMPLETE, 10, 1, frame(x, MAIN, 1));
	check_host_line(x, NULL);
	x->r.host.wide = true;
	check_host_line(x, NULL);
	x->r.host.processes = 1;
	check_host_line(x, "host       1 process of 1 program\n");
	x->r.host.others_hits = 1;
	check_host_line(x, "host       1 process of 1 program; 1 probe hit of processes that are not selected\n");
	x->r.host.processes = 0;
	x->r.host.undecided = 3;
	check_host_line(x, "host       1 probe hit of processes that are not selected; "
			"3 calls of processes whose cgroup was not known yet\n");
	add_host(x);
	check_host_line(x, "host       812 processes of 5 programs in 2 containers and outside, 710 ended; "
			"12.3k probe hits of processes that are not selected\n");
	x->r.host = (struct recording_host){.wide = true, .processes = 2000, .new_files = 2};
	check_host_line(x, "host       2.00k processes of 5 programs in 2 containers and outside; "
			"2 files with an allocator first mapped meanwhile: the first calls are missing\n");
}

static void host_of_containers_alone(void **state)
{
	struct fixture *x = *state;
	char *text;

	ADD(x, profile_task_like(&x->p, &host_tasks[0]), 0, STACK_END_COMPLETE, 10, 1, frame(x, MAIN, 1));
	x->r.host = (struct recording_host){.wide = true, .processes = 2, .selection = "--container web"};
	check_host_line(x, "host       2 processes of 1 program in 1 container\n");
	text = render(x, "table");
	assert_non_null(strstr(text, "target     --container web, glibc 2.36, 10.0 s\n"));
	free(text);
}

/* In the unit of --max-overhead. */
static void cost_of_a_host(void **state)
{
	struct fixture *x = *state;
	char *text;

	x->r.hits = 100;
	x->r.cost_ns = 2e9;
	x->r.host = (struct recording_host){.wide = true};
	text = render(x, "table");
	assert_non_null(strstr(text, "cost       about 2.00 s (20.0 % of the duration): 100 probe hits\n"));
	free(text);
	x->r.host.cpus = 4;
	text = render(x, "table");
	assert_non_null(strstr(text, "cost       about 2.00 s (5.0 % of 4 CPUs): 100 probe hits\n"));
	free(text);
	x->r.host.cpus = 1;
	text = render(x, "table");
	assert_non_null(strstr(text, "cost       about 2.00 s (20.0 % of 1 CPU): 100 probe hits\n"));
	free(text);
}

/* --- folded stacks */

static void check_folded(struct fixture *x, const char *want)
{
	char *text = render(x, "folded");

	assert_string_equal(text, want);
	free(text);
}

static void folded_heads(void **state)
{
	struct fixture *x = *state;
	uint32_t odd;
	char *text;

	add_host(x);
	check_folded(x,
		     "cc1;main;create_string;malloc 24000\n"
		     "cc1;main;parse_value;malloc 8000\n"
		     "docker:api;nginx;main;create_string;malloc 12000\n"
		     "docker:api;nginx;main;parse_value;malloc 4000\n"
		     "docker:web;nginx;main;create_string;malloc 3000\n"
		     "docker:web;nginx;main;parse_value;malloc 1000\n"
		     "docker:web;redis;main;create_string;malloc 48000\n"
		     "docker:web;redis;main;parse_value;malloc 16000\n"
		     "nginx;main;create_string;malloc 6000\n"
		     "nginx;main;parse_value;malloc 2000\n"
		     "unknown;main;create_string;malloc 96000\n"
		     "unknown;main;parse_value;malloc 32000\n");
	text = render(x, "folded");
	check_stored(x, "folded", text);
	free(text);
	/* A program that is called as a container, and what it runs as a program: one line of both. */
	profile_reset(&x->p);
	odd = profile_task_like(&x->p, &(struct profile_task){.name = "docker:web"});
	fake_functions[GET] = "nginx";
	ADD(x, odd, 0, STACK_END_COMPLETE, 1, 1, frame(x, STRING, 1), frame(x, MAIN, 1), frame(x, GET, 1));
	ADD(x, 2, 0, STACK_END_COMPLETE, 20, 1, frame(x, STRING, 1), frame(x, MAIN, 1));
	ADD(x, 2, 0, STACK_END_COMPLETE, 100, 1, frame(x, STRING, 1), frame(x, HANDLE, 1));
	ADD(x, 2, 0, STACK_END_COMPLETE, 500, 1, frame(x, SET, 1), frame(x, MAIN, 1));
	check_folded(x,
		     "docker:web;nginx;handle_request;create_string;malloc 100\n"
		     "docker:web;nginx;main;create_string;malloc 21\n"
		     "docker:web;nginx;main;set_command;malloc 500\n");
}

/* One program in one container: as ever. */
static void folded_head_of_one(void **state)
{
	struct fixture *x = *state;

	ADD(x, profile_task_like(&x->p, &host_tasks[0]), 0, STACK_END_COMPLETE, 10, 1, frame(x, MAIN, 1));
	check_folded(x, "nginx;main;malloc 10\n");
	x->o.by = view_by_find("thread");
	check_folded(x, "nginx;main;malloc 10\n");
	ADD(x, x->worker, 0, STACK_END_COMPLETE, 7, 1, frame(x, MAIN, 1));
	check_folded(x, "docker:web;nginx;main;malloc 10\nserver;worker-4715;main;malloc 7\n");
	x->o.by = view_by_find("program");
	check_folded(x, "docker:web;nginx;main;malloc 10\nserver;main;malloc 7\n");
	x->o.then = view_by_find("thread");
	check_folded(x, "docker:web;nginx;main;malloc 10\nserver;worker-4715;main;malloc 7\n");
}

/* --- recordings */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void check_task(const struct profile *p, const struct profile_task *want)
{
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct profile_task *t = &p->tasks.at[i];

		if (t->pid == want->pid && t->tid == want->tid && t->exec == want->exec &&
		    t->inner_pid == want->inner_pid && same_text(t->name, want->name) && same_text(t->exe, want->exe) &&
		    same_text(t->user, want->user) && same_text(t->cgroup, want->cgroup) &&
		    same_text(t->container, want->container))
			return;
	}
	fail_msg("no task %s", want->name);
}

static void tasks_in_a_file(void **state)
{
	struct fixture *x = *state;
	const struct recording *r;
	struct stored *s;

	add_host(x);
	x->r.host.undecided = 3;
	x->r.host.new_files = 2;
	s = through_a_file(x);
	r = stored_recording(s);
	assert_int_equal(r->profile->tasks.n, HOST_TASKS);
	for (size_t i = 0; i < HOST_TASKS; i++)
		check_task(r->profile, &host_tasks[i]);
	assert_true(r->host.wide);
	assert_string_equal(r->host.selection, "every process");
	assert_int_equal(r->host.processes, 812);
	assert_int_equal(r->host.ended, 710);
	assert_int_equal(r->host.others_hits, 12345);
	assert_int_equal(r->host.undecided, 3);
	assert_int_equal(r->host.new_files, 2);
	assert_true(r->host.cpus == 8);
	stored_free(s);
}

static struct buf written(const struct recording *r)
{
	struct buf packed = {0}, plain = {0};
	FILE *f = open_memstream(&packed.data, &packed.len);

	assert_int_equal(record_write(f, r, VIEW_ALLOC, METRIC_BYTES), 0);
	fclose(f);
	f = fmemopen(packed.data, packed.len, "r");
	assert_int_equal(gzip_read(f, 1 << 24, &plain), 0);
	fclose(f);
	free(packed.data);
	return plain;
}

/* The file that cli/report and cli/pprof read, as this version or one before wrote it (GOLDEN_UPDATE: as this one). */
static void the_example(void **state)
{
	struct fixture *x = *state;
	struct stored *s = stored_new(&(struct stored_options){0});
	char *dir = golden_dir(), *path = xasprintf("%s/../../recordings/host.pb.gz", dir), *want, *got;

	add_host(x);
	if (getenv("GOLDEN_UPDATE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_int_equal(record_write(f, &x->r, VIEW_ALLOC, METRIC_BYTES), 0);
		fclose(f);
	}
	assert_int_equal(stored_add(s, path), 0);
	for (const struct view_by *by = view_bys; by->name; by++) {
		x->o.by = by;
		want = render(x, "table");
		got = render_recording(x, stored_recording(s), "table");
		assert_string_equal(got, want);
		free(want);
		free(got);
	}
	stored_free(s);
	free(path);
	free(dir);
}

static void runs_add_up(void **state)
{
	struct fixture *x = *state;
	struct stored *s = stored_new(&(struct stored_options){0});
	const struct recording *r;
	struct buf data;

	add_host(x);
	for (int i = 0; i < 3; i++) {
		x->r.host.wide = i > 0;
		x->r.host.cpus = i > 0 ? 8 : 0;
		x->r.target = i > 0 ? "every process" : "server (pid 1)";
		x->r.host.selection = i > 1 ? "--comm make" : "every process";
		data = written(&x->r);
		assert_int_equal(stored_add_data(s, "some", data.data, data.len), 0);
		buf_free(&data);
	}
	r = stored_recording(s);
	assert_true(r->host.wide);
	assert_string_equal(r->host.selection, "server (pid 1) + every process + --comm make");
	assert_int_equal(r->host.processes, 2 * 812);
	assert_int_equal(r->host.others_hits, 2 * 12345);
	/* The first is none of a host. */
	assert_true(r->host.cpus == 0);
	assert_int_equal(r->profile->tasks.n, HOST_TASKS);
	check_rows(r, "program", "unknown 384000; redis 192000; cc1 96000; nginx 84000");
	stored_free(s);
}

/* In whatever order tasks came. */
static void equal_files(void **state)
{
	struct fixture *x = *state;
	struct buf a, b;
	struct profile other;
	struct recording r;

	add_host(x);
	profile_init(&other, &x->modules, allocators, 3);
	for (size_t i = HOST_TASKS; i-- > 0;)
		profile_task_like(&other, &host_tasks[i]);
	for (size_t i = 0; i < x->p.stacks.n; i++) {
		const struct profile_stack *st = &x->p.stacks.at[i];
		uint32_t frames[4], task = profile_task_like(&other, &x->p.tasks.at[st->task]);
		size_t depth = profile_stack_frames(&x->p, i, frames, 4);

		for (size_t k = 0; k < depth; k++)
			frames[k] = profile_frame(&other, x->exe, x->p.frames.at[frames[k]].addr);
		profile_add(&other, PROFILE_ALLOC, profile_stack(&other, task, st->function, frames, depth, st->end),
			    profile_sum(&x->p, PROFILE_ALLOC, i));
	}
	assert_int_equal(other.tasks.n, HOST_TASKS);
	r = x->r;
	r.profile = &other;
	a = written(&x->r);
	b = written(&r);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_free(&a);
	buf_free(&b);
	profile_free(&other);
}

/* What another program leaves of it: labels. */
static struct buf without_ours(const struct recording *r)
{
	struct buf data = written(r), out = {0};
	Pb__Profile *m = pb__profile__unpack(NULL, data.len, (uint8_t *)data.data);

	assert_non_null(m);
	pb__recording__free_unpacked(m->alloctrace, NULL);
	m->alloctrace = NULL;
	out.len = pb__profile__get_packed_size(m);
	out.data = malloc(out.len);
	pb__profile__pack(m, (uint8_t *)out.data);
	pb__profile__free_unpacked(m, NULL);
	buf_free(&data);
	return out;
}

static void labels(void **state)
{
	struct fixture *x = *state;
	struct stored *s = stored_new(&(struct stored_options){0});
	const struct recording *r;
	struct buf data;

	add_host(x);
	data = without_ours(&x->r);
	assert_int_equal(stored_add_data(s, "some", data.data, data.len), 0);
	free(data.data);
	r = stored_recording(s);
	assert_non_null(r->missing);
	check_rows(r, "process", "unknown (all processes) 128000; redis (4712) 64000; cc1 (all processes) 32000; "
		   "nginx (all processes) 28000");
	check_rows(r, "container", "(no container) 168000; docker:web 68000; docker:api 16000");
	check_rows(r, "user", "(unknown user) 128000; 999 64000; builder 32000; 101 16000; www-data 12000");
	check_rows(r, "cgroup", "(unknown cgroup) 128000; /system.slice/docker-ab.scope 68000; "
		   "/user.slice/user-1000.slice 32000; /system.slice/docker-cd.scope 16000; "
		   "/system.slice/nginx.service 8000");
	stored_free(s);
}

/* The key of each label of the only sample, and of each but the last a space. */
static void check_labels(const struct recording *r, const char *want)
{
	struct buf data = written(r), got = {0};
	Pb__Profile *m = pb__profile__unpack(NULL, data.len, (uint8_t *)data.data);

	assert_int_equal(m->n_sample, 1);
	for (size_t i = 0; i < m->sample[0]->n_label; i++)
		buf_printf(&got, "%s%s", i ? " " : "", m->string_table[m->sample[0]->label[i]->key]);
	assert_string_equal(buf_cstr(&got), want);
	pb__profile__free_unpacked(m, NULL);
	buf_free(&data);
	buf_free(&got);
}

/* None where there is nothing to say. */
static void fewer_labels(void **state)
{
	struct fixture *x = *state;

	ADD(x, x->task, 0, STACK_END_COMPLETE, 10, 1, frame(x, MAIN, 1));
	check_labels(&x->r, "allocator pid bytes");
	x->r.host.wide = true;
	check_labels(&x->r, "allocator pid program bytes");
	x->p.tasks.at[x->task].pid = 0;
	check_labels(&x->r, "allocator program bytes");
	x->r.host.wide = false;
	check_labels(&x->r, "allocator bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_one_task_is), TEST(a_process_takes_names), TEST(members), TEST(rows), TEST(goroutines),
		TEST(host_line), TEST(host_of_containers_alone), TEST(cost_of_a_host), TEST(folded_heads),
		TEST(folded_head_of_one), TEST(tasks_in_a_file), TEST(the_example), TEST(runs_add_up),
		TEST(equal_files), TEST(labels), TEST(fewer_labels),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
