// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the table of a Go program is. Linkers name its section .gopclntab, or put it into .data.rel.ro; without a name
 * its header is looked for in all data. A header is believed if the runtime's own description of the program, the
 * moduledata, points to it, and both agree on all that they have in common:
 *
 *     moduledata:  | header | names | … | functab, n + 1 | … | minpc | maxpc | text | etext | … | types | …
 *
 * In a position-independent program these words are relocations.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "base/mem.h"
#include "elf/goinside.h"
#include "elf/irelative.h"

#define CHUNK (1u << 20)	/* of a segment, read at a time */
#define HEADERS_MAX 4		/* that look sane; a program may carry another in its data */
#define POINTERS_MAX 16		/* to a header */
#define HEADER_MAX 72
#define WORDS 64		/* of a moduledata */
#define SLICE 3			/* words of one */

struct headers {
	struct go_header at[HEADERS_MAX];
	const char *found_by[HEADERS_MAX];
	size_t n;
};

/* Bytes of the file from vaddr to the end of its segment. */
static uint64_t room_at(const struct elf_file *ef, uint64_t vaddr)
{
	const uint64_t size = elf_file_size(ef);
	const struct elf_segment *seg;
	uint64_t left, offset;
	size_t n;

	seg = elf_file_segments(ef, &n);
	seg = segment_of_vaddr(seg, n, vaddr);
	if (!seg || !elf_vaddr_to_offset(ef, vaddr, &offset) || offset >= size)
		return 0;
	left = seg->filesz - (vaddr - seg->vaddr);
	return left < size - offset ? left : size - offset;
}

static bool find_layout(uint32_t magic, enum gopclntab_layout *layout)
{
	for (int i = 0; i < GOPCLNTAB_LAYOUTS; i++) {
		if (go_layouts[i].magic == magic) {
			*layout = (enum gopclntab_layout)i;
			return true;
		}
	}
	return false;
}

/* | magic | 0 0 | least length of an instruction | size of a pointer | functions | … */
static bool looks_like_header(const uint8_t *p)
{
	enum gopclntab_layout layout;

	return p[7] == 8 && p[6] == 1 && !p[5] && !p[4] && find_layout(go_u32(p), &layout);
}

/* p: HEADER_MAX bytes at vaddr. Whether counts and offsets make sense within its segment. */
static bool read_header(const struct elf_file *ef, const uint8_t *p, uint64_t vaddr, struct go_header *h)
{
	const struct go_layout *l;
	uint64_t entry;

	if (!looks_like_header(p) || !find_layout(go_u32(p), &h->layout))
		return false;
	l = &go_layouts[h->layout];
	h->vaddr = vaddr;
	h->room = room_at(ef, vaddr);
	h->n = go_u64(p + 8);
	h->names = h->cus = h->files = h->pcs = 0;
	h->functab = l->header;
	if (l->offsets) {
		const uint8_t *o = p + l->offsets;

		h->names = go_u64(o);
		h->cus = go_u64(o + 8);
		h->files = go_u64(o + 16);
		h->pcs = go_u64(o + 24);
		h->functab = go_u64(o + 32);
		if (h->names < l->header || h->cus < h->names || h->files < h->cus || h->pcs < h->files ||
		    h->functab < h->pcs)
			return false;
	}
	/* n entries, the end of the last function, and for 1.14 where the files are. */
	entry = l->relative ? 8 : 16;
	return h->n && h->functab < h->room && h->n < (h->room - h->functab) / entry;
}

static bool add_header(const struct elf_file *ef, uint64_t vaddr, const char *found_by, struct headers *found)
{
	uint8_t p[HEADER_MAX];

	for (size_t i = 0; i < found->n; i++)
		if (found->at[i].vaddr == vaddr)
			return true;
	if (found->n == HEADERS_MAX)
		return false;
	if (elf_read_vaddr(ef, vaddr, p, sizeof(p)) != sizeof(p) ||
	    !read_header(ef, p, vaddr, &found->at[found->n]))
		return true;
	found->found_by[found->n++] = found_by;
	return true;
}

/* Calls fn for [vaddr, vaddr + size) of the file piece by piece, each `over` bytes longer where there are more.
 * Pieces begin at multiples of 8 from vaddr. fn returns false to end it. */
