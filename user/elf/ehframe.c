/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * .eh_frame is a list of records:
 *
 *     | length | 0            | version, augmentation, alignments, initial instructions |    CIE: shared by many FDEs
 *     | length | back to CIE  | pc begin, pc range, augmentation data, instructions     |    FDE: one function
 *     | 0 |                                                                                  end (of one linker input)
 *
 * Linkers write the FDEs in the order of their input, in which each object file's cold, startup and ordinary functions
 * alternate, while the functions themselves are laid out by kind. So this goes twice over the section: the first pass
 * reads the records' heads, CIEs fully, and notes each function's range and where its instructions are; the ranges are
 * sorted; the second pass runs the instructions in the order of addresses, straight into the final rows; of a large
 * file in two threads, each half of the functions.
 *
 * .debug_frame is the same but for what a record is known by: a CIE has -1 in place of 0, an FDE its CIE's offset in
 * the section; and both are 8 bytes where the length is.
 *
 * Where FDEs overlap, the one that starts first keeps its range (of two that start together, the one written first),
 * and the other loses what is covered already.
 */
#include "elf/ehframe.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/cfa.h"

/* Linkers merge equal CIEs: a program has a handful. */
#define CIES_MAX (1u << 16)
#define PARALLEL_MIN 20000	/* FDEs: some milliseconds */
#define RADIX_BITS 14
#define RADIX_MASK ((1u << RADIX_BITS) - 1)

struct cie {
	struct cfa_context ctx;
	uint32_t offset;	/* in the section */
	uint8_t pointer_encoding;
	bool bad, refused;	/* refused: can't be followed, though not damaged */
	bool augmented;		/* its FDEs have augmentation data, with a length */
	bool signal;		/* its FDEs are of frames that a signal interrupted into */
};

struct fde {
	uint32_t from, end;	/* of its rows, from base */
	uint32_t start;	/* what its program counts from */
	uint32_t program, program_end;	/* offsets in the section */
	uint32_t cie;
};

struct loader {
	const struct eh_frame *eh;
	size_t max;
	uint64_t base;
	vec_of(struct cie) cies;	/* by offset, which is the order they are met in */
	vec_of(struct fde) fdes;	/* as in the section */
	size_t last_cie, last_text;
	struct unwind_table *table;
};

/* One letter of the augmentation string after 'z', with its data. false: unknown. */
static bool read_augmentation(struct loader *l, struct cie *cie, char letter, struct dwcursor *data)
{
	const struct eh_frame *eh = l->eh;
	uint8_t encoding;

	switch (letter) {
	case 'L':	/* how FDEs write a pointer to language specific data */
		dw_u8(data);
		return true;
	case 'P':	/* personality routine: only stepped over */
		encoding = dw_u8(data);
		if (encoding == DW_PE_OMIT)
			return true;
		if (encoding == DW_PE_ALIGNED)
			dw_pointer(data, encoding, eh->data, eh->vaddr, NULL);
		else
			dw_format(data, encoding);
		return true;
	case 'R':
		cie->pointer_encoding = dw_u8(data);
		return true;
	case 'S':
		cie->signal = true;
		return true;
	default:
		return false;
	}
}

/*
 * The string is at s, NUL-terminated. An unknown letter's data has unknown length: what follows it can be skipped
 * because 'z' gives the length of all, unless the pointers' encoding is in there.
 */
static bool read_augmentations(struct loader *l, struct cie *cie, const char *s, struct dwcursor *c)
{
	struct dwcursor data = *c;
	uint64_t len;

	if (!*s)
		return true;
	if (*s++ != 'z')
		return false;
	cie->augmented = true;
	len = dw_uleb(c);
	data.p = c->p;
	dw_skip(c, len);
	if (c->bad)
		return false;
	data.end = c->p;
	for (; *s; s++)
		if (!read_augmentation(l, cie, *s, &data))
			return !strchr(s, 'R') && !data.bad;
	return !data.bad;
}

static bool encoding_is_followed(uint8_t encoding)
{
	unsigned int relative = encoding & 0xf0;

	return encoding == DW_PE_ALIGNED || relative == DW_PE_ABSPTR || relative == DW_PE_PCREL;
}

