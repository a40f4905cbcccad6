/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/users.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define LEAST_BYTES 1024
#define MOST_BYTES (1 << 20)

struct users {
	struct u64map known;	/* uid -> id in names */
	struct strpool names;
};

struct users *users_new(void)
{
	return xcalloc(1, sizeof(struct users));
}

void users_free(struct users *u)
{
	if (!u)
		return;
	u64map_free(&u->known);
	strpool_free(&u->names);
	free(u);
}

/* The id in u->names. */
static uint32_t look_up(struct users *u, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char *bytes = NULL, *name;
	uint32_t id;
	int err = ERANGE;

	/* An entry may be of any size. */
	for (size_t size = LEAST_BYTES; err == ERANGE && size <= MOST_BYTES; size *= 2) {
		bytes = xrealloc_array(bytes, size, 1);
		err = getpwuid_r(uid, &entry, bytes, size, &found);
	}
	name = found && *found->pw_name ? xstrdup(found->pw_name) : xasprintf("%u", (unsigned int)uid);
	id = strpool_id(&u->names, name);
	free(name);
	free(bytes);
	return id;
}

const char *users_name(struct users *u, uid_t uid)
{
	bool is_new;
	uint64_t *known = u64map_put(&u->known, uid, &is_new);

	if (is_new)
		*known = look_up(u, uid);
	return strpool_str(&u->names, (uint32_t)*known);
}
