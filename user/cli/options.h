/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, read and checked. */
#ifndef ALLOCTRACE_CLI_OPTIONS_H
#define ALLOCTRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "compare/series.h"
#include "format/report.h"
#include "kern/features.h"
#include "view/filter.h"
#include "view/view.h"

struct command;

/* Bit i: row i of the option table was on the command line. */
typedef unsigned __int128 options_given;

#define OPTIONS_MAX 127

enum generate { GENERATE_NOTHING, GENERATE_MAN, GENERATE_COMPLETION };

#define OPTIONS_STRINGS_MAX 64	/* how often an option that may be repeated may be */

struct output {
	const char *pattern;	/* for outfile_expand(); NULL: standard output */
	const struct report_format *format;
};

/* Strings point into argv. */
struct options {
	const struct command *command;	/* cli/commands.h */
	char **files;		/* recordings, NULL-terminated; NULL: none */
	struct filter_options filter;	/* which stacks and functions of a recording are shown */
	const char *peek, *callers, *callees;	/* functions, regular expressions; NULL: none */
	bool tree;
	const char *time;	/* FROM,TO as given; NULL: the whole run; else: */
	uint64_t from_ns, until_ns;	/* since its start */
	const char *diff_base;	/* a recording that is subtracted; NULL: none */
	size_t files_before;	/* diff: of these, so many stand before a "--"; 0: there was none */
	const char *symbol_path[OPTIONS_STRINGS_MAX + 1];	/* NULL-terminated */
	bool no_names;
	const char *pids;	/* as -p has it, for processes_parse_list(); NULL: none */
	bool all;		/* every process */
	bool follow, no_follow;	/* neither: what a command starts, as far as it can be foreseen */
	/* Rules for these, NULL-terminated; none: all. */
	const char *comms[OPTIONS_STRINGS_MAX + 1], *exes[OPTIONS_STRINGS_MAX + 1];
	const char *users[OPTIONS_STRINGS_MAX + 1], *cgroups[OPTIONS_STRINGS_MAX + 1];
	const char *containers[OPTIONS_STRINGS_MAX + 1], *units[OPTIONS_STRINGS_MAX + 1];
	/* Functions and files for alloc/user.h, NULL-terminated. */
	const char *alloc_fns[OPTIONS_STRINGS_MAX + 1], *free_fns[OPTIONS_STRINGS_MAX + 1];
	const char *objects[OPTIONS_STRINGS_MAX + 1];
	char **argv;		/* the command to launch and its arguments, NULL-terminated; NULL: none */

	uint64_t duration_ns;	/* 0: no limit */
	uint64_t interval_ns;	/* 0: no reports in between */
	bool delta;

	uint32_t views;		/* VIEW_BIT()s, at least one */
	bool blocks;		/* one of them needs blocks to be followed */
	uint64_t min_age_ns;	/* of what is a leak */
	bool min_age_given;
	uint64_t temp_age_ns;	/* what is freed sooner is temporary */
	const char *suppress;	/* a file; NULL: none */
	bool instant;		/* what is live at this moment, by records alone (--duration 0) */
	bool mark;		/* SIGUSR1 begins a new generation of blocks */

	enum metric metric;
	const struct view_by *by;
	const struct view_by *then;	/* inside of each row; NULL: --by has one */
	bool cum;
	uint64_t top;		/* rows; 0: all */
	uint64_t ops;		/* operations done in the run; 0: not known */
	enum series_unit normalize;
	double alpha;		/* level of significance */
	double fail_above;	/* per cent of growth; NAN: not asked for */
	double min_growth;	/* per cent in an hour */
	uint64_t min_size;	/* bytes */
	uint64_t max_size;	/* bytes; UINT64_MAX: no limit */
	bool no_demangle, no_inline;
	bool created_by;	/* stacks of goroutines end with who made them */
	const char *list;	/* functions whose source is shown, a regular expression; NULL: none */
	const char *source_path[OPTIONS_STRINGS_MAX + 1];	/* NULL-terminated */

	const struct report_format *format;	/* as --format has it */
	const char *output[OPTIONS_STRINGS_MAX + 1];	/* as --output has it */
	struct output outputs[OPTIONS_STRINGS_MAX];	/* what comes of both, and of list; at least one */
	size_t n_outputs;
	bool quiet, verbose;

	uint64_t sample_bytes;	/* mean distance of samples; 0: chosen while running */
	bool kernel;		/* what the kernel allocates, and no program */
	bool force;
	bool no_usdt;	/* calls, also of what samples itself */
	bool go_samples, no_go_samples;	/* neither: where every call would cost more than max_overhead */
	double max_overhead;	/* per cent of a CPU for each process; 0: no limit */
	uint64_t max_blocks;
	uint64_t max_stacks;
	uint64_t max_depth;	/* frames */
	uint64_t ring_bytes;
	enum attach_mode attach;
	enum unwind_mode unwind;
	uint64_t max_memory;	/* bytes of our own */
	uint64_t max_naming_ns;	/* for a report */
	uint64_t unwind_bytes;	/* room for unwind tables */
	enum bench_mode bench;
	uint64_t hold_signal;

	/* --leaks, --lifetimes, --sizes: they are in views, too. */
	bool leaks, lifetimes, sizes;
	bool mmap;		/* one of the views is of what programs map themselves; */
	bool no_heap;		/* or all are */

	/* What is printed instead of anything else; never set when options_parse() returns 0. */
	bool help, version;
	enum generate generate;
};

/*
 * 0: go on with *o.  1: what was asked for (--help, --version) is printed; exit 0.  -EINVAL: a usage error, which was
 * logged; exit 2.  Another -errno: what was asked for could not be printed, which was logged; exit 1.
 * Options end at the command to launch, or at "--".
 */
int options_parse(int argc, char **argv, struct options *o);

/* Whether a name made from the pattern differs from one interval to the next: it has a %t. */
bool options_output_has_time(const char *pattern);
/* Any of the outputs is meant for programs. */
bool options_has_machine(const struct options *o);

#endif
