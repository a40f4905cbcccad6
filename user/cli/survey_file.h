/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files with code that processes of the host have mapped, each read once. Part of cli/survey.h. */
#ifndef ALLOCTRACE_CLI_SURVEY_FILE_H
#define ALLOCTRACE_CLI_SURVEY_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/map.h"
#include "proc/maps.h"

struct survey_file {
	const char *allocator;	/* "glibc 2.36", or "own (PROGRAM)"; NULL: it has no function that would be probed */
	bool operators;		/* only operators new of C++, as libstdc++ has: most come to another file's malloc */
	bool unreadable;
	bool is_32bit;
	/* Only of files that processes execute, once they were asked for: */
	bool asked;
	bool is_static, stripped;
	bool copies, if_told;	/* it seems to copy its own text; node: if it is told to */
};

struct survey_files;

struct survey_files *survey_files_new(void);
void survey_files_free(struct survey_files *h);
/* What process pid has mapped there: a file (mapping_kind()). Nothing stays open. Valid until survey_files_free(). */
const struct survey_file *survey_file_mapped(struct survey_files *h, pid_t pid, const struct maps_line *line);
/* The same for the file that the process executes, with what is asked of such files alone. */
const struct survey_file *survey_file_executed(struct survey_files *h, pid_t pid, const struct maps_line *line);
/* Of all files so far. */
void survey_files_count(const struct survey_files *h, size_t *files, size_t *with_allocator, size_t *unreadable);

#endif