/* c is after the CIE's id. false: damaged or unknown. */
static bool read_cie_fields(struct loader *l, struct cie *cie, struct dwcursor *c)
{
	uint8_t version = dw_u8(c);
	const char *s = (const char *)c->p;
	const uint8_t *nul = memchr(c->p, 0, dw_left(c));
	uint64_t return_register;

	if ((version != 1 && version != 3 && version != 4) || !nul)
		return false;
	c->p = nul + 1;
	if (version == 4 && (dw_u8(c) != 8 || dw_u8(c) != 0))	/* sizes of addresses and of segment selectors */
		return false;
	cie->ctx.code_align = dw_uleb(c);
	cie->ctx.data_align = dw_sleb(c);
	return_register = version == 1 ? dw_u8(c) : dw_uleb(c);
	if (c->bad || return_register != CFA_REG_RETURN || !read_augmentations(l, cie, s, c))
		return false;
	cie->ctx.encoding = cie->pointer_encoding;
	cie->refused = !encoding_is_followed(cie->pointer_encoding);
	return cfa_run_initial(&cie->ctx, *c);
}

static void read_cie(struct loader *l, uint32_t offset, struct dwcursor c)
{
	struct unwind_stats *stats = &l->table->stats;
	struct cie cie = { .offset = offset };

	stats->cies++;
	cie.ctx.section = l->eh->data;
	cie.ctx.section_end = l->eh->data + l->eh->size;
	cie.ctx.section_vaddr = l->eh->vaddr;
	cie.bad = !read_cie_fields(l, &cie, &c);
	if (cie.bad)
		stats->bad_cies++;
	if (l->cies.n < CIES_MAX)
		vec_push(&l->cies, cie);
}

static const struct cie *find_cie(struct loader *l, uint32_t offset)
{
	size_t low = 0, high = l->cies.n;

	if (l->last_cie < l->cies.n && l->cies.at[l->last_cie].offset == offset)
		return &l->cies.at[l->last_cie];
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->cies.at[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == l->cies.n || l->cies.at[low].offset != offset)
		return NULL;
	l->last_cie = low;
	return &l->cies.at[low];
}

/* The stretch of code that holds all of [start, end), or NULL. */
static const struct eh_text *find_text(struct loader *l, uint64_t start, uint64_t end)
{
	const struct eh_text *text = &l->eh->text[l->last_text];
	size_t low = 0, high = l->eh->n_text;

	if (start < text->start || start >= text->end) {
		while (low < high) {
			size_t mid = low + (high - low) / 2;

			if (l->eh->text[mid].end <= start)
				low = mid + 1;
			else
				high = mid;
		}
		if (low == l->eh->n_text || start < l->eh->text[low].start)
			return NULL;
		l->last_text = low;
		text = &l->eh->text[low];
	}
	return end <= text->end ? text : NULL;
}

/* c is after the CIE pointer. UNWIND_SKIPS if the FDE was taken. */
static enum unwind_skip read_fde_fields(struct loader *l, const struct cie *cie, struct dwcursor *c)
{
	const struct eh_frame *eh = l->eh;
	const struct eh_text *text;
	uint64_t start, end, len;
	struct fde fde;

