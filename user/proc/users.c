/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc/users.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/mem.h"

#define LINE_MAX_BYTES 4096	/* a longer line ends what is read of the file */
#define LEAST_BYTES 1024
#define MOST_BYTES (1 << 20)

struct user {
	uint32_t name, home;	/* in texts */
	bool has_home;
};

struct users {
	char *path;
	bool below;		/* nothing but the file */
	struct stat read;	/* as the file was then */
	struct u64map by_uid;	/* of the file: index in list */
	vec_of(struct user) list;
	struct u64map known;	/* of others: id in texts */
	struct strpool texts;
};

struct users *users_new_below(const char *root)
{
	struct users *u = xcalloc(1, sizeof(*u));

	u->path = xasprintf("%s/etc/passwd", root);
	u->below = *root;
	return u;
}

struct users *users_new(void)
{
	return users_new_below("");
}

void users_free(struct users *u)
{
	if (!u)
		return;
	u64map_free(&u->by_uid);
	u64map_free(&u->known);
	vec_free(&u->list);
	strpool_free(&u->texts);
	free(u->path);
	free(u);
}

/* --- the file */

/* The first line of a number counts, as for getpwuid(3). */
static void add(struct users *u, const struct passwd *entry)
{
	bool is_new;
	uint64_t *i = u64map_put(&u->by_uid, entry->pw_uid, &is_new);

	if (!is_new)
		return;
	*i = u->list.n;
	vec_push(&u->list, ((struct user){
		.name = strpool_id(&u->texts, entry->pw_name), .home = strpool_id(&u->texts, entry->pw_dir),
		.has_home = entry->pw_dir[0] == '/' && entry->pw_dir[1],
	}));
}

static void read_file(struct users *u)
{
	struct passwd entry, *found;
	char line[LINE_MAX_BYTES];
	FILE *f = fopen(u->path, "re");

	u64map_free(&u->by_uid);
	u->by_uid = (struct u64map){0};
	u->list.n = 0;
	if (!f)
		return;
	while (!fgetpwent_r(f, &entry, line, sizeof(line), &found))
		if (*entry.pw_name)
			add(u, found);
	fclose(f);
}

/* Reads the file again if it has changed, for users that are not known. */
static const struct user *find(struct users *u, uid_t uid)
{
	const uint64_t *i = u64map_find(&u->by_uid, uid);
	struct stat st;

	if (i)
		return &u->list.at[*i];
	if (stat(u->path, &st) || (st.st_ino == u->read.st_ino && st.st_size == u->read.st_size &&
				   !memcmp(&st.st_mtim, &u->read.st_mtim, sizeof(st.st_mtim))))
		return NULL;
	u->read = st;
	read_file(u);
	i = u64map_find(&u->by_uid, uid);
	return i ? &u->list.at[*i] : NULL;
}

/* --- others */

/* The id in u->texts. */
static uint32_t look_up(struct users *u, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char *bytes = NULL, *name;
	uint32_t id;
	int err = ERANGE;

	/* An entry may be of any size. */
	for (size_t size = LEAST_BYTES; !u->below && err == ERANGE && size <= MOST_BYTES; size *= 2) {
		bytes = xrealloc_array(bytes, size, 1);
		err = getpwuid_r(uid, &entry, bytes, size, &found);
	}
	name = found && *found->pw_name ? xstrdup(found->pw_name) : xasprintf("%u", (unsigned int)uid);
	id = strpool_id(&u->texts, name);
	free(name);
	free(bytes);
	return id;
}

const char *users_name(struct users *u, uid_t uid)
{
	const uint64_t *other = u64map_find(&u->known, uid);
	const struct user *found = other ? NULL : find(u, uid);
	uint32_t id;

	if (other)
		return strpool_str(&u->texts, (uint32_t)*other);
	if (found)
		return strpool_str(&u->texts, found->name);
	id = look_up(u, uid);
	if (!u->below)
		*u64map_put(&u->known, uid, NULL) = id;
	return strpool_str(&u->texts, id);
}

const char *users_home(struct users *u, uid_t uid)
{
	const struct user *found = find(u, uid);

	return found && found->has_home ? strpool_str(&u->texts, found->home) : NULL;
}