typedef bool (*piece_fn)(void *ctx, const uint8_t *data, size_t size, uint64_t vaddr);

static void each_piece(const struct elf_file *ef, uint64_t vaddr, uint64_t size, size_t over, piece_fn fn, void *ctx)
{
	uint8_t *buf = xmalloc_large(size < CHUNK + over ? (size_t)size + 1 : CHUNK + over);

	for (uint64_t at = 0; at < size; at += CHUNK) {
		const size_t want = size - at < CHUNK + over ? (size_t)(size - at) : CHUNK + over;
		const size_t n = elf_read_vaddr(ef, vaddr + at, buf, want);

		if (n < want || !fn(ctx, buf, n, vaddr + at))
			break;
	}
	free(buf);
}

struct header_scan {
	const struct elf_file *ef;
	struct headers *found;
	const char *found_by;
	bool first_only;
};

static bool scan_headers(void *ctx, const uint8_t *data, size_t size, uint64_t vaddr)
{
	struct header_scan *s = ctx;

	for (size_t at = 0; at < CHUNK && at + HEADER_MAX <= size; at += 8)
		if (looks_like_header(data + at) &&
		    (!add_header(s->ef, vaddr + at, s->found_by, s->found) || (s->first_only && s->found->n)))
			return false;
	return true;
}

static void scan_range(const struct elf_file *ef, uint64_t vaddr, uint64_t size, const char *found_by,
		       bool first_only, struct headers *found)
{
	struct header_scan s = {ef, found, found_by, first_only};
	const uint64_t room = room_at(ef, vaddr);

	if (vaddr % 8 == 0)
		each_piece(ef, vaddr, size < room ? size : room, HEADER_MAX, scan_headers, &s);
}

static void find_by_section(const struct elf_file *ef, struct headers *found)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	const struct elf_section *sec;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		sec = elf_section_by_name(ef, names[i]);
		if (sec)
			add_header(ef, sec->vaddr, names[i], found);
	}
	if (found->n)
		return;
	sec = elf_section_by_name(ef, ".data.rel.ro");
	if (sec)
		scan_range(ef, sec->vaddr, sec->size, ".data.rel.ro", true, found);
}

static void find_by_scan(const struct elf_file *ef, struct headers *found)
{
	size_t n;
	const struct elf_segment *seg = elf_file_segments(ef, &n);

	for (size_t i = 0; i < n; i++)
		if (!(seg[i].flags & PF_X))
			scan_range(ef, seg[i].vaddr, seg[i].filesz, "scan", false, found);
}

/* --- the moduledata of a header */

struct pointer_scan {
	uint64_t to;
	uint64_t *slots;
	size_t n;
};

static bool scan_pointers(void *ctx, const uint8_t *data, size_t size, uint64_t vaddr)
{
	struct pointer_scan *s = ctx;

	for (size_t at = 0; at < CHUNK && at + 8 <= size; at += 8) {
		if (go_u64(data + at) != s->to)
			continue;
		if (s->n == POINTERS_MAX)
			return false;
		s->slots[s->n++] = vaddr + at;
	}
	return true;
}

/* Words of writable data that hold the address, by relocations and as they are in the file. */
static size_t find_pointers(const struct elf_file *ef, uint64_t to, uint64_t slots[POINTERS_MAX])
{
	struct pointer_scan s = {to, slots, 0};
	size_t n;
	const struct elf_segment *seg = elf_file_segments(ef, &n);

	s.n = elf_pointers_to(ef, to, slots, POINTERS_MAX);
	/* Position-independent code has none that are no relocations; Go's own linker writes both. */
	for (size_t i = 0; i < n && !s.n; i++)
		if ((seg[i].flags & PF_W) && seg[i].vaddr % 8 == 0)
			each_piece(ef, seg[i].vaddr, room_at(ef, seg[i].vaddr), 0, scan_pointers, &s);
	return s.n;
}

/* A slice {pointer, length, capacity} that begins there; the length is checked where it is the last. */
static bool is_slice(const uint64_t *w, uint64_t at, uint64_t most)
{
	return w[0] == at && w[1] <= most && w[2] >= w[1];
}

