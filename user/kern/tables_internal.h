/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by tables.c and told.c only. */
/* Part of kern/tables.h. */
#ifndef ALLOCTRACE_KERN_TABLES_INTERNAL_H
#define ALLOCTRACE_KERN_TABLES_INTERNAL_H

#include "base/map.h"
#include "kern/codenames.h"
#include "kern/filekey.h"
#include "kern/slabs.h"
#include "kern/tables.h"
#include "unwind_map.h"

/* Stacks that may be copied until the next mapping is told: more than a library that was just loaded needs, and few
 * enough where mappings are never known. */
#define TABLES_RAW_STACKS 4096

enum table_state { TABLE_NEW, TABLE_READY, TABLE_NONE, TABLE_NO_ROOM };

struct table {
	enum table_state state;
	uint8_t shift;
	uint32_t first, n_index, key;
	size_t n_words, n_rows;
	uint64_t base;		/* vaddr */
	/* For as long as there is the module: */
	struct code_range range;
	uint64_t name;		/* of the byte at range.low; 0: none yet */
	bool told;		/* the BPF side knows of the file, by file_key */
	struct file_key file_key;
	uint32_t users;		/* processes that have it mapped */
	uint64_t used_at;	/* unwind.version when the last of them came */
	uint64_t idle_since;	/* unwind.version as it was when the last one went */
};

struct unwind_told {
	pid_t pid;
	uint64_t what;		/* hash of the mappings; 0: none yet */
	vec_of(uint32_t) tables;	/* modules, each once */
	vec_of(uint64_t) copies;	/* starts of those that the BPF side knows */
};

struct unwind {
	struct kern *kern;
	const struct modules *modules;
	unwind_image_fn image;
	void *arg;
	struct slabs *slabs;
	struct image *vdso;
	vec_of(struct image *) images;	/* by module, if `image` is NULL */
	vec_of(struct table) tables;	/* by module id */
	struct unwind_mappings *value;	/* under construction */
	bool asks;	/* the BPF side asks the kernel what is mapped */
	struct codenames names;
	struct u64map by_file;	/* of those of unwind_tell(): hash of the key -> module */
	size_t files_told, parts_untold;
	uint64_t version;
	uint64_t next_key;
	bool full_noted, untold_noted, cut_said;
};

/* The module's table, built if it is not. Valid until the next module comes. */
struct table *table_of(struct unwind *u, uint32_t module);
/* Registers the file of a table that is in place. */
void tell_file(struct unwind *u, uint32_t module);
/* The room of the file's table may be used for another one. */
void untell_file(struct unwind *u, struct table *t);
/* Of a module: what the BPF side has to know (kern/layout.h). */
bool code_file_of(void *arg, uint32_t module, struct code_file *out);
/* What walks keep of tables and mappings holds no more; those that are under way see it. */
void change_epoch(struct unwind *u);
/* Says once that there is no kernel memory left, if err. */
void note_full(struct unwind *u, int err);

#endif
