/* SPDX-License-Identifier: GPL-2.0-or-later */
/* alloctrace diff OLD... -- NEW...: what changed, with evidence. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/comparison.h"

/* A file of the command line. */
struct operand {
	const char *path;
	const char *label;	/* not NUL-terminated; NULL: none */
	size_t label_len;
};

struct sides {
	struct operand at[COMPARISON_FILES_MAX];
	int side[COMPARISON_FILES_MAX];
	size_t n;
	char labels[2][32];
};

/* "LABEL=FILE", unless there is a file of the whole name, or what is before the "=" is a path. */
static struct operand operand_of(const char *word)
{
	const char *is = strchr(word, '=');

	if (!is || is == word || !is[1] || memchr(word, '/', is - word) || !access(word, F_OK))
		return (struct operand){.path = word};
	return (struct operand){.path = is + 1, .label = word, .label_len = is - word};
}

static bool same_label(const struct operand *a, const struct operand *b)
{
	return a->label_len == b->label_len && !memcmp(a->label, b->label, a->label_len);
}

static int by_labels(struct sides *s)
{
	const struct operand *other = NULL;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->at[i].label)
			return fail(-EINVAL, "%s: it is on no side: write OLD... -- NEW..., or LABEL=FILE of all",
				    s->at[i].path);
		s->side[i] = !same_label(&s->at[i], &s->at[0]);
		if (s->side[i] && other && !same_label(&s->at[i], other))
			return fail(-EINVAL, "%s=%s: diff compares two labels, and this is a third",
				    s->at[i].label ? strndupa(s->at[i].label, s->at[i].label_len) : "", s->at[i].path);
		other = s->side[i] && !other ? &s->at[i] : other;
	}
	return other ? 0 : fail(-EINVAL, "%s: there is nothing to compare it with", s->at[0].path);
}

static void set_label(struct sides *s, size_t i)
{
	static const char *const names[] = {"BEFORE", "AFTER"};
	char *label = s->labels[s->side[i]];

	if (*label)
		return;
	if (s->at[i].label)
		snprintf(label, sizeof(s->labels[0]), "%.*s",
			 s->at[i].label_len < 12 ? (int)s->at[i].label_len : 12, s->at[i].label);
	else
		snprintf(label, sizeof(s->labels[0]), "%s", names[s->side[i]]);
}

static int take_sides(const struct options *o, struct sides *s)
{
	bool labels = false;
	int err = 0;

	for (char **file = o->files; *file; file++) {
		if (s->n == COMPARISON_FILES_MAX)
			return fail(-E2BIG, "%s: there are more than %d recordings", *file, COMPARISON_FILES_MAX);
		s->at[s->n] = operand_of(*file);
		labels |= s->at[s->n++].label != NULL;
	}
	for (size_t i = 0; i < s->n; i++)
		s->side[i] = o->files_before ? i >= o->files_before : i > 0;
	if (!o->files_before && labels)
		err = by_labels(s);
	else if (!o->files_before && s->n != 2)
		err = fail(-EINVAL, "%s: %s: write OLD... -- NEW..., or LABEL=FILE of all", s->at[s->n - 1].path,
			   s->n == 1 ? "there is nothing to compare it with" :
			   "which of these files are the new ones?");
	for (size_t i = 0; i < s->n && !err; i++)
		set_label(s, i);
	return err;
}

static int write_diff(FILE *f, const void *what, const struct compared_options *co)
{
	return compared_write_diff(f, what, co);
}

static int write_json(FILE *f, const void *what, const struct compared_options *co)
{
	return compared_json_diff(f, what, co);
}

static int compare(const struct options *o, const struct series *series, const struct sides *sides)
{
	const struct compared_options co = {.labels = {sides->labels[0], sides->labels[1]}};
	struct buf reasons = {0};
	struct diff d;
	int err;

	diff_make(series, o->alpha, o->fail_above, &d);
	err = comparison_write(o, &co, comparison_is_json(o) ? write_json : write_diff, &d);
	if (!err && diff_fails(&d)) {
		compared_put_reasons(&d, &reasons);
		err = fail(-ERANGE, "growth above %g %%: %s", o->fail_above, buf_cstr(&reasons));
	}
	buf_free(&reasons);
	diff_free(&d);
	return err;
}

int cmd_diff(const struct options *o)
{
	static struct sides sides;
	struct series series;
	int err = take_sides(o, &sides);

	if (err)
		return STATUS_USAGE;
	comparison_start(o, VIEW_ALLOC, &series);
	for (size_t i = 0; i < sides.n && !err; i++)
		err = comparison_add(o, &series, sides.at[i].path, sides.side[i]);
	if (!err) {
		comparison_finish(&series);
		err = compare(o, &series, &sides);
	}
	series_free(&series);
	return err ? STATUS_FAILED : STATUS_DONE;
}
