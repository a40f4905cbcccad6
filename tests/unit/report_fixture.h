/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small profile of a made-up server, and what the formats make of it, compared with tests/unit/golden/. */
#ifndef ALLOCTRACE_TESTS_REPORT_FIXTURE_H
#define ALLOCTRACE_TESTS_REPORT_FIXTURE_H

#include "base/text.h"
#include "fake_names.h"
#include "format/report.h"
#include "record/record.h"

static const char *const allocators[] = {"malloc", "calloc", "realloc"};

enum {
	START, MAIN, LOOP, HANDLE, SET, STRING, ZMALLOC, EXPAND, NEW, CREATE, INSERT, PARSE, GET, EVIL, WIDE, LONG,
};

struct fixture {
	struct modules modules;
	struct profile p;
	struct recording r;
	struct report_options o;
	uint32_t exe, libc, task, worker;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	modules_init(&x->modules);
	profile_init(&x->p, &x->modules, allocators, 3);
	x->exe = modules_file(&x->modules, "/usr/bin/server", 1, 1, -1, 1, false);
	x->libc = modules_file(&x->modules, "/lib/libc.so.6", 1, 2, -1, 1, false);
	x->task = profile_task(&x->p, 4711, 0, 0, "server");
	x->worker = profile_task(&x->p, 4711, 4715, 0, "worker");
	fake_functions[START] = "_start";
	fake_functions[MAIN] = "main";
	fake_functions[LOOP] = "event_loop";
	fake_functions[HANDLE] = "handle_request";
	fake_functions[SET] = "set_command";
	fake_functions[STRING] = "create_string";
	fake_functions[ZMALLOC] = "zmalloc";
	fake_functions[EXPAND] = "dict_expand";
	fake_functions[NEW] = "operator new(unsigned long)";
	fake_functions[CREATE] =
		"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::_M_create("
		"unsigned long&, unsigned long)";
	fake_functions[INSERT] =
		"std::map<std::string, int, std::less<std::string> >::insert(std::pair<std::string, int>)";
	fake_functions[PARSE] = "parse_value";
	fake_functions[GET] = "(anonymous namespace)::Cache::get(int) const";
	fake_functions[EVIL] = "evil\x1b[31m;na\nme";
	fake_functions[WIDE] = "日本語の関数名";
	x->r = (struct recording){
		.profile = &x->p,
		.names = fake_names_new(&x->modules),
		.views = VIEW_BIT(VIEW_KINDS) - 1,
		.threads = true,
		.target = "server (pid 4711)",
		.allocator = "glibc 2.36",
		.duration_ns = 10000000000,
	};
	x->o = (struct report_options){
		.views = VIEW_BIT(VIEW_ALLOC), .by = view_by_find("site"), .top = 30, .width = 80,
	};
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	fake_reset();
	fake_names_free(x->r.names);
	profile_free(&x->p);
	modules_free(&x->modules);
	free(x);
	return 0;
}

static uint32_t frame(struct fixture *x, int function, int offset)
{
	return profile_frame(&x->p, x->exe, FAKE(function) + offset);
}

