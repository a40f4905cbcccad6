/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shorter names of functions for narrow columns. What a demangler prints is read by its brackets alone, since names
 * come from files that anyone may have written:
 *
 *     (…) after a name, '>', ')' or '}'   a parameter list: left out, with a " const" behind it
 *     <…> after a name or "::"            template or generic arguments: "<…>", unless they are as short as that
 *     other brackets                      "(anonymous namespace)", Go's "(*T)", Rust's "<T as Trait>": kept
 *
 *     "github.com/x/y.(*T).F"             Go's import path: only its last part, the package, and "y/v2" where that is a
 *                                         version
 *
 * From a bracket that never closes on, the rest is kept as it is: so no bracket is looked at twice.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "view/view.h"

/* Arguments of up to this many bytes are kept: "<int>", "<char>". */
#define SHORT_ARGUMENTS 5

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* The ')' that belongs to the '(' at s, or NULL. */
static const char *closing_paren(const char *s)
{
	size_t depth = 0;

	for (; *s; s++) {
		if (*s == '(')
			depth++;
		else if (*s == ')' && !--depth)
			return s;
	}
	return NULL;
}

/* The '>' that belongs to the '<' at s, or NULL. Comparisons in arguments stand in parentheses; "->" is no bracket. */
static const char *closing_angle(const char *s)
{
	size_t depth = 0;

	for (; *s; s++) {
		if (*s == '(') {
			s = closing_paren(s);
			if (!s)
				return NULL;
		} else if (*s == '<') {
			depth++;
		} else if (*s == '>' && s[-1] != '-' && !--depth) {
			return s;
		}
	}
	return NULL;
}

/* Length of the operator's sign at s ("<<=", "()", "->"), where s follows the word operator. */
static size_t operator_sign(const char *s)
{
	if (!strncmp(s, "()", 2) || !strncmp(s, "[]", 2))
		return 2;
	return strspn(s, "<>=-!+*/%&|^~,");
}

static bool ends_with_operator(const char *name, const char *at)
{
	return at - name >= 8 && !memcmp(at - 8, "operator", 8) && (at - name == 8 || !is_name_char(at[-9]));
}

static bool is_path_char(char c)
{
	return isalnum((unsigned char)c) || strchr("-._~/%", c);
}

/* The package of a Go function: behind the last '/' of what can be an import path, which a '.' follows; the name itself
 * where it has none. */
static const char *package_of(const char *name)
{
	const char *last = NULL, *before = NULL, *s;

	for (s = name; *s && is_path_char(*s); s++) {
		if (*s != '/')
			continue;
		before = last;
		last = s;
	}
	if (!last || last == name || !strchr(last, '.') || isspace((unsigned char)*s) || *s == ':')
		return name;
	if (last[1] == 'v' && isdigit((unsigned char)last[2]))
		return before ? before + 1 : name;
	return last + 1;
}

/* How many characters, at least one, go out as they are: what is cut begins with a bracket, or follows ':' or
 * "operator". */
static size_t plain_run(const char *s)
{
	size_t n = 1;

	while (s[n] && s[n - 1] != ':' && s[n - 1] != 'r' && s[n] != '(' && s[n] != '<')
		n++;
	return n;
}

void view_short_name(const char *name, struct buf *out)
{
	/* CPython's own perf map: "py::<module>:/usr/lib/python3/x.py". */
	bool verbatim = !strncmp(name, "py::", 4);
	const char *s = name, *end;

	if (!verbatim)
		s = package_of(name);
	while (*s && !verbatim) {
		char before = s > name ? s[-1] : '\0';

		if (ends_with_operator(name, s) && operator_sign(s)) {
			size_t n = operator_sign(s);

			buf_add(out, s, n);
			s += n;
			/* What follows the sign is as after a name: operator<<(…), operator()<int>(…). */
			before = 'o';
			if (!*s)
				break;
		}
		if (*s == '(' && before && (is_name_char(before) || strchr(">)}]", before))) {
			end = closing_paren(s);
			if (!end)
				break;
			s = end + 1;
			if (!strncmp(s, " const", 6) && !is_name_char(s[6]))
				s += 6;
		} else if (*s == '<' && (is_name_char(before) || before == ':')) {
			end = closing_angle(s);
			if (!end)
				break;
			if (end - s - 1 <= SHORT_ARGUMENTS)
				buf_add(out, s, end + 1 - s);
			else
				buf_str(out, "<\xe2\x80\xa6>");
			s = end + 1;
		} else if (before == ':' && !strncmp(s, "__cxx11::", 9)) {
			/* libstdc++'s inline namespace, which its users never write. */
			s += 9;
		} else {
			size_t n = plain_run(s);

			buf_add(out, s, n);
			s += n;
		}
	}
	buf_str(out, s);
}
