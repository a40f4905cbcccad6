/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A distribution keeps the symbols of a stripped file in another file, which is found by the build id that both carry:
 *
 *     /usr/lib/debug/.build-id/93/ac61ec….debug
 *
 * or by name and CRC, as section .gnu_debuglink of the stripped file gives them: "name\0", padding to 4, CRC of the
 * whole debug file (the CRC-32 of zlib). A name alone proves nothing: a debug file that carries another build id or has
 * another CRC would give wrong names with confidence, so it is refused. To compute a CRC the whole file has to be read,
 * which a target can make long: it is done only where neither file has a build id and the sections agree, once for each
 * file, and for CRC_BYTES_MAX in all.
 *
 * The paths lead through directories that the target may own: they are followed with open_in(), and what is found is
 * read as hostile.
 */
#include "elf/debugfile.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "elf/openin.h"

#define DEBUG_DIR "/usr/lib/debug"
#define CRC_BYTES_MAX (1ull << 30)	/* that are read to check CRCs, of all files */
#define LINK_MAX 4096

struct search {
	const struct elf_file *ef;
	const char *root;
	uint8_t id[ELF_BUILD_ID_MAX];
	size_t id_len;
	int *fd;
	struct elf_file **out;
	bool refused;	/* a file was there, of another build */
};

/* The CRC of a file as it was then. */
struct known_crc {
	struct stat st;
	uint32_t crc;
};

/* Files are read to be traced in one thread, and to be named in another. */
static struct {
	pthread_mutex_t lock;
	vec_of(struct known_crc) files;
	uint64_t bytes;		/* that were read */
	bool said;
} crcs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool read_crc(int fd, uint64_t size, uint32_t *out)
{
	const size_t chunk = 1 << 18;
	uint8_t *buf = xmalloc(chunk);
	uLong crc = crc32(0, NULL, 0);
	uint64_t at = 0;
	ssize_t n;

	while (at <= size && (n = pread(fd, buf, chunk, (off_t)at)) > 0) {
		crc = crc32(crc, buf, (uInt)n);
		at += (uint64_t)n;
	}
	free(buf);
	*out = (uint32_t)crc;
	return at == size;
}

static bool known_crc(struct known_crc *f)
{
	for (size_t i = 0; i < crcs.files.n; i++) {
		if (!same_file(&crcs.files.at[i].st, &f->st))
			continue;
		f->crc = crcs.files.at[i].crc;
		return true;
	}
	return false;
}

static bool may_read(const struct known_crc *f, const char *path)
{
	if ((uint64_t)f->st.st_size <= CRC_BYTES_MAX - crcs.bytes) {
		crcs.bytes += (uint64_t)f->st.st_size;
		return true;
	}
	if (!crcs.said)
		warn("%s: not used: at most %llu MiB are read to compare CRCs of debug files found by name", path,
		     CRC_BYTES_MAX >> 20);
	crcs.said = true;
	return false;
}

static bool crc_matches(int fd, const char *path, uint32_t want)
{
	struct known_crc f;
	bool known, may;

	if (fstat(fd, &f.st))
		return false;
	pthread_mutex_lock(&crcs.lock);
	known = known_crc(&f);
	may = known || may_read(&f, path);
	pthread_mutex_unlock(&crcs.lock);
	if (known || !may)
		return known && f.crc == want;
	/* Nobody waits for that. */
	if (!read_crc(fd, (uint64_t)f.st.st_size, &f.crc))
		return false;
	pthread_mutex_lock(&crcs.lock);
	vec_push(&crcs.files, f);
	pthread_mutex_unlock(&crcs.lock);
	return f.crc == want;
}

uint64_t elf_debugfile_bytes(void)
{
	uint64_t bytes;

	pthread_mutex_lock(&crcs.lock);
	bytes = crcs.bytes;
	pthread_mutex_unlock(&crcs.lock);
	return bytes;
}

/* Every section that is loaded is in the debug file as well, at the same address; and that is as large as what is in
 * it. */
static bool can_match(const struct elf_file *ef, const struct elf_file *debug)
{
	uint64_t end = elf_file_headers_end(debug);
	const struct elf_section *secs, *found;
	size_t n;

	secs = elf_file_sections(ef, &n);
	for (size_t i = 0; i < n; i++) {
		if (!(secs[i].flags & SHF_ALLOC))
			continue;
		found = elf_section_by_name(debug, elf_section_name(ef, &secs[i]));
		if (!found || found->vaddr != secs[i].vaddr || found->size != secs[i].size)
			return false;
	}
	secs = elf_file_sections(debug, &n);
	for (size_t i = 0; i < n; i++)
		if (secs[i].type != SHT_NOBITS && secs[i].offset + secs[i].size > end)
			end = secs[i].offset + secs[i].size;
	return elf_file_size(debug) <= end;
}

