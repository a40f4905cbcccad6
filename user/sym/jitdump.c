/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All numbers are in the byte order of the process:
 *
 *     file header   | u32 magic | u32 version | u32 its size | u32 machine | u32 0 | u32 pid | u64 time | u64 flags |
 *     each record   | u32 kind | u32 its size | u64 time | …
 *     LOAD (0)        … u32 pid | u32 tid | u64 vma | u64 address | u64 size | u64 index | name, NUL | code |
 *     MOVE (1)        … u32 pid | u32 tid | u64 vma | u64 old address | u64 new address | u64 size | u64 index |
 */
#include "sym/jitdump.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "sym/codemap.h"

#define MAGIC 0x4a695444u	/* "JiTD" */
#define FILE_MAX (8ll << 30)	/* the code itself is in it */
#define RECORDS_MAX (4u << 20)

enum { JIT_CODE_LOAD, JIT_CODE_MOVE };

struct header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

struct prefix {
	uint32_t kind, size;
	uint64_t time;
};

struct load {
	uint32_t pid, tid;
	uint64_t vma, addr, size, index;
};

struct move {
	uint32_t pid, tid;
	uint64_t vma, old_addr, new_addr, size, index;
};

_Static_assert(sizeof(struct header) == 40 && sizeof(struct prefix) == 16 && sizeof(struct load) == 40 &&
	       sizeof(struct move) == 48, "as in the file");

struct jitdump {
	uint64_t dev, ino;
	uint64_t done;		/* bytes that were read: a record that is not complete yet is left */
	size_t records;
	bool damaged;		/* behind done */
	struct codemap code;
	struct u64map by_index;	/* the index of a LOAD -> where its name is in code.names, + 1 */
};

struct jitdump *jitdump_new(void)
{
	return xcalloc(1, sizeof(struct jitdump));
}

static void forget(struct jitdump *jd)
{
	codemap_free(&jd->code);
	u64map_free(&jd->by_index);
	*jd = (struct jitdump){0};
}

void jitdump_free(struct jitdump *jd)
{
	if (!jd)
		return;
	forget(jd);
	free(jd);
}

static bool read_at(int fd, uint64_t at, void *data, size_t len)
{
	return pread(fd, data, len, (off_t)at) == (ssize_t)len;
}

/* size: of what follows the prefix, which is at `at` in the file. */
static bool add_load(struct jitdump *jd, int fd, uint64_t at, uint64_t size)
{
	char name[CODEMAP_NAME_MAX];
	struct load load;
	ssize_t n;

	if (size < sizeof(load) || !read_at(fd, at, &load, sizeof(load)))
		return false;
	size -= sizeof(load);
	n = pread(fd, name, size < sizeof(name) ? (size_t)size : sizeof(name), (off_t)(at + sizeof(load)));
	if (n < 0)
		return false;
	if (codemap_add(&jd->code, load.addr, load.size, name, (size_t)n))
		*u64map_put(&jd->by_index, load.index, NULL) = jd->code.codes.at[jd->code.codes.n - 1].name + 1;
	return true;
}

/* The code is in the new place under its old name, too; what was seen in the old place keeps its name. */
static bool add_move(struct jitdump *jd, int fd, uint64_t at, uint64_t size)
{
	char name[CODEMAP_NAME_MAX];
	struct move move;
	uint64_t *known;
	size_t len;

	if (size < sizeof(move) || !read_at(fd, at, &move, sizeof(move)))
		return false;
	known = u64map_find(&jd->by_index, move.index);
	if (!known)
		return true;
	/* A copy: the names may be moved when one is added. */
	len = strnlen(jd->code.names.data + *known - 1, sizeof(name));
	memcpy(name, jd->code.names.data + *known - 1, len);
	codemap_add(&jd->code, move.new_addr, move.size, name, len);
	return true;
}

static bool read_header(struct jitdump *jd, int fd, uint64_t limit)
{
	struct header h;

	if (limit < sizeof(h))
		return false;
	if (!read_at(fd, 0, &h, sizeof(h)) || h.magic != MAGIC || h.version != 1 || h.size < sizeof(h)) {
		jd->damaged = true;
		return false;
	}
	jd->done = h.size;
	return true;
}

static void read_records(struct jitdump *jd, int fd, uint64_t limit)
{
	struct prefix p;

	if (!jd->done && !read_header(jd, fd, limit))
		return;
	for (; jd->done < limit && limit - jd->done >= sizeof(p) && jd->records < RECORDS_MAX; jd->records++) {
		bool good = true;

		if (!read_at(fd, jd->done, &p, sizeof(p)) || p.size < sizeof(p)) {
			jd->damaged = true;
			return;
		}
		if (p.size > limit - jd->done)
			return;
		if (p.kind == JIT_CODE_LOAD)
			good = add_load(jd, fd, jd->done + sizeof(p), p.size - sizeof(p));
		else if (p.kind == JIT_CODE_MOVE)
			good = add_move(jd, fd, jd->done + sizeof(p), p.size - sizeof(p));
		if (!good) {
			jd->damaged = true;
			return;
		}
		jd->done += p.size;
	}
}

int jitdump_read(struct jitdump *jd, int fd, uint32_t uid)
{
	struct stat st;
	size_t before;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_uid != uid && st.st_uid != 0)
		return -EPERM;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	if (st.st_dev != jd->dev || st.st_ino != jd->ino || (uint64_t)st.st_size < jd->done)
		forget(jd);
	jd->dev = st.st_dev;
	jd->ino = st.st_ino;
	before = jd->code.codes.n;
	if (!jd->damaged)
		read_records(jd, fd, (uint64_t)st.st_size);
	if (jd->code.codes.n != before)
		codemap_cut(&jd->code);
	return 0;
}

size_t jitdump_count(const struct jitdump *jd)
{
	return jd->code.codes.n;
}

const char *jitdump_at(const struct jitdump *jd, uint64_t addr, uint64_t *start)
{
	return codemap_at(&jd->code, addr, start);
}
