/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option table, from which the parser, --help, the man page and the completion are made. Inside options*.c only. */
/* Part of cli/options.h. */
#ifndef ALLOCTRACE_CLI_OPTIONS_TABLE_H
#define ALLOCTRACE_CLI_OPTIONS_TABLE_H

#include "cli/commands.h"
#include "cli/options.h"

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_FLAG_OFF,	/* bool, which it makes false */
	OPTION_STRING,	/* const char *, not empty */
	OPTION_STRINGS,	/* const char *[OPTIONS_STRINGS_MAX + 1], one for each time that it is given */
	OPTION_NUMBER,	/* uint64_t */
	OPTION_SIZE,	/* uint64_t, bytes */
	OPTION_TIME,	/* uint64_t, ns */
	OPTION_PERCENT,	/* double, per cent */
	OPTION_DECIMAL,	/* double */
	OPTION_CHOICE,	/* whatever set_choice makes of it */
	OPTION_CHOICES,	/* the same for each of a list with commas */
	OPTION_PAIR,	/* one choice, or two with a comma: what set_choice and set_second make of them */
};

enum option_section {
	SECTION_TARGET, SECTION_TIME, SECTION_REPORT, SECTION_OUTPUT, SECTION_KERNEL, SECTION_HELP,
	SECTION_MAX,
	SECTION_HIDDEN = SECTION_MAX,	/* not for users */
};

extern const char *const option_sections[SECTION_MAX];

/* A choice is a row of any table whose rows begin like this and which ends with a NULL name. */
struct choice {
	const char *name, *help;
};

struct option_row {
	const char *name;	/* without "--" */
	char letter;		/* 0: none */
	const char *arg;	/* what --help calls the argument; NULL: takes none */
	enum option_kind kind;
	enum option_section section;
	uint32_t commands;	/* command.bit of those that take it; 0: those that trace */
	bool man_only;		/* seldom needed: not in --help */
	bool power_of_two;
	size_t offset;		/* of the destination in struct options */
	const char *least, *most;	/* limits, as a user would write them */
	const char *word;	/* stands for 0 where the limits do not allow 0; NULL: none does */
	const char *fallback;	/* the default, as a user would write it; NULL: all bits zero */
	const void *choices;
	size_t choice_size;	/* of a row of choices */
	void (*set_choice)(struct options *o, size_t i);
	void (*set_second)(struct options *o, size_t i);
	const char *help;	/* one line for --help; "%s" stands for the choices */
	const char *man;	/* a paragraph for the man page */
};

extern const struct option_row option_rows[];	/* ends with a NULL name */

static inline bool option_is_for(const struct option_row *row, const struct command *c)
{
	return (row->commands ? row->commands : FOR_TRACE) & c->bit;
}

static inline const struct choice *option_choice(const struct option_row *row, size_t i)
{
	const struct choice *c = (const void *)((const char *)row->choices + i * row->choice_size);

	return c->name ? c : NULL;
}

/* Appends the names of the choices with `between` between. */
void option_choice_names(const struct option_row *row, const char *between, struct buf *out);

/* Logs what is wrong with the command line; returns -EINVAL. */
int option_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What options mean together, for each command (command.check). Return 0, or -EINVAL after logging an error. */
int options_check_trace(struct options *o, options_given given);
/* Part of it: --view rss and --kernel, where no function of a program is probed. */
int options_check_resident(struct options *o, options_given given);
int options_check_kernel(struct options *o, options_given given);
/* The option whose destination that is was on the command line. */
bool options_are_given(options_given given, size_t offset);
int options_check_record(struct options *o, options_given given);
/* Adds the views of --mmap, and sets what follows from them. Returns 0, or -EINVAL after logging an error. */
int options_check_mmap(struct options *o);
int options_check_report(struct options *o, options_given given);
int options_check_diff(struct options *o, options_given given);
int options_check_trend(struct options *o, options_given given);
int options_check_check(struct options *o, options_given given);

void options_help(FILE *f);
void options_completion(FILE *f);
void options_man(FILE *f);
extern const char *const man_limits[];	/* paragraphs; ends with NULL */
extern const char *const man_processes[], *const man_kernel[], *const man_comparisons[];
/* What it says of formats; ends with a NULL title. */
struct man_format {
	const char *title, *text;
	const char *example;	/* lines; NULL: none */
};

extern const struct man_format man_formats[];

#endif
