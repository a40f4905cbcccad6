// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/rules.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

static bool in_set(const struct select_rules *r, uint16_t token, unsigned char c)
{
	return r->sets[token & 0xff].bits[c >> 6] >> (c & 63) & 1;
}

static bool takes(const struct select_rules *r, uint16_t token, unsigned char c)
{
	return token == SELECT_ANY || (token & SELECT_SET ? in_set(r, token, c) : token == c);
}

static bool rule_matches(const struct select_rules *r, const struct select_rule *rule, const char *text)
{
	const char *slash = rule->base_name ? strrchr(text, '/') : NULL, *at, *star_at = NULL;
	size_t token = 0, star = 0;

	for (at = slash ? slash + 1 : text; *at || token < rule->n;) {
		if (token < rule->n && rule->tokens[token] == SELECT_STAR) {
			star = ++token;
			star_at = at;
		} else if (token < rule->n && *at && takes(r, rule->tokens[token], (unsigned char)*at)) {
			token++;
			at++;
		} else if (star_at && *star_at) {
			at = ++star_at;
			token = star;
		} else {
			return false;
		}
	}
	return true;
}

static int find_user(const char *name, uint32_t *uid)
{
	struct passwd pw, *found = NULL;
	uint64_t number;
	char room[4096];

	if (!parse_u64(name, &number) && number < UINT32_MAX) {
		*uid = (uint32_t)number;
		return 0;
	}
	if (getpwnam_r(name, &pw, room, sizeof(room), &found) || !found)
		return -EINVAL;
	*uid = found->pw_uid;
	return 0;
}

static void set_add(struct select_rules *r, size_t set, unsigned char from, unsigned char to)
{
	for (unsigned int c = from; c <= to; c++)
		r->sets[set].bits[c >> 6] |= 1ULL << (c & 63);
}

/* A character, or the one behind a backslash. */
static unsigned char read_char(const char **at)
{
	*at += **at == '\\' && (*at)[1];
	return (unsigned char)*(*at)++;
}

/* [a-z_], from behind the bracket on. NULL: it does not end. */
static const char *read_set(struct select_rules *r, size_t set, const char *at)
{
	const bool negated = *at == '!' || *at == '^';
	const char *first;

	memset(&r->sets[set], 0, sizeof(r->sets[set]));
	at += negated;
	for (first = at; *at && (*at != ']' || at == first);) {
		const unsigned char from = read_char(&at);

		if (*at == '-' && at[1] && at[1] != ']') {
			at++;
			set_add(r, set, from, read_char(&at));
		} else {
			set_add(r, set, from, from);
		}
	}
	for (size_t i = 0; negated && i < 4; i++)
		r->sets[set].bits[i] = ~r->sets[set].bits[i];
	return *at ? at + 1 : NULL;
}

static bool uses_set(const struct select_rules *r, size_t set)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->at[i].n; k++)
			if (r->at[i].tokens[k] == (SELECT_SET | set))
				return true;
	return false;
}

static int read_glob(struct select_rules *r, struct select_rule *rule, const char *text, struct buf *why)
{
	size_t set = 0;

	while (uses_set(r, set))
		set++;
	for (const char *at = text; *at;) {
		uint16_t token = (unsigned char)*at;

		if (rule->n == SELECT_TOKENS)
			return buf_printf(why, "longer than %d characters", SELECT_TOKENS), -EINVAL;
		if (*at == '[' && set >= SELECT_SETS)
			return buf_printf(why, "more than %d sets [...]", SELECT_SETS), -EINVAL;
		if (*at == '[') {
			at = read_set(r, set, at + 1);
			if (!at)
				return buf_str(why, "a set without its ]"), -EINVAL;
			rule->tokens[rule->n++] = (uint16_t)(SELECT_SET | set++);
			continue;
		}
		if (*at == '*')
			token = SELECT_STAR;
		else if (*at == '?')
			token = SELECT_ANY;
		else if (*at == '\\' && at[1])
			token = (unsigned char)*++at;
		at++;
		/* Two stars are as good as one. */
		if (token != SELECT_STAR || !rule->n || rule->tokens[rule->n - 1] != SELECT_STAR)
			rule->tokens[rule->n++] = token;
	}
	return 0;
}

int rules_add(struct select_rules *r, enum select_kind kind, const char *text, struct buf *why)
{
	struct select_rule rule = {.kind = (uint8_t)kind, .negated = *text == '!'};
	int err = 0;

	text += rule.negated;
	if (!*text)
		return buf_str(why, "it is empty"), -EINVAL;
	if (r->n == SELECT_RULES)
		return buf_printf(why, "more than %d rules", SELECT_RULES), -EINVAL;
	if (kind == SELECT_USER) {
		if (find_user(text, &rule.uid))
			return buf_str(why, "no such user"), -EINVAL;
	} else {
		rule.base_name = kind == SELECT_EXE && !strchr(text, '/');
		err = read_glob(r, &rule, text, why);
	}
	if (!err)
		r->at[r->n++] = rule;
	return err;
}

bool rules_take(const struct select_rules *r, const char *comm, const char *exe, uid_t uid)
{
	uint32_t wanted = 0, taken = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct select_rule *rule = &r->at[i];
		const char *text = rule->kind == SELECT_COMM ? comm : exe;
		bool yes = rule->kind == SELECT_USER ? rule->uid == uid : text && rule_matches(r, rule, text);

		if (rule->negated && yes)
			return false;
		if (rule->negated)
			continue;
		wanted |= 1U << rule->kind;
		taken |= yes ? 1U << rule->kind : 0;
	}
	return wanted == taken;
}

bool rules_take_texts(const struct select_rules *r, const char *const *texts, size_t n)
{
	bool wanted = false, taken = false;

	for (size_t i = 0; i < r->n; i++) {
		bool yes = false;

		for (size_t k = 0; k < n && !yes; k++)
			yes = texts[k] && rule_matches(r, &r->at[i], texts[k]);
		if (r->at[i].negated && yes)
			return false;
		wanted |= !r->at[i].negated;
		taken |= yes;
	}
	return taken || !wanted;
}
