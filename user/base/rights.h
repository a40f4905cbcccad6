/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens files with no more rights than a target has: what it names is not to be shown because we may read it. */
#ifndef ALLOCTRACE_BASE_RIGHTS_H
#define ALLOCTRACE_BASE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define RIGHTS_GROUPS_MAX 64	/* further ones are not used */

/* As of the file system: of a process whose paths and user ids are ours. */
struct rights {
	bool known;	/* false: those that everybody has */
	uid_t uid;
	gid_t gid;
	size_t n_groups;
	gid_t groups[RIGHTS_GROUPS_MAX];
};

bool rights_equal(const struct rights *a, const struct rights *b);
/* The calling thread opens files with these rights (NULL: those that everybody has) until rights_restore(). False: it
 * can't, and has its own. */
bool rights_take(const struct rights *r);
void rights_restore(void);

#endif
