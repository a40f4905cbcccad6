/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sym/perfmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "elf/openin.h"
#include "sym/codemap.h"

#define FILE_MAX (1ll << 30)
#define CHUNK (256u << 10)
/* Two numbers of 16 digits, maybe after 0x, with spaces. */
#define LINE_MAX_BYTES (PERFMAP_NAME_MAX + 64)

struct perfmap {
	uint64_t dev, ino, mtime_ns;
	uint64_t done;		/* bytes of the file that were read: a line that is not complete yet is left */
	struct codemap code;
};

struct perfmap *perfmap_new(void)
{
	return xcalloc(1, sizeof(struct perfmap));
}

static void forget(struct perfmap *pm)
{
	codemap_free(&pm->code);
	*pm = (struct perfmap){0};
}

void perfmap_free(struct perfmap *pm)
{
	if (!pm)
		return;
	forget(pm);
	free(pm);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A hexadecimal number and the spaces after it; *s is moved behind them. */
static bool take_hex(const char **s, const char *end, uint64_t *out)
{
	const char *p = *s;
	unsigned int digits = 0;

	*out = 0;
	if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	for (; p < end && hex_digit(*p) >= 0; p++) {
		if (*out >> 60)
			return false;
		*out = *out << 4 | (uint64_t)hex_digit(*p);
		digits++;
	}
	if (!digits || p == end || *p != ' ')
		return false;
	while (p < end && *p == ' ')
		p++;
	*s = p;
	return true;
}

/* One line without its newline. */
static void add_line(struct perfmap *pm, const char *s, size_t len)
{
	const char *end = s + len;
	uint64_t start, size;

	if (!take_hex(&s, end, &start) || !take_hex(&s, end, &size))
		return;
	if (s < end && end[-1] == '\r')
		end--;
	codemap_add(&pm->code, start, size, s, (size_t)(end - s));
}

/* Adds the complete lines from pm->done on, up to limit. */
static void read_lines(struct perfmap *pm, int fd, uint64_t limit)
{
	char *chunk = xmalloc(limit - pm->done < CHUNK ? (size_t)(limit - pm->done) : CHUNK);
	bool in_long_line = false;

	while (pm->done < limit) {
		size_t want = limit - pm->done < CHUNK ? (size_t)(limit - pm->done) : CHUNK;
		ssize_t got = pread(fd, chunk, want, (off_t)pm->done);
		size_t at = 0;

		if (got <= 0)
			break;
		while (at < (size_t)got) {
			const char *newline = memchr(chunk + at, '\n', (size_t)got - at);
			size_t len = newline ? (size_t)(newline - (chunk + at)) : 0;

			if (!newline)
				break;
			if (!in_long_line)
				add_line(pm, chunk + at, len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
			in_long_line = false;
			at += len + 1;
		}
		if (at == 0 && (size_t)got < CHUNK)
			break;		/* an incomplete line at the end */
		if (at == 0) {		/* a line longer than a chunk: its end is looked for, its text is not */
			if (!in_long_line)
				add_line(pm, chunk, LINE_MAX_BYTES);
			in_long_line = true;
			at = (size_t)got;
		}
		pm->done += at;
	}
	free(chunk);
}

int perfmap_read(struct perfmap *pm, int fd, uint32_t uid)
{
	struct stat st;
	uint64_t mtime_ns;
	size_t before;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_uid != uid && st.st_uid != 0)
		return -EPERM;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	if (st.st_dev != pm->dev || st.st_ino != pm->ino || (uint64_t)st.st_size < pm->done)
		forget(pm);
	else if (mtime_ns == pm->mtime_ns && (uint64_t)st.st_size == pm->done)
		return 0;
	pm->dev = st.st_dev;
	pm->ino = st.st_ino;
	pm->mtime_ns = mtime_ns;
	before = pm->code.codes.n;
	read_lines(pm, fd, (uint64_t)st.st_size);
	if (pm->code.codes.n != before)
		codemap_cut(&pm->code);
	return 0;
}

size_t perfmap_count(const struct perfmap *pm)
{
	return pm->code.codes.n;
}

const char *perfmap_at(const struct perfmap *pm, uint64_t addr, uint64_t *start)
{
	return codemap_at(&pm->code, addr, start);
}

/* The process's pid as it sees it itself: the last of NSpid in its status. pid if that can't be read. */
static uint32_t pid_inside(uint32_t pid)
{
	unsigned long inside = pid;
	char path[40], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	if (!f)
		return pid;
	while (fgets(line, sizeof(line), f)) {
		char *last;

		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		last = strrchr(line, '\t');
		if (last)
			inside = strtoul(last, NULL, 10);
		break;
	}
	fclose(f);
	return inside && inside <= UINT32_MAX ? (uint32_t)inside : pid;
}

int perfmap_open(uint32_t pid)
{
	char root[40], path[40];
	int fd;

	snprintf(root, sizeof(root), "/proc/%u/root", pid);
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid_inside(pid));
	fd = open_in(root, path, false);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid);
	return open_in("", path, false);
}
