/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	7f08c1a26000-7f08c1b7c000 r-xp 00026000 fe:00 332835                     /usr/lib/x86_64-linux-gnu/libc.so.6
 *	start        end          perm offset   dev   inode                      path, up to the end of the line
 *
 * Everything but the path comes from the kernel. The path is the target's to choose: spaces, " (deleted)", control
 * characters, bytes that are not UTF-8. The kernel escapes the newline alone, as \012 (seq_file_path(m, file, "\n"));
 * a backslash stays as it is, so that a file really named `a\012b` looks the same. mapfile.c asks the link in map_files
 * where that matters.
 */
#include "proc/maps.h"

#include <string.h>
#include <sys/sysmacros.h>

/* Digits of the base up to and with the character stop. */
static bool take_number(const char **s, const char *end, unsigned int base, char stop, uint64_t *out)
{
	const char *c = *s;
	uint64_t value = 0;

	for (; c < end && *c != stop; c++) {
		unsigned int digit;

		if (*c >= '0' && *c <= '9')
			digit = *c - '0';
		else if (*c >= 'a' && *c <= 'f')
			digit = *c - 'a' + 10;
		else
			return false;
		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (c == end || c == *s)
		return false;
	*s = c + 1;
	*out = value;
	return true;
}

static void add_path(struct buf *path, const char *s, const char *end)
{
	buf_reset(path);
	while (s < end) {
		const char *backslash = memchr(s, '\\', end - s);

		if (!backslash) {
			buf_add(path, s, end - s);
			break;
		}
		buf_add(path, s, backslash - s);
		if (end - backslash >= 4 && !memcmp(backslash, "\\012", 4)) {
			buf_char(path, '\n');
			s = backslash + 4;
		} else {
			buf_char(path, '\\');
			s = backslash + 1;
		}
	}
}

static bool parse_line(const char *s, const char *end, struct maps_line *line, struct buf *path)
{
	uint64_t major, minor;

	if (!take_number(&s, end, 16, '-', &line->start) || !take_number(&s, end, 16, ' ', &line->end))
		return false;
	if (line->end <= line->start || end - s < 5 || s[4] != ' ')
		return false;
	line->write = s[1] == 'w';
	line->exec = s[2] == 'x';
	line->shared = s[3] == 's';
	s += 5;
	if (!take_number(&s, end, 16, ' ', &line->offset) || !take_number(&s, end, 16, ':', &major) ||
	    !take_number(&s, end, 16, ' ', &minor) || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	line->dev = makedev(major, minor);
	/* A space follows the inode even where no path does. */
	if (!take_number(&s, end, 10, ' ', &line->ino))
		return false;
	/* Padding up to the path, whose own first character is never a space: "/", "[", or a name like
	 * "anon_inode:". */
	while (s < end && *s == ' ')
		s++;
	add_path(path, s, end);
	line->path = buf_cstr(path);
	return true;
}

bool maps_next(const char **text, const char *end, struct maps_line *line, struct buf *path)
{
	while (*text < end) {
		const char *start = *text;
		const char *newline = memchr(start, '\n', end - start);
		const char *stop = newline ? newline : end;

		*text = newline ? newline + 1 : end;
		if (parse_line(start, stop, line, path))
			return true;
	}
	return false;
}
