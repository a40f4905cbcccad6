/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the names of one module come from: its symbol tables, or what its process records of the code it makes. */
/* Part of sym/symbolizer.h. */
#ifndef ALLOCTRACE_SYM_SOURCE_H
#define ALLOCTRACE_SYM_SOURCE_H

#include "model/module.h"
#include "sym/symbolizer.h"

struct dwarf_place;
struct source;

struct source_name {
	const char *function;	/* mangled; lives until the next look-up in the source. NULL if there is none */
	uint64_t start;		/* of the function, in the module's addresses */
	enum sym_reason reason;
	bool hidden;	/* as in struct symbol */
	bool many;	/* one start has several names */
	/* What debugging information says, innermost first as dwarf_at() has it; lives as long as function does. */
	const struct dwarf_place *places;
	size_t n_places;
};

/* Opens and reads whatever there is for the module; mod lives as long as the source. */
struct source *source_new(const struct module *mod);
void source_free(struct source *src);
struct source_name source_at(struct source *src, uint64_t addr);
/* Appends the type that a Go program allocates, as gotypes_name() has it. */
bool source_type(struct source *src, uint64_t type, const uint64_t *frames, size_t n, struct buf *out);
/* Where the function without a name starts that holds the address; the address itself if that is not known. */
uint64_t source_function_start(struct source *src, uint64_t addr);
/* A separate debug file would have more to tell, and none was found. */
bool source_is_incomplete(const struct source *src);
/* Reads again what may have grown or become readable. true if there may be new names. */
bool source_refresh(struct source *src);

#endif