	if (cie->bad)
		return UNWIND_SKIP_BAD_CIE;
	if (cie->refused)
		return UNWIND_SKIP_ENCODING;
	if (cie->pointer_encoding == (DW_PE_PCREL | DW_PE_SDATA4)) {	/* as every compiler has it */
		start = eh->vaddr + (uint64_t)(c->p - eh->data);
		start += (uint64_t)(int64_t)(int32_t)dw_fixed(c, 4);
		len = (uint64_t)(int64_t)(int32_t)dw_fixed(c, 4);
	} else {
		start = dw_pointer(c, cie->pointer_encoding, eh->data, eh->vaddr, NULL);
		len = dw_format(c, cie->pointer_encoding);
	}
	if (cie->augmented)
		dw_skip(c, dw_uleb(c));
	if (c->bad)
		return UNWIND_SKIP_DAMAGED;
	/* What the linker discarded is at 0 in .debug_frame. */
	if (len == 0 || (eh->is_debug && start == 0))
		return UNWIND_SKIP_EMPTY;
	if (__builtin_add_overflow(start, len, &end))
		return UNWIND_SKIP_OUTSIDE;
	text = find_text(l, start, end);
	if (!text)
		return UNWIND_SKIP_OUTSIDE;
	/*
	 * A signal frame's handler returns to the first instruction here, with no call before it. A pc that is looked
	 * up as a return address, less one, has to find it too.
	 */
	fde.from = (uint32_t)(start - l->base) - (cie->signal && start > text->start);
	fde.start = (uint32_t)(start - l->base);
	fde.end = (uint32_t)(end - l->base);
	fde.program = (uint32_t)(c->p - eh->data);
	fde.program_end = (uint32_t)(c->end - eh->data);
	fde.cie = (uint32_t)(cie - l->cies.at);
	vec_push(&l->fdes, fde);
	return UNWIND_SKIPS;
}

static void read_fde(struct loader *l, uint64_t cie_at, struct dwcursor c)
{
	struct unwind_stats *stats = &l->table->stats;
	const struct cie *cie = cie_at <= UINT32_MAX ? find_cie(l, (uint32_t)cie_at) : NULL;
	enum unwind_skip skip = cie ? read_fde_fields(l, cie, &c) : UNWIND_SKIP_NO_CIE;

	stats->fdes++;
	if (skip != UNWIND_SKIPS)
		stats->skipped[skip]++;
}

/* A record after its length, wide: which has 8 bytes. */
static void read_record(struct loader *l, uint32_t offset, bool wide, struct dwcursor record)
{
	const bool debug = l->eh->is_debug;
	const uint64_t none = !debug ? 0 : wide ? UINT64_MAX : UINT32_MAX, at = (uint64_t)(record.p - l->eh->data);
	const uint64_t id = dw_fixed(&record, debug && wide ? 8 : 4);

	if (record.bad)
		return;	/* too short for either: nothing to know about it */
	if (id == none)
		read_cie(l, offset, record);
	else
		read_fde(l, debug ? id : at - id, record);	/* a distance backwards, from itself */
}

/* The first pass. 0 or -EFBIG. */
static int read_records(struct loader *l)
{
	const struct eh_frame *eh = l->eh;
	struct dwcursor c = { eh->data, eh->data + eh->size, false };

	/* Hardly any FDE is shorter. */
	l->fdes.cap = eh->size / 24 + 1;
	l->fdes.at = xmalloc_large(l->fdes.cap * sizeof(*l->fdes.at));
	while (dw_left(&c) >= 4) {
		uint32_t offset = (uint32_t)(c.p - eh->data);
		uint64_t len = dw_fixed(&c, 4);
		const bool wide = len == UINT32_MAX;
		struct dwcursor record;

		if (len == 0) {
			/* The end of one input; another may follow where it wasn't the linker's last. */
			if (eh->open_end)
				break;
			continue;
		}
		if (wide)
			len = dw_fixed(&c, 8);
		record = c;
		dw_skip(&c, len);
		if (c.bad) {
			l->table->stats.truncated = 1;
			break;
		}
		record.end = c.p;
		read_record(l, offset, wide, record);
		if (l->fdes.n > l->max)
			return -EFBIG;
	}
	return 0;
}

/*
 * The FDEs' numbers in the order of their start, equal ones as they are written: u32 from << 32 | number, by a stable
 * radix sort in as many rounds as the largest start needs, at best two. The caller's to free.
 */
