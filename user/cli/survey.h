/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs on this host, and which of it tracing would see: the table of check --all. */
#ifndef ALLOCTRACE_CLI_SURVEY_H
#define ALLOCTRACE_CLI_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"

/* Why allocations of a process would not be seen. */
enum survey_gap {
	SURVEY_SEEN,
	SURVEY_STARTER,		/* it started us: left out, since what we print would be its work */
	SURVEY_STRIPPED,	/* static, without symbols */
	SURVEY_OWN,		/* nothing in it is known as an allocator */
	SURVEY_32BIT,
	SURVEY_DENIED,
	SURVEY_UNREADABLE,	/* files with its code could not be opened */
	SURVEY_LEADER,		/* its main thread has exited, the others go on */
	SURVEY_COPIES,		/* it copies its own code, or seems to */
	SURVEY_COPIED,		/* it did */
	SURVEY_REFUSED,		/* its code is mapped so that the kernel places no uprobe */
	SURVEY_GAPS,
};

/* Processes that a row stands for. Texts belong to the host, and are as the processes have them: to be escaped. */
struct survey_group {
	const char *name;	/* comm */
	const char *exe;	/* path of the executable; "" if it is not known */
	const char *user;
	const char *container;	/* "docker:web"; "": none */
	/* That would be probed: "glibc 2.36, jemalloc"; "": none. Beside a gap, what is allocated by these alone is
	 * seen. */
	const char *allocators;
	enum survey_gap gap;
	size_t processes;
};

struct survey {
	vec_of(struct survey_group) groups;
	struct u64map by_key;
	struct strpool texts, keys;
	size_t exited;		/* processes that went while they were looked at, and zombies */
	size_t files, with_allocator, unreadable;	/* with code, that are mapped; each counts once */
	bool hidden;		/* /proc hides processes from us (hidepid=) */
};

/* Looks at each process but our own. Processes that go meanwhile, or that may not be looked at, are counted. 0 or
 * -errno after logging an error. */
int survey_read(struct survey *h);
void survey_free(struct survey *h);

/* Adds a process to its group; g->processes is ignored, texts are copied. */
void survey_add(struct survey *h, const struct survey_group *g);
/* width: columns of the terminal; 0: as wide as it needs, at most 200. */
void survey_print(FILE *f, const struct survey *h, size_t width);

#endif
