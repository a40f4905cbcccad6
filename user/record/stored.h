/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside record/: what is read into. */
#ifndef ALLOCTRACE_RECORD_STORED_H
#define ALLOCTRACE_RECORD_STORED_H

#include "base/arena.h"
#include "profile.pb-c.h"
#include "record/record.h"
#include "sym/symbolizer.h"

struct stored_frame {
	struct symbol sym;	/* and, behind `into`, others in the arena */
	uint32_t asked;		/* for names_count() */
};

struct stored_module {
	struct u64map frames;	/* address -> struct stored_frame * in the arena */
	struct u64map creators;	/* likewise, of frames that are creators */
};

struct stored {
	struct names names;	/* first, so that it leads back */
	struct stored_options o;
	struct arena a;
	struct modules modules;
	struct strpool module_keys, texts, functions;
	vec_of(uint32_t) module_ids;		/* by key */
	vec_of(struct stored_module) by_module;
	vec_of(const char *) function_names;
	struct strpool types;		/* their ids, plus one, are addresses of types of module 0 */
	struct profile p;
	struct recording r;
	struct symbolizer *sym;	/* of frames that the files do not name; NULL: there are none, or it wasn't made yet */
	unsigned __int128 totals[PROFILE_KINDS][2];
	size_t n_files, n_synthetic;
};

/* Values of samples: two of each kind that is among them, calls first. */
enum {
	ALLOC_CALLS, ALLOC_BYTES, LIVE_CALLS, LIVE_BYTES, MAPPED_CALLS, MAPPED_BYTES, MAPPED_LIVE_CALLS,
	MAPPED_LIVE_BYTES, READING_COLUMNS,
};

/* A file while it is read. Tables stand beside those of the message. */
struct reading {
	struct stored *s;
	const char *path;	/* for messages */
	const Pb__Profile *m;
	const Pb__Recording *ext;	/* NULL: there is none that holds */
	uint32_t *modules;		/* by mapping: id in s->modules */
	uint32_t *frames;		/* by location: id in s->p; FRAME_MARK + enum stack_end */
	bool *creators;			/* by location: it is one */
	uint32_t *stacks;		/* by sample */
	struct u64map mapping_ids, function_ids, location_ids;	/* id -> index */
	int column[READING_COLUMNS];	/* which value is it; -1: none */
};

#define FRAME_MARK 0x80000000U
#define FRAME_NO_FRAMES (FRAME_MARK + STACK_END_MAX)

/* Logs "FILE: not a profile that can be read: …"; returns -EINVAL. */
int reading_fail(const struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds to a sum of the profile, which may be more than can be counted: then logs an error and returns -EINVAL. */
int reading_add(struct reading *r, enum profile_kind kind, uint32_t stack, struct counters c);

/* A copy that lives as long as s, each text once. */
const char *stored_text(struct stored *s, const char *text);
uint16_t stored_function(struct stored *s, const char *name);	/* UINT16_MAX: there are too many */
/* The type of that name, "" of one that is not known: its id in s->p. */
uint32_t stored_type(struct stored *s, const char *name);
/* The file that has this path and build id ("" if it has none). */
uint32_t stored_module(struct stored *s, enum module_kind kind, const char *path, const char *build_id, uint32_t pid);
/* Keeps what a frame, or with sym->creator a creator, is called; the first that has a name stays. */
void stored_name(struct stored *s, uint32_t module, uint64_t addr, const struct symbol *sym);

/* The tables of mappings, functions and locations. Returns 0, or -errno after logging an error. */
int reading_locations(struct reading *r);
/* What the extension says of samples, after they were read; reading_extension_holds() first. */
int reading_extension(struct reading *r);
/* The one at i of a list that may end before: what is no variance is none. */
double reading_variance(const double *list, size_t n, size_t i);
bool reading_extension_holds(const struct reading *r);
/* Intervals of the run, after samples were read: into the profile's parts. */
int reading_parts(struct reading *r);
/* Of these, what lies in the time that is asked for is what was allocated; rec becomes that of it. Returns 0, or -errno
 * after logging an error. */
int reading_time(struct reading *r, struct recording *rec);
/* 0 where the file has no such values. */
/* Whether the values of samples are of that kind. */
bool reading_has_kind(const struct reading *r, uint32_t kind);
uint64_t reading_value(const struct reading *r, size_t sample, int column);

/* Opens the files of modules by build id, for frames that have no names: where they were, below the directories of
 * symbol_path, below /usr/lib/debug. */
void stored_open_files(struct stored *s);

#endif
