// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/places.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "proc/users.h"

#define ID_DIGITS 12	/* of a container's id, as the runtimes show it */

struct places {
	const struct place_rules *rules;
	struct cgroups *cgroups;
	struct users *users;
	struct u64map known;	/* cgroup -> the place, which was found another way than by its number */
	places_removed removed;
	void *arg;
};

struct places *places_new(const struct place_rules *rules, places_removed removed, void *arg)
{
	struct places *p = xcalloc(1, sizeof(*p));

	p->rules = rules;
	p->removed = removed;
	p->arg = arg;
	p->cgroups = cgroups_new();
	p->users = users_new();
	return p;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	cgroups_free(p->cgroups);
	users_free(p->users);
	u64map_free(&p->known);
	free(p);
}

/* A process that has gone tells nothing any more, so the number comes first. */
const struct cgroup_place *places_of(struct places *p, uint64_t cgroup, pid_t pid)
{
	const struct cgroup_place *place;
	const char *removed;
	uint64_t *known;

	place = cgroups_by_id_in(p->cgroups, cgroup & MEMBER_CGROUP_V1 ? CGROUP_V1_MEMORY : CGROUP_V2,
				 cgroup & ~MEMBER_CGROUP_V1);
	if (place->path)
		return place;
	known = u64map_find(&p->known, cgroup);
	if (known)
		return (const void *)(uintptr_t)*known;
	removed = p->removed ? p->removed(p->arg, cgroup) : NULL;
	place = removed ? cgroups_by_path(p->cgroups, removed) : cgroups_of_pid(p->cgroups, pid);
	if (place->path)
		*u64map_put(&p->known, cgroup, NULL) = (uintptr_t)place;
	return place;
}

bool places_take(const struct places *p, const struct cgroup_place *place)
{
	const char *const texts[] = {place->container, place->name, place->id};
	const char *names[4];
	char prefix[ID_DIGITS + 1];

	if (!p->rules)
		return true;
	memcpy(names, texts, sizeof(texts));
	snprintf(prefix, sizeof(prefix), "%s", place->id ? place->id : "");
	names[3] = prefix;
	return rules_take_texts(&p->rules->cgroups, &place->path, 1) &&
	       rules_take_texts(&p->rules->units, &place->unit, 1) &&
	       rules_take_texts(&p->rules->containers, names, place->id ? 4 : 3);
}

struct each {
	void (*take)(void *arg, uint64_t cgroup, const struct cgroup_place *place);
	void *arg;
	uint64_t bit;
};

static void take_one(void *arg, uint64_t id, const struct cgroup_place *place)
{
	const struct each *e = arg;

	e->take(e->arg, id | e->bit, place);
}

void places_each(struct places *p, void (*take)(void *arg, uint64_t cgroup, const struct cgroup_place *place),
		 void *arg)
{
	struct each e = {.take = take, .arg = arg};

	cgroups_each_in(p->cgroups, CGROUP_V2, take_one, &e);
	e.bit = MEMBER_CGROUP_V1;
	cgroups_each_in(p->cgroups, CGROUP_V1_MEMORY, take_one, &e);
}

const char *places_user(struct places *p, uid_t uid)
{
	return users_name(p->users, uid);
}
