/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sample's labels say: the allocator function, who called it, for whom. */
#include <string.h>

#include "record/writer.h"

/* Of a sample, at most, beside those of its goroutine. */
#define LABELS 9

/* The next one of the sample, which has room for it. */
static void add_label(struct writer *w, Pb__Sample *s, const char *key, Pb__Label label)
{
	Pb__Label *copy = NEW(w, 1, Pb__Label);

	*copy = label;
	copy->key = writer_string(w, key);
	s->label[s->n_label++] = copy;
}

static void add_number(struct writer *w, Pb__Sample *s, const char *key, int64_t num, const char *unit)
{
	Pb__Label label = PB__LABEL__INIT;

	label.num = num;
	label.num_unit = writer_string(w, unit);
	add_label(w, s, key, label);
}

/* NULL: there is nothing to say. */
static void add_text(struct writer *w, Pb__Sample *s, const char *key, const char *text)
{
	Pb__Label label = PB__LABEL__INIT;

	if (!text)
		return;
	label.str = writer_string(w, text);
	add_label(w, s, key, label);
}

size_t writer_n_labels(const struct profile_tag *tag)
{
	const char *at = tag->labels;
	struct profile_label l;
	size_t n = 0;

	while (at && profile_next_label(&at, &l))
		n++;
	return n;
}

char *writer_part(struct writer *w, const char *part, size_t len)
{
	char *copy = NEW(w, len + 1, char);

	memcpy(copy, part, len);
	return copy;
}

/* As Go's runtime has them in its own profiles. */
static void add_goroutine_labels(struct writer *w, Pb__Sample *s, const struct profile_tag *tag)
{
	const char *at = tag->labels;
	struct profile_label l;

	while (at && profile_next_label(&at, &l))
		add_text(w, s, writer_part(w, l.key, l.key_len), writer_part(w, l.value, l.value_len));
}

/* What one program in a file is called, its first mapping says. */
static void add_owner(struct writer *w, Pb__Sample *s, uint32_t task)
{
	const struct profile_task *t = &w->p->tasks.at[task];

	if (t->pid)
		add_number(w, s, "pid", t->pid, "pid");
	if (t->tid)
		add_number(w, s, "tid", t->tid, "tid");
	if (w->members.programs > 1 || w->r->host.wide)
		add_text(w, s, "program", w->p->tasks.at[w->members.leaders[task]].name);
	add_text(w, s, "container", t->container);
	add_text(w, s, "user", t->user);
	add_text(w, s, "cgroup", t->cgroup);
}

/* Numbers as numbers: servers make a series of each distinct set of text labels. */
void writer_add_labels(struct writer *w, Pb__Sample *s, const struct profile_stack *st, struct counters c)
{
	const struct profile_tag *tag = &w->p->tags.at[st->tag];

	s->label = NEW(w, LABELS + writer_n_labels(tag), Pb__Label *);
	add_text(w, s, "allocator", writer_allocator(w->p, st->function));
	add_owner(w, s, st->task);
	if (st->tag && !tag->labels)
		add_number(w, s, "goroutine", writer_int(tag->goroutine), "id");
	add_goroutine_labels(w, s, tag);
	if (c.calls)
		add_number(w, s, "bytes", writer_int(c.bytes / c.calls), "bytes");
}
