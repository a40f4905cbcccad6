/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By function: all sites of a function together. A frame without a name is a row of its own. What the compiler made of
 * one function is one row: "f", "f.cold", "f.part.0", and of C++ "f(int) [clone .isra.0]".
 */
#include <ctype.h>
#include <string.h>

#include "view/rows.h"

#define CLONE " [clone ."

/* Length of the suffix at s, which begins with a dot, where it is one that compilers add; 0: it is another. */
static size_t clone_suffix(const char *s)
{
	static const char *const words[] = {".cold", ".part", ".isra", ".constprop", ".lto_priv", ".llvm", ".warm"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *end;

		if (strncmp(s, words[i], strlen(words[i])) != 0)
			continue;
		end = s + strlen(words[i]);
		/* A number of its own, behind another dot. */
		if (*end == '.' && isdigit((unsigned char)end[1]))
			end += 1 + strspn(end + 1, "0123456789");
		if (!*end || *end == '.' || *end == ']')
			return end - s;
	}
	return 0;
}

/* Takes clone suffixes off the end of what was appended to out from `start` on. */
static void cut_clones(struct buf *out, size_t start)
{
	char *name = out->data + start, *at, *end;
	size_t n;

	while ((at = strstr(name, CLONE))) {
		end = at + sizeof(CLONE) - 2;
		while (*end == '.' && (n = clone_suffix(end)))
			end += n;
		if (strcmp(end, "]") && strncmp(end, "]" CLONE, sizeof(CLONE)))
			return;
		memmove(at, end + 1, strlen(end + 1) + 1);
	}
	/* From the first dot from which all is such suffixes. */
	for (at = strchr(name, '.'); at; at = strchr(at + 1, '.')) {
		for (end = at; *end && (n = clone_suffix(end));)
			end += n;
		if (!*end && at > name) {
			*at = '\0';
			break;
		}
	}
	out->len = start + strlen(name);
}

void view_function_name(const struct symbol *sym, struct buf *out)
{
	size_t start = out->len;

	symbol_text(sym, out);
	if (sym->function && out->len > start)
		cut_clones(out, start);
}

void view_group_function(const struct recording *r, struct view_rows *rows)
{
	static const struct view_frame_kind kind = {
		.is_frame = true, .each_name = true, .name = view_function_name, .key = view_key_in_module,
	};

	view_group_by_frame(r, rows, &kind);
}
