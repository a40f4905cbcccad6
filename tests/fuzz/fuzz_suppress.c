/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A suppression file of arbitrary bytes, which is opened, written again and opened again; and its first line against
 * its second one as pattern and name, which must match exactly if a matcher that tries every place says so
 * (-max_len=1024 -runs=30000).
 */
#include "base/buf.h"
#include "base/log.h"
#include "view/suppress.h"

#include "fuzz.h"

#define TEXT_MAX 64	/* of a pattern and of a name: the slow matcher takes their product */

static int open_text(const uint8_t *data, size_t size, struct suppressions **out)
{
	int fd = memory_file(), err;
	char path[40];

	append(fd, data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = suppress_open(path, out);
	close(fd);
	return err;
}

static void check_file(const uint8_t *data, size_t size)
{
	struct suppressions *s, *again;
	const struct suppression *list, *other;
	struct buf text = {0};
	size_t n, n_again;

	if (open_text(data, size, &s))
		return;
	list = suppress_list(s, &n);
	for (size_t i = 0; i < n; i++) {
		require(!suppress_matches(list[i].pattern, ""));
		buf_printf(&text, "leak:%s\n", list[i].pattern);
	}
	require(!open_text((const uint8_t *)buf_cstr(&text), text.len, &again));
	other = suppress_list(again, &n_again);
	require(n == n_again);
	for (size_t i = 0; i < n; i++)
		require(!strcmp(list[i].pattern, other[i].pattern));
	suppress_close(again);
	suppress_close(s);
	buf_free(&text);
}

/* matches[k]: what of the pattern has been taken matches the first k bytes of the name. */
static bool matches_slowly(const char *pattern, const char *name)
{
	bool matches[TEXT_MAX + 1] = {true}, anchored = *pattern == '^', to_end;
	size_t n = strlen(name), len = strlen(pattern += anchored);

	to_end = len && pattern[len - 1] == '$';
	if (!anchored)
		memset(matches, true, n + 1);
	for (const char *p = pattern; p < pattern + len - to_end; p++) {
		for (size_t k = n + 1; *p != '*' && k-- > 0;)
			matches[k] = k && matches[k - 1] && name[k - 1] == *p;
		for (size_t k = 1; *p == '*' && k <= n; k++)
			matches[k] |= matches[k - 1];
	}
	for (size_t k = 0; !to_end && k < n; k++)
		matches[n] |= matches[k];
	return matches[n];
}

/* The next line, cut; what follows it is left in *data. */
static void take_text(const uint8_t **data, const uint8_t *end, char text[TEXT_MAX + 1])
{
	size_t n = 0;

	for (; *data < end && **data != '\n' && **data; (*data)++)
		if (n < TEXT_MAX)
			text[n++] = (char)**data;
	*data += *data < end;
	text[n] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data;
	char pattern[TEXT_MAX + 1], name[TEXT_MAX + 1];
	bool leak;

	log_set_level(LOG_QUIET);
	check_file(data, size);
	take_text(&at, data + size, pattern);
	take_text(&at, data + size, name);
	leak = !strncmp(pattern, "leak:", 5);
	require(suppress_matches(pattern + 5 * leak, name) == matches_slowly(pattern + 5 * leak, name));
	return 0;
}
