/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/filter_tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

enum key { ALLOCATOR, PROGRAM, CONTAINER, USER, CGROUP, PID, TID, GOROUTINE, BYTES, N_KEYS };

static const char *const keys[N_KEYS] = {
	"allocator", "program", "container", "user", "cgroup", "pid", "tid", "goroutine", "bytes",
};

/* The key before "=", of which the rest is *value; -1: there is none, and all of it is a value. */
static int key_of(const char *text, const char **value)
{
	for (int i = 0; i < N_KEYS; i++) {
		const size_t len = strlen(keys[i]);

		if (!strncmp(text, keys[i], len) && text[len] == '=') {
			*value = text + len + 1;
			return i;
		}
	}
	*value = text;
	return -1;
}

/* "1k:64k", "1k:", ":64k", "100": false if it is none. */
static bool parse_range(const char *text, uint64_t *least, uint64_t *most)
{
	const char *colon = strchr(text, ':');
	char *low = colon ? xasprintf("%.*s", (int)(colon - text), text) : xstrdup(text);
	const char *high = colon ? colon + 1 : text;
	bool good = *low || *high;

	*least = 0;
	*most = UINT64_MAX;
	good &= !*low || !parse_size(low, least);
	good &= !*high || !parse_size(high, most);
	free(low);
	return good && *least <= *most;
}

char *filter_tag_error(const char *option, const char *text)
{
	const char *value;
	const int key = key_of(text, &value);
	uint64_t least, most;
	regex_t regex;
	char why[200];
	int err;

	if (key == BYTES)
		return parse_range(value, &least, &most) ? NULL :
			xasprintf("--%s %s is no range of sizes, as bytes=1k:64k is", option, text);
	err = regcomp(&regex, value, REG_EXTENDED | REG_NOSUB);
	if (!err) {
		regfree(&regex);
		return NULL;
	}
	regerror(err, &regex, why, sizeof(why));
	return xasprintf("--%s %s is not a regular expression: %s", option, text, why);
}

void filter_tag_set(struct filter_tag *t, const char *text)
{
	const char *value;

	t->key = key_of(text, &value);
	if (t->key == BYTES)
		t->set = parse_range(value, &t->least, &t->most);
	else
		t->set = t->has_regex = !regcomp(&t->regex, value, REG_EXTENDED | REG_NOSUB);
}

void filter_tag_free(struct filter_tag *t)
{
	if (t->has_regex)
		regfree(&t->regex);
}

/* The label's text, in room if it is a number; NULL: it has none. */
static const char *label(const struct profile *p, uint32_t stack, enum key key, char room[24])
{
	const struct profile_stack *st = &p->stacks.at[stack];
	const struct profile_task *task = &p->tasks.at[st->task];
	uint64_t number = 0;

	switch (key) {
	case ALLOCATOR:
		return st->function < p->n_functions ? p->function_names[st->function] : NULL;
	case PROGRAM:
		return task->name;
	case CONTAINER:
		return task->container;
	case USER:
		return task->user;
	case CGROUP:
		return task->cgroup;
	case PID:
		number = task->pid;
		break;
	case TID:
		number = task->tid;
		break;
	case GOROUTINE:
		number = p->tags.at[st->tag].goroutine;
		break;
	default:
		break;
	}
	snprintf(room, 24, "%llu", (unsigned long long)number);
	return number ? room : NULL;
}

static uint64_t mean_bytes(const struct profile *p, uint32_t stack)
{
	struct counters c = profile_sum(p, PROFILE_ALLOC, stack);

	if (!c.calls)
		c = profile_sum(p, PROFILE_LIVE, stack);
	return c.calls ? c.bytes / c.calls : 0;
}

bool filter_tag_matches(const struct filter_tag *t, const struct profile *p, uint32_t stack)
{
	char room[24];

	if (t->key == BYTES)
		return mean_bytes(p, stack) >= t->least && mean_bytes(p, stack) <= t->most;
	for (int key = 0; key < BYTES; key++) {
		const char *text = t->key < 0 || t->key == key ? label(p, stack, key, room) : NULL;

		if (text && !regexec(&t->regex, text, 0, NULL, 0))
			return true;
	}
	return false;
}
