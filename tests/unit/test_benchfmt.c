/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go's benchmark format, read by a parser that takes only what its specification allows. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "report_fixture.h"

#define MAX_LINES 200
#define MAX_VALUES 4

struct line {
	char name[70000];	/* without "Benchmark" */
	unsigned long long iterations;
	size_t n;
	double value[MAX_VALUES];
	char unit[MAX_VALUES][32];
};

struct parsed {
	size_t n, n_config;
	char config[10][2][64];
	struct line line[MAX_LINES];
};

/* "key: value": the key begins with a lower case letter, and has no space and no capital letter. */
static void parse_config(char *s, struct parsed *p)
{
	char *colon = strchr(s, ':');

	assert_non_null(colon);
	assert_true(islower((unsigned char)*s));
	for (char *c = s; c < colon; c++)
		assert_true(*c > ' ' && *c < 0x7f && !isupper((unsigned char)*c));
	assert_true(colon[1] == ' ' || colon[1] == '\t');
	assert_true(p->n_config < 10);
	*colon = '\0';
	snprintf(p->config[p->n_config][0], 64, "%s", s);
	snprintf(p->config[p->n_config++][1], 64, "%s", colon + 2);
}

/* The next field, without white space; NULL: there is none. */
static char *field(char **at)
{
	static const char space[] = " \t\v\f\r";
	char *s = *at + strspn(*at, space), *end = s + strcspn(s, space);

	*at = *end ? end + 1 : end;
	*end = '\0';
	return *s ? s : NULL;
}

static unsigned long long whole_number(const char *s)
{
	assert_non_null(s);
	assert_true(*s && !s[strspn(s, "0123456789")] && strlen(s) < 19);
	return strtoull(s, NULL, 10);
}

static void parse_result(char *s, struct parsed *p)
{
	struct line *l = &p->line[p->n];
	char *text, *end;

	assert_true(p->n++ < MAX_LINES);
	assert_true(strlen(s) < 65536);
	text = field(&s);
	assert_true(!strncmp(text, "Benchmark", 9) && isupper((unsigned char)text[9]));
	for (char *c = text; *c; c++)
		assert_true(*c > ' ' && *c < 0x7f);
	snprintf(l->name, sizeof(l->name), "%s", text + 9);
	l->iterations = whole_number(field(&s));
	while ((text = field(&s))) {
		assert_true(l->n < MAX_VALUES);
		l->value[l->n] = strtod(text, &end);
		assert_true(end > text && !*end);
		text = field(&s);
		assert_non_null(text);
		assert_true(strlen(text) < 32);
		for (size_t i = 0; i < l->n; i++)
			assert_string_not_equal(l->unit[i], text);
		strcpy(l->unit[l->n++], text);
	}
	assert_true(l->n > 0);
}

/* Names are what the rows are told apart by, and none ends in a number of processors. */
static void check_names(const struct parsed *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *name = p->line[i].name, *dash = strrchr(name, '-'), *slash = strchr(name, '/');

		assert_true(!dash || !dash[1] || dash[1 + strspn(dash + 1, "0123456789")]);
		assert_true(slash || !strcmp(name, "Total") || !strcmp(name, "Rest"));
		assert_true(!slash || (!strchr(slash + 1, '/') && !strchr(name, '=')));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(name, p->line[k].name);
	}
}

static struct parsed *parse(const char *text)
{
	struct parsed *p = calloc(1, sizeof(*p));
	char *copy = strdup(text), *at = copy;

	for (char *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		assert_non_null(end);
		*end = '\0';
		if (!strncmp(at, "Benchmark", 9))
			parse_result(at, p);
		else
			parse_config(at, p);
	}
	check_names(p);
	free(copy);
	return p;
}

static struct parsed *render_parsed(struct fixture *x)
{
	char *text = render(x, "benchfmt");
	struct parsed *p = parse(text);

	check_stored(x, "benchfmt", text);
	free(text);
	return p;
}

/* What a name of a row stands for. */
static void decode(const char *name, char *out)
{
	unsigned int byte;

	for (name = strchr(name, '/') + 1; *name; name++) {
		if (*name == '%') {
			assert_int_equal(sscanf(name + 1, "%2x", &byte), 1);
			*out++ = byte;
			name += 2;
		} else {
			*out++ = *name == '~' ? ' ' : *name;
		}
	}
	*out = '\0';
}

static void benchfmt(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->r.ops = 1009;
	check_golden(x, "benchfmt", __func__);
	x->o.by = view_by_find("stack");
	x->o.top = 3;
	x->o.metric = METRIC_CALLS;
	check_golden(x, "benchfmt", "benchfmt_by_stack");
}

