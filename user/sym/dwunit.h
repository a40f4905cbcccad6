/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside sym/dwarf*.c: the units of a file, and what is kept of each. */
#ifndef ALLOCTRACE_SYM_DWUNIT_H
#define ALLOCTRACE_SYM_DWUNIT_H

#include <elfutils/libdw.h>

#include "base/map.h"
#include "base/mem.h"
#include "elf/pieces.h"
#include "sym/dwimage.h"
#include "sym/dwline.h"

/* [start, end) is of what (an index); r.n ranges, by ascending start once they are cut. */
struct dw_range {
	uint64_t start, end;
	uint32_t what;
};

struct dw_ranges {
	vec_of(struct dw_range) r;
	struct pieces pieces;
};

#define DW_NOTHING UINT32_MAX

struct dw_inlined {
	Dwarf_Off die;
	uint32_t next;		/* first one that is not inlined in this one */
	uint32_t first_range, n_ranges;
	bool named;		/* the rest is known */
	const char *name;
	const char *call_file;
	uint32_t call_line;
};

struct dw_function {
	Dwarf_Off die;
	uint64_t start;
	bool loaded;		/* what follows is known */
	const char *name;
	vec_of(struct dw_inlined) inlined;	/* each before those inlined in it */
	vec_of(struct dw_range) ranges;		/* theirs */
};

enum dw_unit_state { DW_UNIT_NEW, DW_UNIT_SHALLOW, DW_UNIT_DEEP };

struct dw_unit {
	Dwarf_Off die;
	uint64_t bytes;			/* of it in .debug_info: no more DIEs than that */
	uint64_t abbrevs;		/* where its table of abbreviations is, in .debug_abbrev */
	enum dw_unit_state state;	/* how functions were looked for: at the usual places, or everywhere */
	vec_of(struct dw_function) functions;
	struct dw_ranges ranges;	/* of the functions */
	bool has_lines, asked_lines;
	const char *comp_dir;
	struct dw_lines lines;
	struct u64map paths;		/* file number -> path */
};

/* What libdw has of one file. */
struct dw_opened {
	struct dw_image image;
	Elf *elf;
	Dwarf *dw;
};

struct dwarf {
	struct dw_opened main;
	struct dw_opened alt;		/* what it shares with other files; zero if there is none */
	bool split;			/* see dwarf_is_split() */
	vec_of(struct dw_unit) units;
	struct dw_ranges ranges;	/* of the units */
	bool indexed;
	struct strpool paths;
	/* Limits. */
	size_t n_ranges, n_rows;
	uint64_t abbrev_bytes;
	uint64_t steps;
	uint64_t spent_ns, since_ns;	/* CPU time so far, as of since_ns */
	bool gave_up;
};

/* Around whatever takes time. */
void dw_start_clock(struct dwarf *d);
void dw_stop_clock(struct dwarf *d);
/* Counts a step; true when the file has used up its time. */
bool dw_tired(struct dwarf *d);
/* libdw is about to read the table of abbreviations at offset, up to the one that has the code `last` (0: all of it).
 * false when that is too much: the file is given up. */
bool dw_read_abbrevs(struct dwarf *d, uint64_t offset, uint64_t last);
/* Appends the DIE's address ranges for `what`. false when there are too many. *low (may be NULL) becomes the lowest. */
bool dw_add_ranges(struct dwarf *d, Dwarf_Die *die, uint32_t what, struct dw_ranges *to, uint64_t *low);
/* Sorts, and makes them fit for dw_find(). */
void dw_cut_ranges(struct dw_ranges *ranges);
/* What is at addr, or DW_NOTHING. */
uint32_t dw_find(const struct dw_ranges *ranges, uint64_t addr);
void dw_free_ranges(struct dw_ranges *ranges);
/* The name of the function that a DIE is, or is an instance of. NULL if there is none. */
const char *dw_function_name(Dwarf_Die *die);

/* dwindex.c: which unit holds an address. false when it cannot be told any more. */
bool dw_index_units(struct dwarf *d);
/* dwfunction.c: the function at addr, or NULL; and what is inlined in one. */
struct dw_function *dw_function_at(struct dwarf *d, struct dw_unit *u, uint64_t addr);
void dw_load_function(struct dwarf *d, struct dw_function *f);
void dw_free_functions(struct dw_unit *u);

#endif
