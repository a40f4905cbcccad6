/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A perf map of arbitrary bytes, appended in two parts: it must hold what it holds when it is read at once, and name
 * each address as the last of its lines that has it (-max_len=2048 -runs=40000).
 */
#include <stdbool.h>
#include <strings.h>

#include "sym/perfmap.h"

#include "fuzz.h"

#define LINES_MAX 64

struct line {
	uint64_t start, size;
	const char *name;
	size_t len;
};

/* A number below 2^64 and the spaces behind it. strtoull() alone takes more than that. */
static bool take_number(char **s, uint64_t *out)
{
	char *digits = *s + (!strncasecmp(*s, "0x", 2) ? 2 : 0);
	size_t n = strspn(digits, "0123456789abcdefABCDEF");

	if (!n || digits[n] != ' ' || (n > 16 && n - strspn(digits, "0") > 16))
		return false;
	*out = strtoull(digits, NULL, 16);
	*s = digits + n + strspn(digits + n, " ");
	return true;
}

/* text: a line with NUL in the place of its newline. */
static bool read_line(char *text, size_t len, struct line *line)
{
	char *s = text;

	if (!take_number(&s, &line->start) || !take_number(&s, &line->size))
		return false;
	if (text + len > s && text[len - 1] == '\r')
		text[len - 1] = '\0';
	line->name = s;
	line->len = strlen(s);
	return line->len && line->size && line->size <= UINT32_MAX && line->start <= UINT64_MAX - line->size;
}

/* Returns how many lines there are; the first LINES_MAX are in lines[]. text is changed. */
static size_t read_lines(char *text, size_t size, struct line lines[LINES_MAX])
{
	char *end = text + size, *newline;
	struct line line;
	size_t n = 0;

	for (; (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		*newline = '\0';
		if (read_line(text, (size_t)(newline - text), &line)) {
			if (n < LINES_MAX)
				lines[n] = line;
			n++;
		}
	}
	return n;
}

static void check_address(const struct perfmap *pm, const struct line *lines, size_t n, uint64_t addr)
{
	const char *name;
	uint64_t start;
	size_t i = n;

	while (i > 0 && addr - lines[i - 1].start >= lines[i - 1].size)
		i--;
	name = perfmap_at(pm, addr, &start);
	require((name != NULL) == (i > 0));
	require(!name || (start == lines[i - 1].start && !strcmp(name, lines[i - 1].name)));
}

static void check_map(const struct perfmap *pm, const struct line *lines, size_t n)
{
	require(perfmap_count(pm) == n);
	for (size_t i = 0; n <= LINES_MAX && i < n; i++) {
		check_address(pm, lines, n, lines[i].start);
		check_address(pm, lines, n, lines[i].start - 1);
		check_address(pm, lines, n, lines[i].start + lines[i].size - 1);
		check_address(pm, lines, n, lines[i].start + lines[i].size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perfmap *parts = perfmap_new(), *whole = perfmap_new();
	size_t cut = size ? (size_t)data[0] * size / 256 : 0, n;
	char *text = (char *)exact_copy(data, size);
	struct line lines[LINES_MAX];
	int fd = memory_file();

	append(fd, data, cut);
	require(!perfmap_read(parts, fd, getuid()));
	append(fd, data + cut, size - cut);
	require(!perfmap_read(parts, fd, getuid()));
	require(!perfmap_read(whole, fd, getuid()));
	n = read_lines(text, size, lines);
	check_map(parts, lines, n);
	check_map(whole, lines, n);
	perfmap_free(parts);
	perfmap_free(whole);
	close(fd);
	free(text);
	return 0;
}
