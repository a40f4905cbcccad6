// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/gorecords.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/map.h"
#include "base/memlimit.h"
#include "proc/procfs.h"

#define RATE_MAX (1ULL << 40)	/* a rate above is none: nothing would be recorded */
#define SIZE_MOST (1ULL << 47)	/* bytes of an allocation: the address space */
#define MEM_PROFILE 1		/* typ of such a record; others are of blocking and of mutexes */
#define HEAD 6			/* words before pcs */
#define CYCLES 4		/* active, future[3] */
#define WIDE 4			/* words of counts, up to Go 1.26 */
#define NARROW 2		/* from 1.27 on */
#define COMMON_FRAMES 32	/* that most records have at most: read at once */
#define TRIES 4			/* to read a record whole */
#define PAGE 4096
#define WINDOW (16 * PAGE)
#define PIECES_MAX 17
#define ROOM_EVERY 1024		/* records between two looks at our memory */

enum { NEXT = 1, TYPE = 2, SIZE = 4, N_STACK = 5 };

struct bucket {
	uint64_t word[HEAD + GORECORDS_FRAMES_MAX + CYCLES * WIDE];
	size_t n;		/* words that were read */
};

/* What both forms of counts would make of a record. */
struct counts {
	uint64_t allocs, frees;	/* active */
	uint64_t all_allocs, all_frees;
	bool fits;
};

struct found {
	struct counts wide, narrow;
};

struct walk {
	go_memory_fn read;
	void *arg;
	struct go_records *out;
	struct u64map seen;
	vec_of(struct found) found;	/* by record of out->list */
	size_t wide, narrow;		/* records that fit into one of the forms alone */
	const char *why;
};

static int fails(struct walk *w, int err, const char *why)
{
	w->why = why;
	return err;
}

static bool read_word(const struct walk *w, uint64_t addr, uint64_t *word)
{
	return w->read(w->arg, addr, word, sizeof(*word)) == sizeof(*word);
}

static const uint64_t *counts_of(const struct bucket *b)
{
	return b->word + HEAD + b->word[N_STACK];
}

/* As many words as are there, up to those that a record of so many frames has. */
static void read_words(const struct walk *w, uint64_t addr, size_t frames, struct bucket *b)
{
	const size_t len = (HEAD + frames + CYCLES * WIDE) * sizeof(uint64_t);

	b->n = w->read(w->arg, addr, b->word, len) / sizeof(uint64_t);
}

/* The counts need not be wide, and there may be nothing behind narrow ones. */
static bool is_read(const struct bucket *b)
{
	return b->n >= HEAD && b->n >= HEAD + b->word[N_STACK] + CYCLES * NARROW;
}

static int read_bucket(struct walk *w, uint64_t addr, struct bucket *b)
{
	memset(b->word, 0, HEAD * sizeof(*b->word));
	read_words(w, addr, COMMON_FRAMES, b);
	if (b->n < HEAD)
		return fails(w, -EFAULT, "they lead to memory that cannot be read");
	if (b->word[TYPE] != MEM_PROFILE || b->word[N_STACK] > GORECORDS_FRAMES_MAX || b->word[SIZE] > SIZE_MOST)
		return fails(w, -EBADMSG, "what is where they should be are none");
	if (b->word[N_STACK] > COMMON_FRAMES) {
		read_words(w, addr, b->word[N_STACK], b);
		if (b->n >= HEAD && b->word[N_STACK] > GORECORDS_FRAMES_MAX)
			return fails(w, -EBADMSG, "they change while they are read");
	}
	return is_read(b) ? 0 : fails(w, -EFAULT, "they lead to memory that cannot be read");
}

/* Each word of bytes is the number beside it, times the size; no more was freed than allocated. */
static struct counts count_wide(const struct bucket *b)
{
	const uint64_t *c = counts_of(b), size = b->word[SIZE];
	struct counts out = {.fits = b->n >= HEAD + b->word[N_STACK] + CYCLES * WIDE};
	uint64_t bytes;