#define ADD(x, task, function, end, bytes, calls, ...) \
	add(x, task, function, end, bytes, calls, (uint32_t[]){__VA_ARGS__}, \
	    sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void add(struct fixture *x, uint32_t task, int function, enum stack_end end, uint64_t bytes, uint64_t calls,
		const uint32_t *frames, size_t n)
{
	uint32_t stack = profile_stack(&x->p, task, function, frames, n, end);

	profile_add(&x->p, PROFILE_ALLOC, stack, (struct counters){.bytes = bytes, .calls = calls});
	x->r.recorded = x->r.seen = profile_total(&x->p, PROFILE_ALLOC);
}

__attribute__((unused)) static void add_server(struct fixture *x)
{
	ADD(x, x->task, 0, STACK_END_COMPLETE, 1342177280, 4123457, frame(x, ZMALLOC, 0x1b), frame(x, STRING, 0x23),
	    frame(x, SET, 4), frame(x, HANDLE, 9), frame(x, LOOP, 1), frame(x, MAIN, 1),
	    profile_frame(&x->p, x->libc, 0x271c9), frame(x, START, 1));
	ADD(x, x->task, 1, STACK_END_COMPLETE, 536870912, 4099, frame(x, ZMALLOC, 0x7b), frame(x, EXPAND, 0x23),
	    frame(x, SET, 9), frame(x, HANDLE, 9), frame(x, LOOP, 1), frame(x, MAIN, 1), frame(x, START, 1));
	ADD(x, x->worker, 0, STACK_END_CHAIN, 99999989, 1234577, frame(x, NEW, 0x1b), frame(x, CREATE, 0x23),
	    frame(x, INSERT, 4), frame(x, GET, 9), frame(x, MAIN, 1), frame(x, START, 1));
	ADD(x, x->worker, 0, STACK_END_DEPTH, 9999991, 1567, frame(x, NEW, 0x1b), frame(x, INSERT, 0x23),
	    frame(x, PARSE, 4), frame(x, PARSE, 4), frame(x, PARSE, 9), frame(x, PARSE, 1));
	ADD(x, x->task, 2, STACK_END_CHAIN, 7340033, 12007, profile_frame(&x->p, x->libc, 0x9d4c3));
	add(x, x->task, 0, STACK_END_LOST, 3000017, 701, NULL, 0);
	add(x, x->task, 0, STACK_END_UNREADABLE, 200003, 11, NULL, 0);
	ADD(x, x->task, 2, STACK_END_CHAIN, 100003, 13, frame(x, EVIL, 0x1b), frame(x, MAIN, 3));
	ADD(x, x->task, 2, STACK_END_CHAIN, 90001, 17, frame(x, WIDE, 0x1b), frame(x, MAIN, 3));
}

/* What a format prints, with ESC as U+241B, so that it can be read and compared. To be freed. */
static char *render_recording(struct fixture *x, const struct recording *r, const char *format)
{
	struct buf shown = {0};
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	names_start(r->names);
	assert_int_equal((x->o.list ? &report_format_list : report_format_find(format))->write(f, r, &x->o), 0);
	fclose(f);
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\033')
			buf_str(&shown, "\u241b");
		else
			buf_char(&shown, text[i]);
	}
	free(text);
	buf_str(&shown, "");
	return shown.data;
}

__attribute__((unused)) static char *render(struct fixture *x, const char *format)
{
	return render_recording(x, &x->r, format);
}

/* The recording as a file has it. */
__attribute__((unused)) static struct stored *through_a_file(struct fixture *x)
{
	char path[] = "/tmp/alloctrace-test-XXXXXX";
	struct stored *s = stored_new(&(struct stored_options){0});
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_int_equal(record_write(f, &x->r, VIEW_ALLOC, METRIC_BYTES), 0);
	fclose(f);
	assert_int_equal(stored_add(s, path), 0);
	unlink(path);
	return s;
}

/* What is read from a file looks as what was written to it. */
static inline void check_stored(struct fixture *x, const char *format, const char *want)
{
	struct stored *s = through_a_file(x);
	char *got = render_recording(x, stored_recording(s), format);

	assert_string_equal(got, want);
	free(got);
	stored_free(s);
}

static char *read_stream(FILE *f)
{
	struct buf b = {0};
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	buf_str(&b, "");
	return b.data;
}

static char *golden_dir(void)
{
	return xasprintf("%.*s/golden", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
}

/* Compares with the file golden/NAME.txt beside this one; with GOLDEN_UPDATE set, writes it (then look at git diff). */
static inline void check_golden_text(const char *got, const char *name)
{
	char *dir = golden_dir(), *path = xasprintf("%s/%s.txt", dir, name), *want;
	FILE *f;

	if (getenv("GOLDEN_UPDATE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	want = read_stream(f);
	fclose(f);
	assert_string_equal(got, want);
	free(dir);
	free(path);
	free(want);
}

/* The same of what a format makes of the recording, and of the recording read from a file. */
static inline void check_golden(struct fixture *x, const char *format, const char *name)
{
	char *got = render(x, format);

	check_golden_text(got, name);
	check_stored(x, format, got);
	free(got);
}

/* Every line of the table within the width, and none ends in a space. */
__attribute__((unused)) static void check_widths(struct fixture *x, size_t width)
{
	char *text = render(x, "table");

	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (text_width(line) > width)
			fail_msg("%zu columns, not %zu: %s", text_width(line), width, line);
		assert_true(end == line || end[-1] != ' ');
		assert_null(strstr(line, "\u241b"));
	}
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
