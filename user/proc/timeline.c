/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack is named after it was taken, so a process's mappings are rectangles, addresses by time:
 *
 *	address ^         +---------+-----------------          B was mapped over a part of A at t2:
 *	      d |  A      |    A (right rest)                    A's overlapped part ends at t2,
 *	      c |         +-----------------                     its rests go on.
 *	      b |         |  B
 *	      a +---------+-----------------> time
 *	        t1        t2
 *
 * Rectangles never overlap. They come from two sources: records of the kernel, which have exact times, and readings of
 * /proc/PID/maps, which tell what is there now: what appeared since the reading before may have been there since then
 * (earliest_ns). A record may be handled after a reading that happened later than it (it lay in the ring meanwhile), so
 * every operation can be given a time in the past; a mapping that a later reading saw then goes on after that reading.
 *
 * The list is sorted by start and then by time. Rectangles of different times may nest in their addresses, so a search
 * goes backwards from the last that starts at or before the address, down to where max_end says that nothing reaches
 * it.
 */
#include "proc/timeline.h"

#include <stdlib.h>
#include <string.h>

typedef vec_of(struct mapping) mapping_list;

static bool live(const struct mapping *m)
{
	return m->until_ns == UINT64_MAX;
}

/* Index of the first mapping that is sorted after (start, from_ns). */
static size_t upper_bound(const struct process *p, uint64_t start, uint64_t from_ns)
{
	size_t low = 0, high = p->maps.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct mapping *m = &p->maps.at[mid];

		if (m->start < start || (m->start == start && m->from_ns <= from_ns))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* max_end of the mappings from index i on, after a change there; beyond it they were right, so the first right one
 * ends it. */
static void fix_max_end(struct process *p, size_t i)
{
	uint64_t max = i ? p->maps.at[i - 1].max_end : 0;

	for (size_t first = i; i < p->maps.n; i++) {
		struct mapping *m = &p->maps.at[i];

		if (m->end > max)
			max = m->end;
		if (i > first && m->max_end == max)
			break;
		m->max_end = max;
	}
}

static void insert(struct process *p, const struct mapping *m)
{
	size_t i;

	if (m->start >= m->end || m->from_ns >= m->until_ns)
		return;
	i = upper_bound(p, m->start, m->from_ns);
	vec_grow(&p->maps, p->maps.n + 1);
	memmove(p->maps.at + i + 1, p->maps.at + i, (p->maps.n - i) * sizeof(*m));
	p->maps.at[i] = *m;
	p->maps.n++;
	p->n_ended += !live(m);
	fix_max_end(p, i);
}

static struct mapping take(struct process *p, size_t i)
{
	struct mapping m = p->maps.at[i];

	p->maps.n--;
	memmove(p->maps.at + i, p->maps.at + i + 1, (p->maps.n - i) * sizeof(m));
	p->n_ended -= !live(&m);
	fix_max_end(p, i);
	return m;
}

static int by_until(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A process that maps and unmaps all the time must not fill our memory. */
static void forget_oldest(struct process *p)
{
	size_t n = 0, kept = 0;
	uint64_t *until, limit;

	if (p->n_ended <= TIMELINE_ENDED_MAX)
		return;
	until = xrealloc_array(NULL, p->n_ended, sizeof(*until));
	for (size_t i = 0; i < p->maps.n; i++)
		if (!live(&p->maps.at[i]))
			until[n++] = p->maps.at[i].until_ns;
	qsort(until, n, sizeof(*until), by_until);
	limit = until[n / 2];
	free(until);
	for (size_t i = 0; i < p->maps.n; i++) {
		if (p->maps.at[i].until_ns > limit) {
			p->maps.at[kept] = p->maps.at[i];
			p->maps.at[kept++].max_end = 0;
		}
	}
	p->n_ended -= p->maps.n - kept;
	p->maps.n = kept;
	fix_max_end(p, 0);
}

/* True if both say the same about every address that they share. */
static bool agree(const struct mapping *a, const struct mapping *b)
{
	return a->module == b->module && a->copied == b->copied && a->offset - a->start == b->offset - b->start;
}

static void push_part(mapping_list *list, struct mapping m, uint64_t start, uint64_t end, uint64_t from_ns,
		      uint64_t until_ns)
{
	if (start >= end || from_ns >= until_ns)
		return;
	m.offset += start - m.start;
	m.start = start;
	m.end = end;
	m.from_ns = from_ns;
	m.until_ns = until_ns;
	if (m.earliest_ns > from_ns)
		m.earliest_ns = from_ns;
	vec_push(list, m);
}

/* What is left of m when something else has [start, end) from time_ns on. */
static void cut(const struct process *p, mapping_list *rest, const struct mapping *m, uint64_t time_ns, uint64_t start,
		uint64_t end)
{
	uint64_t from = start > m->start ? start : m->start;
	uint64_t to = end < m->end ? end : m->end;

	push_part(rest, *m, m->start, from, m->from_ns, m->until_ns);
	push_part(rest, *m, to, m->end, m->from_ns, m->until_ns);
	push_part(rest, *m, from, to, m->from_ns, time_ns);
	/* A reading after time_ns saw it: it was mapped anew in between, when exactly its own record will tell. */
	if (live(m) && time_ns < p->read_ns) {
		struct mapping again = *m;

		again.earliest_ns = time_ns;
		push_part(rest, again, from, to, p->read_ns, UINT64_MAX);
	}
}

static void insert_all(struct process *p, mapping_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		insert(p, &list->at[i]);
	vec_free(list);
}

void timeline_unmap(struct process *p, uint64_t time_ns, uint64_t start, uint64_t end)
{
	mapping_list rest = {0};

	if (start >= end)
		return;
	for (size_t i = upper_bound(p, end - 1, UINT64_MAX); i-- > 0 && p->maps.at[i].max_end > start;) {
		struct mapping *m = &p->maps.at[i];

		if (m->end <= start || m->until_ns <= time_ns)
			continue;
		if (m->from_ns > time_ns) {
			if (m->earliest_ns < time_ns)
				m->earliest_ns = time_ns;
			continue;
		}
		cut(p, &rest, m, time_ns, start, end);
		take(p, i);
	}
	insert_all(p, &rest);
	forget_oldest(p);
}

/* Takes [start, end) out of the sorted, disjoint list of gaps. */
static void subtract(mapping_list *gaps, uint64_t start, uint64_t end)
{
	mapping_list out = {0};

	for (size_t i = 0; i < gaps->n; i++) {
		const struct mapping *g = &gaps->at[i];

		if (g->end <= start || g->start >= end) {
			vec_push(&out, *g);
			continue;
		}
		push_part(&out, *g, g->start, start, g->from_ns, g->until_ns);
		push_part(&out, *g, end, g->end, g->from_ns, g->until_ns);
	}
	vec_free(gaps);
	*gaps = out;
}

void timeline_map(struct process *p, uint64_t time_ns, uint64_t earliest_ns, const struct mapping *new)
{
	mapping_list gaps = {0}, rest = {0};
	/* A later reading that did not see it: it was gone by then. */
	uint64_t until = time_ns < p->read_ns ? p->read_ns : UINT64_MAX;

	if (new->start >= new->end)
		return;
	push_part(&gaps, *new, new->start, new->end, time_ns, until);
	for (size_t i = upper_bound(p, new->end - 1, UINT64_MAX); i-- > 0 && p->maps.at[i].max_end > new->start;) {
		struct mapping *m = &p->maps.at[i];

		if (m->end <= new->start || m->until_ns <= time_ns)
			continue;
		if (m->from_ns <= time_ns) {
			if (agree(m, new)) {
				subtract(&gaps, m->start, m->end);
				continue;
			}
			cut(p, &rest, m, time_ns, new->start, new->end);
			take(p, i);
		} else if (agree(m, new) && m->earliest_ns <= time_ns) {
			struct mapping known = take(p, i);

			subtract(&gaps, known.start, known.end);
			known.from_ns = time_ns;
			vec_push(&rest, known);
		} else {
			if (m->earliest_ns < time_ns)
				m->earliest_ns = time_ns;
			if (m->from_ns < until)
				until = m->from_ns;
		}
	}
	for (size_t i = 0; i < gaps.n; i++) {
		gaps.at[i].earliest_ns = earliest_ns;
		push_part(&rest, gaps.at[i], gaps.at[i].start, gaps.at[i].end, time_ns, until);
	}
	vec_free(&gaps);
	insert_all(p, &rest);
	forget_oldest(p);
}

const struct mapping *timeline_find(const struct process *p, uint64_t addr, uint64_t time_ns)
{
	const struct mapping *later = NULL;

	for (size_t i = upper_bound(p, addr, UINT64_MAX); i-- > 0 && p->maps.at[i].max_end > addr;) {
		const struct mapping *m = &p->maps.at[i];

		if (m->end <= addr)
			continue;
		if (m->from_ns <= time_ns && time_ns < m->until_ns)
			return m;
		if (m->earliest_ns <= time_ns && time_ns < m->from_ns && (!later || m->from_ns < later->from_ns))
			later = m;
	}
	return later;
}