	if (!out.fits)
		return out;
	out.allocs = c[0];
	out.frees = c[1];
	for (int i = 0; i < CYCLES && out.fits; i++, c += WIDE) {
		out.fits = !__builtin_mul_overflow(c[0], size, &bytes) && bytes == c[2] &&
			   !__builtin_mul_overflow(c[1], size, &bytes) && bytes == c[3] &&
			   !__builtin_add_overflow(out.all_allocs, c[0], &out.all_allocs) &&
			   !__builtin_add_overflow(out.all_frees, c[1], &out.all_frees);
	}
	out.fits = out.fits && out.frees <= out.allocs && out.all_frees <= out.all_allocs;
	return out;
}

static struct counts count_narrow(const struct bucket *b)
{
	const uint64_t *c = counts_of(b), size = b->word[SIZE];
	struct counts out = {.fits = true, .allocs = c[0], .frees = c[1]};
	uint64_t bytes;

	for (int i = 0; i < CYCLES && out.fits; i++, c += NARROW)
		out.fits = !__builtin_add_overflow(out.all_allocs, c[0], &out.all_allocs) &&
			   !__builtin_add_overflow(out.all_frees, c[1], &out.all_frees);
	out.fits = out.fits && out.frees <= out.allocs && out.all_frees <= out.all_allocs &&
		   !__builtin_mul_overflow(out.all_allocs, size, &bytes);
	return out;
}

/* While a garbage collection's counts are added to the active ones, a record may be read half. */
static int read_whole(struct walk *w, uint64_t addr, struct bucket *b, struct found *f)
{
	int err = 0;

	for (int i = 0; i < TRIES; i++) {
		err = read_bucket(w, addr, b);
		if (err)
			return err;
		*f = (struct found){count_wide(b), count_narrow(b)};
		if (f->wide.fits || f->narrow.fits)
			break;
	}
	return 0;
}

static void add_record(struct walk *w, const struct bucket *b, const struct found *f)
{
	struct go_record r = {.size = b->word[SIZE], .at = w->out->pcs.n, .n = (uint32_t)b->word[N_STACK]};

	if (!f->wide.fits && !f->narrow.fits) {
		w->out->unstable++;
		return;
	}
	for (uint32_t i = 0; i < r.n; i++)
		vec_push(&w->out->pcs, b->word[HEAD + i]);
	vec_push(&w->out->list, r);
	vec_push(&w->found, *f);
	w->wide += f->wide.fits && !f->narrow.fits;
	w->narrow += f->narrow.fits && !f->wide.fits;
}

static bool has_room(const struct walk *w)
{
	return w->seen.n < GORECORDS_MAX &&
	       (w->seen.n % ROOM_EVERY || memlimit_has_share(MEMLIMIT_STACKS, "records of Go's runtime"));
}

static int walk_buckets(struct walk *w, uint64_t addr)
{
	struct bucket b;
	struct found f;
	bool is_new;
	int err;

	while (addr) {
		if (!has_room(w)) {
			w->out->more = true;
			return 0;
		}
		u64map_put(&w->seen, addr, &is_new);
		if (!is_new)
			return fails(w, -ELOOP, "they lead in a circle");
		err = read_whole(w, addr, &b, &f);
		if (err)
			return err;
		add_record(w, &b, &f);
		addr = b.word[NEXT];
	}
	return 0;
}

/* A program writes one form; what some record alone can be is what all are. Those few that cannot changed while they
 * were read. */
static int choose_form(struct walk *w)
{
	const bool wide = w->wide >= w->narrow;
	size_t kept = 0;

	for (size_t i = 0; i < w->found.n; i++) {
		const struct counts *c = wide ? &w->found.at[i].wide : &w->found.at[i].narrow;

		w->out->collected |= c->fits && c->allocs;
	}
	for (size_t i = 0; i < w->found.n; i++) {
		const struct counts *c = wide ? &w->found.at[i].wide : &w->found.at[i].narrow;
		struct go_record r = w->out->list.at[i];

		if (!c->fits)
			continue;
		r.allocs = w->out->collected ? c->allocs : c->all_allocs;
		r.frees = w->out->collected ? c->frees : c->all_frees;
		w->out->list.at[kept++] = r;
	}
	w->out->unstable += w->out->list.n - kept;
	w->out->list.n = kept;
	return w->out->unstable > kept ? fails(w, -EBADMSG, "their form is not known") : 0;
}