static uint64_t *sort_fdes(const struct loader *l)
{
	const size_t n = l->fdes.n;
	uint64_t *keys = xrealloc_array(NULL, n, sizeof(*keys)), *other, max = 0;
	uint32_t counts[1 << RADIX_BITS];
	bool sorted = true;

	for (size_t i = 0; i < n; i++) {
		keys[i] = (uint64_t)l->fdes.at[i].from << 32 | i;
		sorted &= keys[i] >= max;
		max = keys[i] > max ? keys[i] : max;
	}
	if (sorted)
		return keys;
	other = xrealloc_array(NULL, n, sizeof(*other));
	for (unsigned int shift = 32; shift < 64 && max >> shift; shift += RADIX_BITS) {
		uint64_t *to = other;
		uint32_t sum = 0;

		memset(counts, 0, sizeof(counts));
		for (size_t i = 0; i < n; i++)
			counts[keys[i] >> shift & RADIX_MASK]++;
		for (size_t i = 0; i <= RADIX_MASK; i++) {
			uint32_t count = counts[i];

			counts[i] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[counts[keys[i] >> shift & RADIX_MASK]++] = keys[i];
		other = keys;
		keys = to;
	}
	free(other);
	return keys;
}

/* Some of the FDEs, in the order of their start, and their rows. */
struct part {
	const struct loader *l;
	const uint64_t *order;	/* as of sort_fdes() */
	size_t first, end;
	uint32_t covered;	/* up to here, from base, by those before; in the end by these too */
	struct cfa_rows rows;
	size_t overlaps, clipped, bad_programs;
	pthread_t thread;
};

static void *build_part(void *arg)
{
	struct part *p = arg;
	const struct loader *l = p->l;

	for (size_t i = p->first; i < p->end && !p->rows.full; i++) {
		const struct fde *fde = &l->fdes.at[(uint32_t)p->order[i]];
		struct dwcursor program = { l->eh->data + fde->program, l->eh->data + fde->program_end, false };
		struct cfa_range range = { l->base, l->base + fde->start, l->base + fde->from, l->base + fde->end };

		if (i && fde->from < p->covered) {
			if (fde->end <= p->covered) {
				p->overlaps++;
				continue;
			}
			p->clipped++;
			range.from = l->base + p->covered;
		} else if (i && fde->from > p->covered) {
			cfa_rows_add(&p->rows, p->covered, cfa_rule(UNWIND_CFA_GAP, 0));
		}
		if (!cfa_run(&l->cies.at[fde->cie].ctx, program, &range, &p->rows))
			p->bad_programs++;
		p->covered = fde->end;
	}
	return NULL;
}

/* Where a part of these FDEs begins if the one before it has them from `first` on. */
static struct part part_after(const struct loader *l, const uint64_t *order, size_t first, size_t end, uint32_t covered)
{
	struct part p = { .l = l, .order = order, .first = first, .end = end, .covered = covered };

	/* As many as there can be: one for each byte of a program, one more, and a gap; and the last gap. */
	p.rows.max = l->max;
	p.rows.cap = 2 * (end - first) + 1;
	for (size_t i = first; i < end; i++) {
		const struct fde *fde = &l->fdes.at[(uint32_t)order[i]];

		p.rows.cap += fde->program_end - fde->program;
	}
	if (p.rows.cap > l->max)
		p.rows.cap = l->max;
	return p;
}

/* What FDEs before the one at `end` cover. */
static uint32_t covered_before(const struct loader *l, const uint64_t *order, size_t end)
{
	uint32_t covered = 0;

	for (size_t i = 0; i < end; i++)
		if (l->fdes.at[(uint32_t)order[i]].end > covered)
			covered = l->fdes.at[(uint32_t)order[i]].end;
	return covered;
}

static void free_rows(struct cfa_rows *rows)
{
	if (!rows->lent)
		free(rows->at);
	vec_free(&rows->wide);
}

/* The wide rules of b behind those of a. */
static void join_wide(struct cfa_rows *all, struct cfa_rows *a, struct cfa_rows *b)
{
	const size_t first = a->wide.n;

	for (size_t i = 0; i < b->wide.n; i++)
		vec_push(&a->wide, b->wide.at[i]);
	for (size_t i = 0; i < b->n && b->wide.n; i++)
		if ((b->at[i].kind & 15) == UNWIND_CFA_WIDE)
			unwind_row_set_wide(&b->at[i], unwind_row_wide(&b->at[i]) + (uint32_t)first);
	all->wide.at = a->wide.at;
	all->wide.n = a->wide.n;
	all->wide.cap = a->wide.cap;
	a->wide.at = NULL;
	a->wide.n = a->wide.cap = 0;
}

/*
 * The rows of b behind those of a, which are freed. Both began in one piece of memory, a at its start, and most often
 * still are there: then they stay, and only b's move up. (A copy elsewhere would take longer than to make the rows,
 * nearly all of it for memory that is touched for the first time.)
 */
static struct cfa_rows join_rows(struct unwind_row *room, struct cfa_rows *a, struct cfa_rows *b)
{
	struct cfa_rows all = { .at = room, .n = a->n, .cap = a->n + b->n + 1, .max = a->max };
	uint32_t rule;

	join_wide(&all, a, b);
	if (!a->lent || !b->lent) {
		all.at = xrealloc_array(NULL, all.cap, sizeof(*all.at));
		memcpy(all.at, a->at, a->n * sizeof(*all.at));
	}
	if (b->n) {
		memcpy(&rule, (const char *)b->at + offsetof(struct unwind_row, kind), sizeof(rule));
		cfa_rows_add(&all, b->at->pc, rule);	/* unless it only says again what the last one does */
		memmove(all.at + all.n, b->at + 1, (b->n - 1) * sizeof(*all.at));
		all.n += b->n - 1;
	}
	free_rows(a);
	free_rows(b);
	if (all.at != room)
		free(room);
	return all;
}

/* The second pass; in two threads if there is much to do. 0 or -EFBIG. */
static int build_rows(struct loader *l)
{
	struct unwind_stats *stats = &l->table->stats;
	uint64_t *order = sort_fdes(l);
	const size_t n = l->fdes.n, half = n < PARALLEL_MIN ? n : n / 2;
	struct part a = part_after(l, order, 0, half, 0);
	struct part b = part_after(l, order, half, n, half < n ? covered_before(l, order, half) : 0);
	struct unwind_row *room = xmalloc_large((a.rows.cap + b.rows.cap + 1) * sizeof(*room));
	struct cfa_rows all;
	bool threaded;

	a.rows.at = room;
	b.rows.at = room + a.rows.cap;
	a.rows.lent = b.rows.lent = true;
	threaded = half < n && !pthread_create(&b.thread, NULL, build_part, &b);

	build_part(&a);
	if (threaded)
		pthread_join(b.thread, NULL);
	else
		build_part(&b);
	free(order);
	stats->skipped[UNWIND_SKIP_OVERLAP] += a.overlaps + b.overlaps;
	stats->clipped += a.clipped + b.clipped;
	stats->bad_programs += a.bad_programs + b.bad_programs;
	if (a.rows.full || b.rows.full || a.rows.n + b.rows.n > l->max) {
		free_rows(&a.rows);
		free_rows(&b.rows);
		free(room);
		return -EFBIG;
	}
	all = join_rows(room, &a.rows, &b.rows);
	if (n)
		cfa_rows_add(&all, half < n ? b.covered : a.covered, cfa_rule(UNWIND_CFA_GAP, 0));
	if (all.full || all.wide.n > UNWIND_WIDE_MAX) {
		all.lent = false;
		free_rows(&all);
		return -EFBIG;
	}
	l->table->rows = xrealloc_array(all.at, all.n, sizeof(*all.at));
	l->table->n = all.n;
	l->table->wide = all.wide.at;
	l->table->n_wide = all.wide.n;
	return 0;
}

int unwind_table_parse(const struct eh_frame *eh, size_t max_rows, struct unwind_table **out)
{
	struct loader l = { .eh = eh, .max = max_rows };
	int err;

	if (eh->n_text == 0 || eh->size > UINT32_MAX)
		return -ENOEXEC;
	l.base = eh->text[0].start;
	if (eh->text[eh->n_text - 1].end - l.base > UINT32_MAX)
		return -EOVERFLOW;
	l.table = xcalloc(1, sizeof(*l.table));
	l.table->base = l.base;
	err = read_records(&l);
	if (!err)
		err = build_rows(&l);
	vec_free(&l.cies);
	vec_free(&l.fdes);
	if (err) {
		unwind_table_free(l.table);
		return err;
	}
	*out = l.table;
	return 0;
}