static bool slices_agree(const struct go_header *h, const struct go_layout *l, const uint64_t *w)
{
	const uint64_t *ftab = l->offsets ? w + 16 : w + 3, *all = l->offsets ? w + 13 : w;

	if (w[0] != h->vaddr || !is_slice(ftab, h->vaddr + h->functab, h->n + 1) || ftab[1] != h->n + 1)
		return false;
	if (!l->offsets)
		return is_slice(all, h->vaddr, h->room);
	return is_slice(w + 1, h->vaddr + h->names, h->cus - h->names) &&
	       is_slice(w + 4, h->vaddr + h->cus, h->files - h->cus) &&
	       is_slice(w + 7, h->vaddr + h->files, h->pcs - h->files) &&
	       is_slice(w + 10, h->vaddr + h->pcs, h->functab - h->pcs) &&
	       is_slice(all, h->vaddr + h->functab, h->room - h->functab);
}

/* w: WORDS words of what may be h's moduledata. is_plugin: it has the path of a plugin. */
static bool read_moduledata(const struct go_header *h, const uint64_t *w, struct go_moduledata *md, bool *is_plugin)
{
	const struct go_layout *l = &go_layouts[h->layout];
	const uint64_t *pcs = l->offsets ? w + 20 : w + 10, *types = w + l->end + 3, *path;

	if (!slices_agree(h, l, w))
		return false;
	md->minpc = pcs[0];
	md->maxpc = pcs[1];
	md->text = pcs[2];
	md->etext = pcs[3];
	md->types = types[0];
	md->etypes = types[1];
	md->rodata = md->gofunc = 0;
	path = types + 2 + 4 * SLICE;	/* after sections of code, links to types, links to itabs, exported symbols */
	if (l->relative) {
		/* 1.27: types, a length, etypes, two of itabs, rodata, gofunc, the table's end; no links. */
		const bool has_lengths = types[1] < types[0];

		path = types + (has_lengths ? 8 + 2 * SLICE : 4 + 4 * SLICE);
		md->etypes = types[has_lengths ? 2 : 1];
		md->rodata = types[has_lengths ? 5 : 2];
		md->gofunc = types[has_lengths ? 6 : 3];
	}
	*is_plugin = path[1] != 0;
	return md->text <= md->minpc && md->minpc < md->maxpc && md->maxpc <= md->etext && md->types <= md->etypes;
}

/* Of the pointers to the header the one that is in a moduledata. 0, -ENOENT, -ENOTSUP (several, or of a plugin). */
static int find_moduledata(const struct elf_file *ef, struct gopclntab *g)
{
	uint64_t slots[POINTERS_MAX], w[WORDS];
	const size_t n = find_pointers(ef, g->h.vaddr, slots);
	struct go_moduledata md = {0};
	bool found = false, is_plugin;

	for (size_t i = 0; i < n; i++) {
		elf_pointers_at(ef, slots[i], w, WORDS);
		if (!read_moduledata(&g->h, w, &md, &is_plugin))
			continue;
		if (is_plugin || (found && g->md.vaddr != slots[i]))
			return -ENOTSUP;
		found = true;
		g->md = md;
		g->md.vaddr = slots[i];
		g->size = g->l->offsets ? g->h.functab + w[14] : w[1];
	}
	return found ? 0 : -ENOENT;
}

static int take_header(const struct elf_file *ef, const struct headers *headers, struct gopclntab *g)
{
	for (size_t i = 0; i < headers->n; i++) {
		int err;

		g->h = headers->at[i];
		g->l = &go_layouts[g->h.layout];
		g->found_by = headers->found_by[i];
		err = find_moduledata(ef, g);
		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

int go_find(const struct elf_file *ef, struct gopclntab *g, const char **why)
{
	struct headers headers = {0};
	bool scanned = false;
	int err;

	find_by_section(ef, &headers);
	if (!headers.n) {
		find_by_scan(ef, &headers);
		scanned = true;
	}
	err = take_header(ef, &headers, g);
	/* A section that lies, or the data of .data.rel.ro. */
	if (err == -ENOENT && !scanned) {
		find_by_scan(ef, &headers);
		err = take_header(ef, &headers, g);
	}
	if (err == -ENOTSUP)
		*why = "a plugin, or several modules of Go in one file";
	if (err != -ENOENT)
		return err;
	*why = headers.n ? "no moduledata agrees with its .gopclntab" : "no .gopclntab";
	return headers.n ? -ENOEXEC : -ENOENT;
}