static int walk_all(struct walk *w, uint64_t buckets, uint64_t rate)
{
	uint64_t first;
	int err;

	if (!read_word(w, rate, &w->out->rate) || !read_word(w, buckets, &first))
		return fails(w, -EFAULT, "its memory cannot be read");
	/* Go 1.17 to 1.19 set it when the program starts: for the first milliseconds it is 0. */
	if (!w->out->rate)
		return fails(w, -ENODATA, "runtime.MemProfileRate is 0: nothing is recorded");
	if (w->out->rate > RATE_MAX)
		return fails(w, -EBADMSG, "what is where they should be are none");
	err = walk_buckets(w, first);
	return err ? err : choose_form(w);
}

int gorecords_walk(go_memory_fn read, void *arg, uint64_t buckets, uint64_t rate, struct go_records *out,
		   const char **why)
{
	struct walk w = {.read = read, .arg = arg, .out = out};
	int err;

	*out = (struct go_records){0};
	err = walk_all(&w, buckets, rate);
	if (err)
		*why = w.why;
	u64map_free(&w.seen);
	vec_free(&w.found);
	return err;
}

/* Records lie side by side, the latest behind the others: what is before one that is read is read with it. */
struct process_memory {
	pid_t pid;
	uint64_t last;		/* address that was read last */
	uint64_t from;
	size_t n;		/* bytes of data that are there */
	uint8_t data[WINDOW];
};

static size_t read_pieces(pid_t pid, uint64_t addr, void *data, size_t len)
{
	const struct iovec local = {data, len};
	struct iovec remote[PIECES_MAX];
	size_t n = 0;
	ssize_t got;

	/* A piece is read whole or not at all. */
	for (size_t left = len, piece; left && n < PIECES_MAX; left -= piece, addr += piece, n++) {
		piece = PAGE - addr % PAGE < left ? PAGE - addr % PAGE : left;
		remote[n] = (struct iovec){(void *)(uintptr_t)addr, piece};
	}
	got = process_vm_readv(pid, &local, 1, remote, n, 0);
	return got > 0 ? (size_t)got : 0;
}

static bool holds(const struct process_memory *m, uint64_t addr, size_t len)
{
	return addr >= m->from && addr - m->from < m->n && len <= m->n - (addr - m->from);
}

/* What is asked for twice in a row is to be read again. */
static size_t read_process(void *arg, uint64_t addr, void *data, size_t len)
{
	struct process_memory *m = arg;
	const uint64_t end = (addr | (PAGE - 1)) + 1 + 2 * PAGE;
	const bool again = addr == m->last;

	m->last = addr;
	if (!again && !holds(m, addr, len) && end > addr && end > WINDOW) {
		m->from = end - WINDOW;
		m->n = read_pieces(m->pid, m->from, m->data, WINDOW);
	}
	if (again || !holds(m, addr, len))
		return read_pieces(m->pid, addr, data, len);
	memcpy(data, m->data + (addr - m->from), len);
	return len;
}

int gorecords_read(pid_t pid, uint64_t buckets, uint64_t rate, struct go_records *out, const char **why)
{
	const uint64_t before = procfs_start_stack(pid);
	struct process_memory memory = {.pid = pid};
	int err = gorecords_walk(read_process, &memory, buckets, rate, out, why);
	struct proc_stat st;

	if (procfs_stat(pid, &st) || st.state == 'Z' || st.state == 'X') {
		*why = "it has exited";
		return -ESRCH;
	}
	if (procfs_start_stack(pid) != before) {
		*why = "it has execed meanwhile";
		return -ESTALE;
	}
	return err;
}

void gorecords_free(struct go_records *r)
{
	vec_free(&r->list);
	vec_free(&r->pcs);
}
