// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *	ffffffff812fd460 t alloc_inode
 *	ffffffffc05b2010 t nf_hook_entry	[nf_tables]
 */
#include "model/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define FILE_MAX_BYTES (256ULL << 20)
#define CHUNK_BYTES ((size_t)256 << 10)
#define PAGE_BYTES 4096ULL
#define AGAIN_NS 1000000000ULL
#define AGAIN_MAX 8	/* times, since what is read stays in memory */

struct entry {
	uint64_t start;
	uint32_t name, module;	/* where they are in the text; module 0: none */
	uint32_t rank;		/* of those with one address, the least is the name */
};

struct kallsyms {
	struct buf text;	/* names are NUL-terminated in it */
	vec_of(struct entry) list;
};

static int read_file(const char *path, struct buf *out)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *chunk;
	ssize_t n;

	if (fd < 0)
		return -errno;
	chunk = xmalloc(CHUNK_BYTES);
	do {
		n = read(fd, chunk, CHUNK_BYTES);
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	} while ((n > 0 && out->len < FILE_MAX_BYTES) || (n < 0 && errno == EINTR));
	n = n < 0 ? -errno : n > 0 ? -EFBIG : 0;
	free(chunk);
	close(fd);
	return (int)n;
}

/* What compilers put before a function is no name that anybody wants. */
static uint32_t rank_of(char type, const char *name)
{
	if (!strncmp(name, "__pfx_", 6) || !strncmp(name, "__cfi_", 6))
		return 2;
	return type != 'T' && type != 'W';
}

/* Ends the word at s with a NUL; returns where the next begins, NULL: there is none. */
static char *next_word(char *s)
{
	s += strcspn(s, " \t");
	if (!*s)
		return NULL;
	*s++ = '\0';
	s += strspn(s, " \t");
	return *s ? s : NULL;
}

/* False: it is no function. */
static bool parse_line(const struct kallsyms *k, char *line, struct entry *e)
{
	char *type = next_word(line), *name = type ? next_word(type) : NULL, *module;
	const size_t digits = strspn(line, "0123456789abcdefABCDEF");

	if (!name || !digits || digits > 16 || line[digits] || type[1] || !strchr("tTwW", *type))
		return false;
	module = next_word(name);
	e->start = strtoull(line, NULL, 16);
	e->name = (uint32_t)(name - k->text.data);
	e->rank = rank_of(*type, name);
	e->module = 0;
	if (!module)
		return true;
	if (*module != '[' || module[strlen(module) - 1] != ']' || !module[2])
		return false;
	module[strlen(module) - 1] = '\0';
	e->module = (uint32_t)(module + 1 - k->text.data);
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int parse(struct kallsyms *k)
{
	char *line = k->text.data, *end;
	bool sorted = true, hidden = false;
	struct entry e;

	/* A NUL would hide the rest of its line, and no more. */
	for (; line && line < k->text.data + k->text.len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(k->text.data + k->text.len - line));
		if (!end)
			end = k->text.data + k->text.len;
		*end = '\0';
		if (!parse_line(k, line, &e))
			continue;
		hidden |= !e.start;
		if (!e.start)
			continue;
		sorted &= !k->list.n || compare_entries(&k->list.at[k->list.n - 1], &e) <= 0;
		vec_push(&k->list, e);
	}
	if (!k->list.n)
		return hidden ? -EPERM : -ENOENT;
	if (!sorted)
		qsort(k->list.at, k->list.n, sizeof(k->list.at[0]), compare_entries);
	return 0;
}

int kallsyms_read(const char *path, struct kallsyms **out)
{
	struct kallsyms *k = xcalloc(1, sizeof(*k));
	int err = read_file(path, &k->text);

	if (!err)
		err = parse(k);
	if (err) {
		kallsyms_free(k);
		return err;
	}
	*out = k;
	return 0;
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	buf_free(&k->text);
	vec_free(&k->list);
	free(k);
}

size_t kallsyms_count(const struct kallsyms *k)
{
	return k->list.n;
}

static const char *module_at(const struct kallsyms *k, size_t i)
{
	return k->list.at[i].module ? k->text.data + k->list.at[i].module : "";
}

/* What follows the last function of a module is none of it, but for the rest of the page. */
static uint64_t end_of(const struct kallsyms *k, size_t i)
{
	const uint64_t start = k->list.at[i].start, page = (start | (PAGE_BYTES - 1)) + 1;
	size_t next = i + 1;

	while (next < k->list.n && k->list.at[next].start == start)
		next++;
	if (next == k->list.n)
		return page;
	if (!strcmp(module_at(k, i), module_at(k, next)) || k->list.at[next].start < page)
		return k->list.at[next].start;
	return page;
}

struct ksymbol kallsyms_nth(const struct kallsyms *k, size_t i)
{
	return (struct ksymbol){
		.start = k->list.at[i].start, .end = end_of(k, i), .name = k->text.data + k->list.at[i].name,
		.module = module_at(k, i),
	};
}

bool kallsyms_at(const struct kallsyms *k, uint64_t addr, struct ksymbol *out)
{
	size_t from = 0, to = k->list.n;

	/* The last one that starts at addr or before, then the first of those at its address. */
	while (from < to) {
		const size_t mid = from + (to - from) / 2;

		if (k->list.at[mid].start <= addr)
			from = mid + 1;
		else
			to = mid;
	}
	if (!from)
		return false;
	from--;
	while (from && k->list.at[from - 1].start == k->list.at[from].start)
		from--;
	*out = kallsyms_nth(k, from);
	return addr < out->end;
}

/* --- those of this kernel: others that were there before are still in use */

static struct {
	pthread_mutex_t lock;
	bool tried;
	int err;
	struct kallsyms *now;
	uint64_t read_ns;
	unsigned int again;
	vec_of(struct kallsyms *) before;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void read_shared(void)
{
	struct kallsyms *k;
	const int err = kallsyms_read("/proc/kallsyms", &k);

	shared.tried = true;
	shared.read_ns = monotonic_ns();
	if (err && shared.now)
		return;
	shared.err = err;
	if (err)
		return;
	if (shared.now)
		vec_push(&shared.before, shared.now);
	shared.now = k;
}

const struct kallsyms *kallsyms_now(int *err)
{
	const struct kallsyms *k;

	pthread_mutex_lock(&shared.lock);
	if (!shared.tried)
		read_shared();
	k = shared.now;
	if (err)
		*err = shared.err;
	pthread_mutex_unlock(&shared.lock);
	return k;
}

bool kallsyms_again(void)
{
	const struct kallsyms *before;
	bool is_new;

	pthread_mutex_lock(&shared.lock);
	before = shared.now;
	if (before && shared.again < AGAIN_MAX && monotonic_ns() - shared.read_ns >= AGAIN_NS) {
		shared.again++;
		read_shared();
	}
	is_new = shared.now != before;
	pthread_mutex_unlock(&shared.lock);
	return is_new;
}
