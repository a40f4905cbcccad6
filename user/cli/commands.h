/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands. A new one is a row here and a file cmd_NAME.c; its bit stands in the rows of the options that it takes
 * (cli/options_table.c). Parser, --help, man page and completion are made from the two tables.
 */
/* Part of cli/options.h. */
#ifndef ALLOCTRACE_CLI_COMMANDS_H
#define ALLOCTRACE_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

enum command_bit { FOR_TRACE = 1, FOR_CHECK = 2, FOR_REPORT = 4, FOR_DIFF = 8, FOR_TREND = 16 };
#define FOR_COMPARISONS (FOR_DIFF | FOR_TREND)
#define FOR_FILES (FOR_REPORT | FOR_COMPARISONS)

enum operands {
	OPERANDS_NONE,
	OPERANDS_PROGRAM,	/* a command to launch, with its arguments */
	OPERANDS_FILES,		/* at least one, options may follow */
};

struct command {
	const char *name;	/* NULL: what runs if no command is named */
	int (*run)(const struct options *o);	/* returns the exit status */
	uint32_t bit;
	enum operands operands;
	int (*check)(struct options *o, options_given given);	/* as in cli/options_table.h */
	const char *usage;	/* what follows the name; NULL: another row says it */
	bool joined;		/* in --help it stands on the line of the row before */
	const char *man;	/* a sentence that begins with the command; NULL: the page is about it anyway */
};

extern const struct command commands[];
extern const size_t n_commands;

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);

#endif