static bool same_kind(const struct elf_file *a, const struct elf_file *b)
{
	return elf_file_class(a) == elf_file_class(b) && elf_file_machine(a) == elf_file_machine(b);
}

/* crc NULL: the build id decides. Takes path (inside s->root), which is freed. true when it is the one. */
static bool try_path(struct search *s, char *path, const uint32_t *crc)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf_file *debug = NULL;
	bool good = false;
	int fd = open_in(s->root, path, true);

	if (fd >= 0 && elf_file_open(fd, path, &debug) == 0 && same_kind(s->ef, debug)) {
		size_t len = elf_build_id(debug, id);

		if (s->id_len || len)
			good = len == s->id_len && memcmp(id, s->id, len) == 0;
		else
			good = crc && can_match(s->ef, debug) && crc_matches(fd, path, *crc);
	}
	if (good) {
		*s->fd = fd;
		*s->out = debug;
	} else if (fd >= 0) {
		s->refused = true;
		elf_file_close(debug);
		close(fd);
	}
	free(path);
	return good;
}

static bool by_build_id(struct search *s)
{
	char hex[2 * ELF_BUILD_ID_MAX + 1];

	if (s->id_len < 2)
		return false;
	for (size_t i = 0; i < s->id_len; i++) {
		hex[2 * i] = "0123456789abcdef"[s->id[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[s->id[i] & 15];
	}
	hex[2 * s->id_len] = '\0';
	return try_path(s, xasprintf(DEBUG_DIR "/.build-id/%.2s/%s.debug", hex, hex + 2), NULL);
}

/* The file name and CRC of .gnu_debuglink; name is the caller's to free. */
static bool read_debuglink(const struct elf_file *ef, char **name, uint32_t *crc)
{
	uint8_t *data;
	size_t size, len;
	bool ok;

	if (elf_section_read(ef, ".gnu_debuglink", LINK_MAX, &data, &size) != 0)
		return false;
	len = strnlen((char *)data, size);
	/* A name only: a path could lead anywhere. */
	ok = len > 0 && len < size && !memchr(data, '/', len) && ((len + 4) & ~(size_t)3) + sizeof(*crc) <= size;
	if (ok) {
		memcpy(crc, data + ((len + 4) & ~(size_t)3), sizeof(*crc));
		*name = xstrdup((char *)data);
	}
	free(data);
	return ok;
}

static bool by_debuglink(struct search *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path) : 0;
	uint32_t crc;
	bool found;
	char *name;

	if (path[0] != '/' || strlen(path) > LINK_MAX || !read_debuglink(s->ef, &name, &crc))
		return false;
	found = try_path(s, xasprintf("%.*s/%s", dir, path, name), &crc) ||
		try_path(s, xasprintf("%.*s/.debug/%s", dir, path, name), &crc) ||
		try_path(s, xasprintf(DEBUG_DIR "%.*s/%s", dir, path, name), &crc);
	free(name);
	return found;
}

int elf_debugfile_open(const struct elf_file *ef, const char *path, const char *root, int *fd, struct elf_file **out)
{
	struct search s = {.ef = ef, .root = root, .fd = fd, .out = out};

	s.id_len = elf_build_id(ef, s.id);
	if (by_build_id(&s) || by_debuglink(&s, path))
		return 0;
	return s.refused ? -ENOEXEC : -ENOENT;
}

/* The path and the build id of .gnu_debugaltlink: "path\0" and the bytes of the id. The path is to be freed. */
static bool read_altlink(const struct elf_file *ef, char **path, uint8_t id[ELF_BUILD_ID_MAX], size_t *id_len)
{
	uint8_t *data;
	size_t size, len;
	bool ok;

	if (elf_section_read(ef, ".gnu_debugaltlink", LINK_MAX, &data, &size) != 0)
		return false;
	len = strnlen((char *)data, size);
	ok = len > 0 && len < size && size - len - 1 >= 2 && size - len - 1 <= ELF_BUILD_ID_MAX;
	if (ok) {
		*id_len = size - len - 1;
		memcpy(id, data + len + 1, *id_len);
		*path = xstrdup((char *)data);
	}
	free(data);
	return ok;
}

int elf_altfile_open(const struct elf_file *ef, const char *root, int *fd, struct elf_file **out)
{
	struct search s = {.ef = ef, .root = root, .fd = fd, .out = out};
	const char *from = elf_file_name(ef), *slash = strrchr(from, '/');
	char *path;
	bool found;

	if (!read_altlink(ef, &path, s.id, &s.id_len))
		return -ENOENT;
	found = by_build_id(&s);
	/* Without a CRC: only the build id will do. */
	if (!found && path[0] == '/')
		found = try_path(&s, xstrdup(path), NULL);
	else if (!found && from[0] == '/' && strlen(from) <= LINK_MAX)
		found = try_path(&s, xasprintf("%.*s/%s", (int)(slash - from), from, path), NULL);
	free(path);
	return found ? 0 : s.refused ? -ENOEXEC : -ENOENT;
}
