// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/selection.h"

#include <errno.h>

#include "base/log.h"
#include "kern/rules.h"
#include "trace/sharing.h"

/* Each link on a file costs a hit of any other's process 33 ns, and removing them is cubic in their number: beyond so
 * many processes one link for all is the better. */
#define NARROW_MAX 8

static const struct {
	const char *option;
	size_t offset;
	enum select_kind kind;
} kinds[] = {
	{"comm", offsetof(struct options, comms), SELECT_COMM},
	{"exe", offsetof(struct options, exes), SELECT_EXE},
	{"user", offsetof(struct options, users), SELECT_USER},
	{"cgroup", offsetof(struct options, cgroups), SELECT_COMM},
	{"container", offsetof(struct options, containers), SELECT_COMM},
	{"unit", offsetof(struct options, units), SELECT_COMM},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *const *texts_of(const struct options *o, size_t kind)
{
	return (const char *const *)((const char *)o + kinds[kind].offset);
}

bool selection_has_rules(const struct options *o)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (texts_of(o, i)[0])
			return true;
	return false;
}

const char *selection_text(const struct options *o, struct buf *text)
{
	buf_reset(text);
	for (size_t i = 0; i < N_KINDS; i++)
		for (const char *const *at = texts_of(o, i); *at; at++)
			buf_printf(text, "%s--%s %s", text->len ? " " : "", kinds[i].option, *at);
	if (o->pids || o->argv)
		return NULL;
	return text->len ? text->data : "every process";
}

/* Which rules those of a kind are added to. */
static struct select_rules *rules_of(struct selection *s, size_t kind)
{
	struct select_rules *const places[] = {&s->places.cgroups, &s->places.containers, &s->places.units};

	return kind < N_KINDS - 3 ? &s->rules : places[kind - (N_KINDS - 3)];
}

int selection_read(const struct options *o, struct selection *s)
{
	struct buf why = {0};
	int err = 0;

	*s = (struct selection){.rules = {.n = 0}};
	for (size_t i = 0; i < N_KINDS && !err; i++)
		for (const char *const *text = texts_of(o, i); *text && !err; text++) {
			err = rules_add(rules_of(s, i), kinds[i].kind, *text, &why);
			if (err)
				fail(err, "--%s %s: %s", kinds[i].option, *text, buf_cstr(&why));
		}
	if (!err && o->exes[0] && !feature(FEATURE_DIRECT, NULL))
		err = fail(-ENOTSUP, "--exe requires Linux 6.2: the BPF side cannot read the path of an executable");
	s->rules.by_cgroup = s->places.cgroups.n || s->places.containers.n || s->places.units.n;
	buf_free(&why);
	return err;
}

void selection_set(const struct options *o, const char *file, size_t n, const struct selection *s,
		   struct kern_options *ko)
{
	const bool all = !o->pids && !o->argv, asked = all || o->follow || n > NARROW_MAX || selection_has_rules(o) ||
					       ko->resident || ko->kernel;

	ko->follow = o->follow || (file && !o->no_follow && file_forks(file));
	ko->wide = asked || ko->follow;
	ko->takes_all = all;
	ko->by_process = view_both(o->by, o->then).by_process || !(all || ko->follow);
	ko->rules = &s->rules;
	ko->places = s->rules.by_cgroup ? &s->places : NULL;
	if (asked || !ko->wide || (o->unwind != UNWIND_FP && feature(FEATURE_FIND_VMA, NULL)))
		return;
	note("processes that the command starts are not traced: that requires Linux 5.17 and .eh_frame unwinding");
	ko->wide = ko->follow = false;
}
