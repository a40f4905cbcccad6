/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows over several recordings. Each recording is grouped by itself and let go; a row's values are joined by its name:
 *
 *     series_init(&s, …);
 *     for each file: series_add(&s, recording, path, side);
 *     series_finish(&s);
 *
 * Builds differ in where in a function a call is. Where recordings are of different builds, rows are joined by what is
 * left of their names without offsets and lines: "parse+0x1f" and "parse+0x2b" are "parse".
 */
#ifndef ALLOCTRACE_COMPARE_SERIES_H
#define ALLOCTRACE_COMPARE_SERIES_H

#include "base/map.h"
#include "base/mem.h"
#include "view/sheet.h"

/* What a value is divided by. */
enum series_unit { SERIES_PLAIN, SERIES_PER_TIME, SERIES_PER_CALL, SERIES_PER_OP };

/* What a row had in one recording. */
struct series_cell {
	uint32_t file;
	uint32_t who;		/* of series.pid_sets: the processes that it was in; 0: not known */
	double value;
	double error;		/* standard error of value; 0: it is exact */
};

struct series_row {
	const char *name;	/* not escaped; lives as long as the series */
	char *chain;		/* its callers where it was the heaviest, by view_chain(); NULL: not known */
	double chain_value;
	vec_of(struct series_cell) cells;	/* by file, ascending; what has none had nothing */
};

struct series_file {
	char *path;
	int side;
	uint64_t time_ns, duration_ns;	/* as in the recording; 0: not known */
	double value, error;		/* of the whole view, in the unit */
	bool no_errors;			/* what it says are estimates, and how good they are is not known */
	bool estimate;
};

struct series {
	const struct view_by *by, *then;	/* then: NULL: there is one grouping */
	enum view_id view;
	enum metric metric;
	bool cum;
	enum series_unit unit;
	uint64_t ops;		/* of each recording, instead of its own; 0: its own */
	uint64_t most_bytes;	/* that the rows may take */

	vec_of(struct series_file) files;
	vec_of(struct series_row) rows;		/* after series_finish() in the order of their names */
	bool coarse;				/* by series_finish(): names are without offsets and lines */
	char *target;				/* of the latest recording */
	uint64_t target_ns;			/* when that was taken */

	/* Inside compare/. */
	struct strpool names;			/* of rows: the id is the row, until series_finish() */
	struct strpool cut_names;
	struct strpool pid_sets;		/* "4711.0 4712.0 " */
	struct strpool modules, builds;		/* "libx.so.1", and that with its build ID; */
	struct strpool programs[2];		/* names of programs, by side */
	uint64_t bytes;
};

/* The caller has set what stands above files. */
void series_init(struct series *s);
/* Adds a recording; side: 0 or 1. Returns 0, or -errno after logging an error that names the path. */
int series_add(struct series *s, const struct recording *r, const char *path, int side);
void series_finish(struct series *s);
void series_free(struct series *s);

/* A row's values of the files of a side, in any order: n of them, as many as the side has. NULL: of the whole view. */
size_t series_values(const struct series *s, const struct series_row *row, int side, double *values, double *errors);
size_t series_count(const struct series *s, int side);
/* No process of the one set is in the other, and both are known. */
bool series_other_processes(const struct series *s, uint32_t a, uint32_t b);
/* "bytes", "bytes/s", "blocks/op" */
const char *series_unit_text(const struct series *s);
/* Appends a name without offsets, lines (all but those of rows by function), and, of rows by process or thread, always
 * without numbers of processes. */
void series_cut_name(const char *name, bool coarse, bool pids, struct buf *out);

#endif
