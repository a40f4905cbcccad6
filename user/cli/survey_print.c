/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *     Programs on this host
 *       PROCS  PROGRAM             USER      CONTAINER    ALLOCATOR
 *           4  nginx               www-data  docker:web   glibc 2.36
 *           1  gunicorn (python3)  app       -            glibc 2.36, jemalloc
 *           1  busybox             root      -            no: static and stripped
 *       6 processes, 3 programs, 1 container; 12 files with code, 2 of them with an allocator.
 *       1 process would not be seen: 1 static and stripped.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/survey.h"

#define WIDTH_MAX 200	/* columns, where there is no terminal */
#define INDENT 2
#define BETWEEN 2

enum column { COLUMN_PROCESSES, COLUMN_PROGRAM, COLUMN_USER, COLUMN_CONTAINER, COLUMN_ALLOCATOR, COLUMNS };

/* What a column keeps when room is short: the last one, a whole reason. */
static const struct {
	const char *head;
	size_t least;
} columns[COLUMNS] = {
	[COLUMN_PROCESSES] = {"PROCS", 5}, [COLUMN_PROGRAM] = {"PROGRAM", 14}, [COLUMN_USER] = {"USER", 8},
	[COLUMN_CONTAINER] = {"CONTAINER", 14}, [COLUMN_ALLOCATOR] = {"ALLOCATOR", 27},
};

static const char *const gaps[SURVEY_GAPS] = {
	[SURVEY_STARTER] = "started alloctrace",
	[SURVEY_STRIPPED] = "static and stripped",
	[SURVEY_OWN] = "no known allocator",
	[SURVEY_32BIT] = "32-bit",
	[SURVEY_DENIED] = "access denied",
	[SURVEY_UNREADABLE] = "files unreadable",
	[SURVEY_LEADER] = "main thread exited",
	[SURVEY_COPIES] = "copies its own code",
	[SURVEY_COPIED] = "has copied its own code",
	[SURVEY_REFUSED] = "code writable or shared",
};

/* --- cells */

/* comm, and the executable where that is another name. */
static void add_program(struct buf *b, const struct survey_group *g)
{
	static const char deleted[] = " (deleted)";
	const char *slash = strrchr(g->exe, '/'), *base = slash ? slash + 1 : g->exe;
	size_t len = strlen(base);

	if (len > sizeof(deleted) - 1 && !strcmp(base + len - (sizeof(deleted) - 1), deleted))
		len -= sizeof(deleted) - 1;
	text_escape(b, g->name, strlen(g->name));
	if (!len || !strncmp(g->name, base, strlen(g->name)))
		return;
	buf_str(b, " (");
	text_escape(b, base, len);
	buf_char(b, ')');
}

static void add_cell(struct buf *b, const struct survey_group *g, enum column c)
{
	const char *const text = c == COLUMN_USER ? g->user : c == COLUMN_CONTAINER ? g->container : g->allocators;

	buf_reset(b);
	if (c == COLUMN_PROCESSES)
		buf_printf(b, "%5zu", g->processes);
	else if (c == COLUMN_PROGRAM)
		add_program(b, g);
	else if (*text)
		text_escape(b, text, strlen(text));
	else if (c != COLUMN_ALLOCATOR)
		buf_char(b, '-');
	if (c == COLUMN_ALLOCATOR && g->gap != SURVEY_SEEN)
		buf_printf(b, "%s: %s", *text ? "; not all" : "no", gaps[g->gap]);
}

/* --- widths */

static void natural_widths(const struct survey *h, size_t width[COLUMNS])
{
	struct buf b = {0};

	for (int c = 0; c < COLUMNS; c++)
		width[c] = strlen(columns[c].head);
	for (size_t i = 0; i < h->groups.n; i++)
		for (int c = 0; c < COLUMNS; c++) {
			size_t w;

			add_cell(&b, &h->groups.at[i], c);
			w = text_width(buf_cstr(&b));
			width[c] = w > width[c] ? w : width[c];
		}
	buf_free(&b);
}

static size_t line_width(const size_t width[COLUMNS])
{
	size_t sum = INDENT;

	for (int c = 0; c < COLUMNS; c++)
		sum += width[c] + (width[c] && c ? BETWEEN : 0);
	return sum;
}

/* Takes columns that are missing from the widest ones first, down to what each keeps. */
static void shrink(size_t width[COLUMNS], size_t room)
{
	while (line_width(width) > room) {
		int widest = -1;

		for (int c = COLUMN_PROGRAM; c < COLUMNS; c++)
			if (width[c] > columns[c].least && (widest < 0 || width[c] > width[widest]))
				widest = c;
		if (widest < 0)
			return;
		width[widest]--;
	}
}

/* --- lines */

static void print_line(FILE *f, const struct survey_group *g, const size_t width[COLUMNS])
{
	struct buf line = {0}, cell = {0};
	bool first = true;

	for (int c = 0; c < COLUMNS; c++) {
		if (!width[c])
			continue;
		buf_printf(&line, "%*s", first ? INDENT : BETWEEN, "");
		first = false;
		if (g)
			add_cell(&cell, g, c);
		text_fit(&line, g ? buf_cstr(&cell) : columns[c].head, width[c], false, c != COLUMNS - 1);
	}
	fprintf(f, "%s\n", buf_cstr(&line));
	buf_free(&line);
	buf_free(&cell);
}

