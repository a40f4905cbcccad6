/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "options_fixture.h"

/* What `write` prints; to be freed. */
static char *printed(void (*write)(FILE *f))
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	write(f);
	fclose(f);
	return text;
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0, len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += len)
		n += strchr(" |)\n", p[len]) != NULL;
	return n;
}

static void help_fits_a_screen(void **state)
{
	char *text = printed(options_help);
	size_t lines = 0;

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++)
		if (end - line > 80)
			fail_msg("wider than 80 columns: %.*s", (int)(end - line), line);
	assert_true(lines <= 24);
	assert_null(strstr(text, "%s"));
	free(text);
}

static void help_has_every_option_once(void **state)
{
	char *text = printed(options_help), spelling[80];
	size_t rows = 0, lines = 0;

	for (size_t i = 0; i < n_commands; i++)
		rows += commands[i].usage && !commands[i].joined;
	for (const struct option_row *row = option_rows; row->name; row++) {
		snprintf(spelling, sizeof(spelling), " --%s", row->name);
		assert_int_equal(count(text, spelling), row->section != SECTION_HIDDEN && !row->man_only);
		rows += row->section != SECTION_HIDDEN && !row->man_only;
		if (!row->letter)
			continue;
		snprintf(spelling, sizeof(spelling), " -%c, --%s", row->letter, row->name);
		assert_int_equal(count(text, spelling), 1);
	}
	for (char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, rows);
	free(text);
}

static void completion_has_every_option(void **state)
{
	char *text = printed(options_completion), spelling[80];
	const struct choice *c;

	for (const struct option_row *row = option_rows; row->name; row++) {
		snprintf(spelling, sizeof(spelling), "--%s", row->name);
		assert_int_equal(count(text, spelling) > 0, row->section != SECTION_HIDDEN);
		if (row->section == SECTION_HIDDEN || !row->choices)
			continue;
		for (size_t i = 0; (c = option_choice(row, i)); i++)
			assert_non_null(strstr(text, c->name));
	}
	free(text);
}

static void man_has_every_option(void **state)
{
	static const char *const sections[] = { "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "OUTPUT", "EXIT STATUS",
						"SIGNALS", "EXAMPLES", "LIMITS", "SEE ALSO" };
	char *text = printed(options_man), tag[80];

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		snprintf(tag, sizeof(tag), "\n.SH %s\n", sections[i]);
		assert_non_null(strstr(text, tag));
	}
	for (const struct option_row *row = option_rows; row->name; row++) {
		char name[40] = "", *to = name;

		for (const char *p = row->name; *p; p++)
			to += sprintf(to, *p == '-' ? "\\-" : "%c", *p);
		snprintf(tag, sizeof(tag), "\\-\\-%s\\fR%s%s%s", name, row->arg ? " \\fI" : "",
			 row->arg ? row->arg : "", row->arg ? "\\fR\n" : "\n");
		assert_int_equal(strstr(text, tag) != NULL, row->section != SECTION_HIDDEN);
	}
	free(text);
}

/* The table itself: no letter twice, limits and defaults that the parser takes. */
static void rows_are_sound(void **state)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		const bool number = row->kind == OPTION_NUMBER || row->kind == OPTION_SIZE ||
				    row->kind == OPTION_TIME || row->kind == OPTION_PERCENT ||
				    row->kind == OPTION_DECIMAL;
		const char *with = row->commands == FOR_DIFF || row->commands == FOR_COMPARISONS ? "diff x y" :
				   row->commands == FOR_TREND ? "trend x" : "-p 1 --view leaks,temp";
		char line[200];
		struct options o;

		assert_true(number == (row->least && row->most));
		assert_true((row->kind == OPTION_CHOICE || row->kind == OPTION_CHOICES ||
			     row->kind == OPTION_PAIR) ==
			    (row->set_choice && row->choices && row->choice_size));
		assert_true((row->kind == OPTION_PAIR) == (row->set_second != NULL));
		assert_true((row->kind == OPTION_FLAG || row->kind == OPTION_FLAG_OFF) == !row->arg);
		if (row->section != SECTION_HIDDEN) {
			assert_non_null(row->help);
			assert_non_null(row->man);
		}
		for (const struct option_row *other = option_rows; other < row; other++) {
			assert_true(!row->letter || row->letter != other->letter);
			assert_string_not_equal(row->name, other->name);
		}
		if (!number)
			continue;
		snprintf(line, sizeof(line), "%s --%s %s", with, row->name, row->least);
		accept(line, &o);
		snprintf(line, sizeof(line), "%s --%s %s", with, row->name, row->most);
		accept(line, &o);
	}
}

/* Runs LINE with stdout going to `path`; returns what options_parse does. */
static int parse_to(const char *line, const char *path)
{
	int out = dup(STDOUT_FILENO), fd = open(path, O_WRONLY | O_TRUNC), result;
	struct options o;

	assert_true(out >= 0 && fd >= 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	result = parse(line, &o);
	dup2(out, STDOUT_FILENO);
	close(fd);
	close(out);
	return result;
}

static void check_first_line(const char *path, const char *want)
{
	char line[200] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_string_equal(line, want);
}

static void prints_instead(void **state)
{
	char path[] = "/tmp/test_options.XXXXXX";

	close(mkstemp(path));
	assert_int_equal(parse_to("-p 1 --help --nonsense", path), 1);
	check_first_line(path, "Usage: alloctrace [record] [OPTIONS] { -a | -p PID[,...] | [--] CMD [ARG...] }\n");
	assert_int_equal(parse_to("check -h", path), 1);
	check_first_line(path, "Usage: alloctrace [record] [OPTIONS] { -a | -p PID[,...] | [--] CMD [ARG...] }\n");
	assert_int_equal(parse_to("-V", path), 1);
	check_first_line(path, "alloctrace " ALLOCTRACE_VERSION "\n");
	assert_int_equal(parse_to("--generate man", path), 1);
	check_first_line(path, ".\\\" Made from the option table of alloctrace.\n");
	assert_int_equal(parse_to("--generate completion", path), 1);
	check_first_line(path, "# bash completion for alloctrace, made from its option table\n");
	unlink(path);
	assert_int_equal(parse_to("--help", "/dev/full"), -ENOSPC);
	assert_non_null(strstr(said, "No space left"));
	refuse("--generate x", "--generate x", "man, completion");
}

static int free_said(void **state)
{
	free(said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_fits_a_screen),
		cmocka_unit_test(help_has_every_option_once),
		cmocka_unit_test(completion_has_every_option),
		cmocka_unit_test(man_has_every_option),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(prints_instead),
	};

	return cmocka_run_group_tests_name("options_text", tests, NULL, free_said);
}