/* The lines add up to the total; without a number of operations, the run is one. */
static void lines_add_up(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	for (const struct view_by *by = view_bys; by->name; by++)
		for (int i = 0; i < 4; i++) {
			const double ops = i & 1 ? 7 : 1;
			double bytes = 0, calls = 0;
			struct parsed *p;

			x->o.by = by;
			x->o.top = i & 2 ? 2 : 0;
			x->r.ops = i & 1 ? 7 : 0;
			p = render_parsed(x);
			assert_string_equal(p->line[0].name, "Total");
			for (size_t k = 0; k < p->n; k++) {
				assert_int_equal(p->line[k].iterations, (int)ops);
				assert_int_equal(p->line[k].n, 2);
				assert_string_equal(p->line[k].unit[0], "B/op");
				assert_string_equal(p->line[k].unit[1], "allocs/op");
				bytes += k ? p->line[k].value[0] : 0;
				calls += k ? p->line[k].value[1] : 0;
			}
			assert_float_equal(bytes, x->r.recorded.bytes / ops, 1e-3);
			assert_float_equal(calls, x->r.recorded.calls / ops, 1e-3);
			assert_float_equal(p->line[0].value[0], bytes, 1e-3);
			assert_int_equal(!strcmp(p->line[p->n - 1].name, "Rest"), i & 2 && p->n == 4);
			assert_true(!(i & 2) || p->n <= 4);
			free(p);
		}
}

/* Each name leads back to the row's, and a row that has one's name is another line. */
static void names_are_unique(void **state)
{
	static const char *const names[] = {
		"main.(*Ledger).Rich", "a b~c", "a~b c", "path/to.f", "f=1", "worker-4715", "-", "-8", "f-8 ", "100%",
		"%41", "tab\there", "line\nend", "f#2", "f", "\xe6\x97\xa5", "\xff", "[a]-12-",
	};
	static char got[70000];
	struct fixture *x = *state;
	const size_t n = sizeof(names) / sizeof(names[0]);
	struct parsed *p;
	char *text;

	x->o.by = view_by_find("function");
	x->o.top = 0;
	x->r.ops = 1;
	for (size_t i = 0; i < n; i++) {
		fake_functions[i] = names[i];
		ADD(x, x->task, 0, STACK_END_COMPLETE, 1000 - i, 1, frame(x, i, 1));
	}
	text = render(x, "benchfmt");
	p = parse(text);
	free(text);
	assert_int_equal(p->n, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct symbol sym = {.function = names[i]};
		struct buf name = {0}, want = {0};

		assert_float_equal(p->line[i + 1].value[0], 1000 - i, 0);
		symbol_text(&sym, &name);
		text_escape(&want, buf_cstr(&name), name.len);
		decode(p->line[i + 1].name, got);
		assert_string_equal(got, buf_cstr(&want));
		buf_free(&name);
		buf_free(&want);
	}
	free(p);
}

/* Readers take no line of 64 KiB. What is cut off may be all that two rows differ by. */
static void long_names_are_cut(void **state)
{
	static char names[2][60001];
	struct fixture *x = *state;
	struct parsed *p;

	for (int i = 0; i < 2; i++) {
		memset(names[i], '/', 60000);
		names[i][59999] = '1' + i;
		fake_functions[i] = names[i];
		ADD(x, x->task, 0, STACK_END_COMPLETE, 30 - i, 1, frame(x, i, 1));
	}
	x->o.by = view_by_find("function");
	p = render_parsed(x);
	assert_int_equal(p->n, 3);
	assert_string_equal(p->line[1].name + strlen(p->line[1].name) - 5, "[...]");
	assert_string_equal(p->line[2].name + strlen(p->line[2].name) - 7, "[...]#2");
	free(p);
}

static void errors_are_measurements(void **state)
{
	struct fixture *x = *state;
	struct parsed *p;

	ADD(x, x->task, 0, STACK_END_COMPLETE, 1000, 10, frame(x, MAIN, 1));
	x->p.sums[PROFILE_ALLOC].at[0].bytes_var = 100 * 100;
	x->p.sums[PROFILE_ALLOC].at[0].calls_var = 4;
	x->r.ops = 10;
	p = render_parsed(x);
	assert_int_equal(p->line[0].n, 2);
	assert_int_equal(p->line[1].n, 4);
	assert_string_equal(p->line[1].unit[1], "stderr-B/op");
	assert_float_equal(p->line[1].value[1], 10, 1e-9);
	assert_string_equal(p->line[1].unit[3], "stderr-allocs/op");
	assert_float_equal(p->line[1].value[3], 0.2, 1e-9);
	free(p);
}

static void other_views_and_files(void **state)
{
	struct fixture *x = *state;
	struct parsed *p;
	char *text;

	add_server(x);
	profile_add(&x->p, PROFILE_LEAKS, 0, (struct counters){.bytes = 500, .calls = 5});
	x->p.generations = 1;
	x->o.views = VIEW_BIT(VIEW_LEAKS);
	x->r.ops = 5;
	x->r.missing = "all";
	text = render(x, "benchfmt");
	p = parse(text);
	free(text);
	assert_int_equal(p->n, 2);
	assert_int_equal(p->n_config, 2);
	assert_string_equal(p->config[0][0], "view");
	assert_string_equal(p->config[0][1], "leaks");
	assert_string_equal(p->line[0].unit[1], "blocks/op");
	assert_float_equal(p->line[0].value[0], 100, 0);
	assert_float_equal(p->line[1].value[1], 1, 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(benchfmt),
		TEST(lines_add_up),
		TEST(names_are_unique),
		TEST(long_names_are_cut),
		TEST(errors_are_measurements),
		TEST(other_views_and_files),
	};

	return cmocka_run_group_tests_name("benchfmt", tests, NULL, NULL);
}
