/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of /proc/PID/maps, arbitrary bytes (-max_len=1024). Each line that is accepted is written again as the
 * kernel writes it, and must be read as the same one.
 */
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "proc/maps.h"

#include "fuzz.h"

/* seq_file_path() escapes the newline alone. */
static void add_escaped(struct buf *out, const struct buf *path)
{
	for (size_t i = 0; i < path->len; i++) {
		if (path->data[i] == '\n')
			buf_str(out, "\\012");
		else
			buf_char(out, path->data[i]);
	}
}

static void format(struct buf *out, const struct maps_line *line, const struct buf *path)
{
	buf_reset(out);
	buf_printf(out, "%08llx-%08llx r%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)line->start,
		   (unsigned long long)line->end, line->write ? 'w' : '-', line->exec ? 'x' : '-',
		   line->shared ? 's' : 'p', (unsigned long long)line->offset, major(line->dev), minor(line->dev),
		   (unsigned long long)line->ino);
	if (path->len) {
		buf_str(out, "           ");
		add_escaped(out, path);
	}
	buf_char(out, '\n');
}

static void check_line(const struct maps_line *line, const struct buf *path)
{
	struct buf text = {0}, path_again = {0};
	struct maps_line again;
	const char *at;

	require(line->start < line->end);
	require(strlen(line->path) <= path->len);
	format(&text, line, path);
	at = text.data;
	require(maps_next(&at, text.data + text.len, &again, &path_again));
	require(at == text.data + text.len);
	require(again.start == line->start && again.end == line->end && again.offset == line->offset);
	require(again.dev == line->dev && again.ino == line->ino);
	require(again.exec == line->exec && again.write == line->write && again.shared == line->shared);
	require(path_again.len == path->len && (!path->len || !memcmp(path_again.data, path->data, path->len)));
	buf_free(&text);
	buf_free(&path_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = (char *)exact_copy(data, size);
	const char *text = copy, *end = copy + size, *before = text;
	struct maps_line line;
	struct buf path = {0};

	for (; maps_next(&text, end, &line, &path); before = text) {
		require(text > before && text <= end);
		require(text == end || text[-1] == '\n');
		check_line(&line, &path);
	}
	require(text == end);
	buf_free(&path);
	free(copy);
	return 0;
}
