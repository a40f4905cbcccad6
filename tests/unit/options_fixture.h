/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines that are taken and refused, for the tests of cli/options*.c. */
#ifndef ALLOCTRACE_TESTS_OPTIONS_FIXTURE_H
#define ALLOCTRACE_TESTS_OPTIONS_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/options.h"
#include "cli/options_table.h"

#define MAX_WORDS 20

static char *said;

/* Parses "alloctrace LINE", words split at spaces; what was said is in `said`. o->pids and others point into a buffer
 * that lives until the next call. */
static int parse(const char *line, struct options *o)
{
	static char buffer[500];
	static char *argv[MAX_WORDS + 1];
	size_t len = 0;
	FILE *f;
	int argc = 0, err;

	free(said);
	said = NULL;
	f = open_memstream(&said, &len);
	log_set_stream(f);
	assert_true((size_t)snprintf(buffer, sizeof(buffer), "alloctrace %s", line) < sizeof(buffer));
	for (char *w = strtok(buffer, " "); w && argc < MAX_WORDS; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	err = options_parse(argc, argv, o);
	log_set_stream(NULL);
	fclose(f);
	return err;
}

static void accept(const char *line, struct options *o)
{
	int err = parse(line, o);

	if (err)
		fail_msg("\"%s\" gave %d: %s", line, err, said);
	assert_string_equal(said, "");
}

/* A usage error of one line which has all of the words. */
static void refuse(const char *line, const char *word, const char *word2)
{
	struct options o;
	int err = parse(line, &o);

	if (err != -EINVAL)
		fail_msg("\"%s\" gave %d", line, err);
	if (!strstr(said, word) || !strstr(said, word2) || strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("\"%s\" said: %s(and should have said \"%s\", \"%s\")", line, said, word, word2);
}

#endif
