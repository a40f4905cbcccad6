/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/suppress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define MAX_PATTERNS 10000
#define MAX_LINE 4096

enum { UNKNOWN = 0, NO_MATCH = 1, FIRST_MATCH = 2 };

struct suppressions {
	vec_of(struct suppression) list;
	vec_of(uint16_t) of_stack;	/* by stack: UNKNOWN, NO_MATCH, FIRST_MATCH + pattern */
	vec_of(uint16_t) of_frame;	/* by frame, likewise: a frame is on many stacks */
};

/* The piece of the pattern up to a star or the end is at `at`; the last piece of a pattern with $ ends there. */
static bool piece_at(const char *at, const char *piece, size_t len, bool to_end)
{
	return !strncmp(at, piece, len) && (!to_end || !at[len]);
}

/* The first place from `name` on that has the piece; NULL if none has. */
static const char *find_piece(const char *name, const char *piece, size_t len, bool to_end)
{
	size_t left = strlen(name);

	if (to_end)
		return left >= len && piece_at(name + left - len, piece, len, true) ? name + left - len : NULL;
	for (; left >= len; name++, left--)
		if (piece_at(name, piece, len, false))
			return name;
	return NULL;
}

/* The first place for each piece is as good as any: what is left for the others is most then. */
bool suppress_matches(const char *pattern, const char *name)
{
	bool here = *pattern == '^';	/* the piece must begin where the name, or what is left of it, does */
	size_t len = strlen(pattern += here);
	bool to_end = len && pattern[len - 1] == '$';
	const char *end = pattern + len - to_end;

	for (;;) {
		const char *star = memchr(pattern, '*', end - pattern);
		size_t n = (star ? star : end) - pattern;

		if (here && !piece_at(name, pattern, n, to_end && !star))
			return false;
		if (!here)
			name = find_piece(name, pattern, n, to_end && !star);
		if (!name || !star)
			return name != NULL;
		name += n;
		pattern = star + 1;
		here = false;
	}
}

static int add_line(struct suppressions *s, const char *path, size_t number, char *line, size_t len)
{
	char *end = line + len;

	if (strlen(line) != len)
		return fail(-EINVAL, "%s:%zu: not a suppressions file: contains a NUL byte", path, number);
	while (end > line && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	if (len > MAX_LINE)
		return fail(-EINVAL, "%s:%zu: a line of more than %d bytes", path, number, MAX_LINE);
	if (strncmp(line, "leak:", 5) != 0)
		return fail(-EINVAL, "%s:%zu: \"%.100s\" is not a suppression: expected leak:PATTERN or #", path,
			    number, line);
	line += 5;
	if (!line[strspn(line, "*^$")])
		return fail(-EINVAL, "%s:%zu: the pattern \"%s\" would hide every leak", path, number, line);
	if (s->list.n == MAX_PATTERNS)
		return fail(-EINVAL, "%s:%zu: more than %d patterns", path, number, MAX_PATTERNS);
	vec_push(&s->list, ((struct suppression){.pattern = xstrdup(line)}));
	return 0;
}

static int read_lines(struct suppressions *s, const char *path, FILE *f)
{
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &room, f)) >= 0)
		err = add_line(s, path, ++number, line, len);
	if (!err && ferror(f))
		err = fail(-EIO, "cannot read the suppressions in %s: %s", path, strerror(errno));
	free(line);
	return err;
}

int suppress_open(const char *path, struct suppressions **out)
{
	struct suppressions *s;
	FILE *f = fopen(path, "re");
	int err;

	if (!f)
		return fail(-errno, "cannot open the suppressions in %s: %s", path, strerror(errno));
	s = xcalloc(1, sizeof(*s));
	err = read_lines(s, path, f);
	fclose(f);
	if (err) {
		suppress_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void suppress_close(struct suppressions *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->list.n; i++)
		free((char *)s->list.at[i].pattern);
	vec_free(&s->list);
	vec_free(&s->of_stack);
	vec_free(&s->of_frame);
	free(s);
}

static bool matches_symbol(const char *pattern, const struct symbol *sym, const struct module *mod)
{
	for (; sym; sym = sym->into)
		if ((sym->function && suppress_matches(pattern, sym->function)) ||
		    (sym->file && suppress_matches(pattern, sym->file)))
			return true;
	return suppress_matches(pattern, mod->path);
}

static uint16_t match_frame(struct suppressions *s, const struct profile *p, struct names *names, uint32_t frame)
{
	const struct profile_frame *f = &p->frames.at[frame];
	const struct symbol *symbol;

	while (s->of_frame.n <= frame)
		vec_push(&s->of_frame, UNKNOWN);
	if (s->of_frame.at[frame] != UNKNOWN)
		return s->of_frame.at[frame];
	symbol = names_frame(names, f);
	s->of_frame.at[frame] = NO_MATCH;
	for (size_t i = 0; i < s->list.n; i++) {
		if (matches_symbol(s->list.at[i].pattern, symbol, modules_get(p->modules, f->module))) {
			s->of_frame.at[frame] = FIRST_MATCH + i;
			break;
		}
	}
	return s->of_frame.at[frame];
}

static uint16_t match_stack(struct suppressions *s, const struct profile *p, struct names *names, uint32_t stack)
{
	uint16_t match = NO_MATCH, m;

	while (s->of_stack.n <= stack)
		vec_push(&s->of_stack, UNKNOWN);
	if (s->of_stack.at[stack] != UNKNOWN)
		return s->of_stack.at[stack];
	for (uint32_t node = p->stacks.at[stack].node; node; node = p->nodes.at[node].parent) {
		m = match_frame(s, p, names, p->nodes.at[node].frame);
		if (m >= FIRST_MATCH && (match < FIRST_MATCH || m < match))
			match = m;
	}
	s->of_stack.at[stack] = match;
	return match;
}

void suppress_leaks(struct suppressions *s, struct profile *p, struct names *names)
{
	static const struct counters nothing;

	/* A frame may have got a name since the last time (a JIT's, one from debuginfod). */
	s->of_stack.n = s->of_frame.n = 0;
	for (size_t i = 0; i < s->list.n; i++)
		s->list.at[i].hidden = nothing;
	for (size_t i = 0; i < p->sums[PROFILE_LEAKS].n; i++) {
		struct counters c = p->sums[PROFILE_LEAKS].at[i];
		uint16_t match = counters_none(c) ? NO_MATCH : match_stack(s, p, names, i);

		if (match < FIRST_MATCH)
			continue;
		s->list.at[match - FIRST_MATCH].hidden = counters_add(s->list.at[match - FIRST_MATCH].hidden, c);
		profile_add(p, PROFILE_SUPPRESSED, i, c);
		p->sums[PROFILE_LEAKS].at[i] = nothing;
	}
}

const struct suppression *suppress_list(const struct suppressions *s, size_t *n)
{
	*n = s ? s->list.n : 0;
	return s ? s->list.at : NULL;
}