/* Breaks text at blanks. */
static void print_text(FILE *f, const char *text, size_t room)
{
	size_t at = 0;

	for (const char *word = text; *word;) {
		const size_t len = strcspn(word, " ");

		if (at && at + 1 + len > room) {
			putc('\n', f);
			at = 0;
		}
		at += (size_t)fprintf(f, "%*s%.*s", at ? 1 : INDENT, "", (int)len, word);
		word += len + strspn(word + len, " ");
	}
	putc('\n', f);
}

static void add_number(struct buf *b, size_t n, const char *what, const char *ending)
{
	buf_printf(b, "%zu %s%s", n, what, n == 1 ? "" : ending);
}

struct totals {
	size_t processes, programs, containers;
	size_t by_gap[2][SURVEY_GAPS];	/* not seen; seen in part */
};

static struct totals add_up(const struct survey *h)
{
	struct strpool programs = {0}, containers = {0};
	struct buf key = {0};
	struct totals t = {0};

	for (size_t i = 0; i < h->groups.n; i++) {
		const struct survey_group *g = &h->groups.at[i];

		t.processes += g->processes;
		t.by_gap[*g->allocators != '\0'][g->gap] += g->processes;
		buf_reset(&key);
		buf_printf(&key, "%s/%s", g->name, g->exe);
		strpool_id(&programs, key.data);
		if (*g->container)
			strpool_id(&containers, g->container);
	}
	t.programs = programs.n;
	t.containers = containers.n;
	strpool_free(&programs);
	strpool_free(&containers);
	buf_free(&key);
	return t;
}

static void print_totals(FILE *f, const struct survey *h, const struct totals *t, size_t room)
{
	struct buf b = {0};

	add_number(&b, t->processes, "process", "es");
	buf_str(&b, ", ");
	add_number(&b, t->programs, "program", "s");
	buf_str(&b, ", ");
	add_number(&b, t->containers, "container", "s");
	buf_str(&b, "; ");
	add_number(&b, h->files, "file", "s");
	buf_printf(&b, " with code, %zu of them with an allocator", h->with_allocator);
	if (h->unreadable)
		buf_printf(&b, ", %zu unreadable", h->unreadable);
	if (h->exited) {
		buf_str(&b, "; ");
		add_number(&b, h->exited, "process", "es");
		buf_str(&b, " had exited");
	}
	buf_char(&b, '.');
	print_text(f, b.data, room);
	buf_free(&b);
	if (h->hidden)
		print_text(f, "Processes of other users are hidden (/proc is mounted with hidepid); run alloctrace as "
			      "root (sudo).", room);
}

/* Returns false, and appends nothing, if there are none. */
static bool add_gaps(struct buf *b, const size_t by_gap[SURVEY_GAPS], const char *what)
{
	const char *before = ": ";
	size_t sum = 0;

	for (int i = SURVEY_SEEN + 1; i < SURVEY_GAPS; i++)
		sum += by_gap[i];
	if (!sum)
		return false;
	if (b->len)
		buf_char(b, ' ');
	add_number(b, sum, "process", "es");
	buf_printf(b, " would %s", what);
	for (int i = SURVEY_SEEN + 1; i < SURVEY_GAPS; i++) {
		if (!by_gap[i])
			continue;
		buf_printf(b, "%s%zu %s", before, by_gap[i], gaps[i]);
		before = ", ";
	}
	buf_char(b, '.');
	return true;
}

static void print_gaps(FILE *f, const struct totals *t, size_t room)
{
	struct buf b = {0};
	bool any = add_gaps(&b, t->by_gap[1], "be seen in part");

	any |= add_gaps(&b, t->by_gap[0], "not be seen");
	print_text(f, any ? b.data : "All of them would be seen.", room);
	buf_free(&b);
}

/* What is seen whole comes first, then by number of processes, and by name. */
static int in_order(const void *a, const void *b)
{
	static const size_t texts[] = {
		offsetof(struct survey_group, name), offsetof(struct survey_group, container),
		offsetof(struct survey_group, user), offsetof(struct survey_group, exe),
		offsetof(struct survey_group, allocators),
	};
	const struct survey_group *x = a, *y = b;
	int order = 0;

	if ((x->gap != SURVEY_SEEN) != (y->gap != SURVEY_SEEN))
		return x->gap != SURVEY_SEEN ? 1 : -1;
	if (x->processes != y->processes)
		return x->processes < y->processes ? 1 : -1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && !order; i++)
		order = strcmp(*(const char *const *)((const char *)a + texts[i]),
			       *(const char *const *)((const char *)b + texts[i]));
	return order ? order : (int)x->gap - (int)y->gap;
}

void survey_print(FILE *f, const struct survey *h, size_t width)
{
	struct survey_group *sorted = xcalloc(h->groups.n + 1, sizeof(*sorted));
	const size_t room = width ? width : WIDTH_MAX;
	const struct totals t = add_up(h);
	size_t widths[COLUMNS];

	if (h->groups.n)
		memcpy(sorted, h->groups.at, h->groups.n * sizeof(*sorted));
	qsort(sorted, h->groups.n, sizeof(*sorted), in_order);
	natural_widths(h, widths);
	if (!t.containers)
		widths[COLUMN_CONTAINER] = 0;
	shrink(widths, room);
	fprintf(f, "Programs on this host\n");
	print_line(f, NULL, widths);
	for (size_t i = 0; i < h->groups.n; i++)
		print_line(f, &sorted[i], widths);
	free(sorted);
	print_totals(f, h, &t, room);
	print_gaps(f, &t, room);
}
