/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line table is a program for a small machine with the registers address, file and line. Each of its rows holds from
 * its address to the next row's; a sequence of rows, of code that is contiguous, ends with a row that holds nothing:
 *
 *     header: version, how opcodes are packed, directories, files
 *     set_address 0x1000 | line += 41, row | address += 4, line += 1, row | address += 6, end of sequence
 *
 * An opcode of one byte, a "special" one, advances address and line at once and makes a row.
 */
#include "sym/dwline.h"

#include <stdlib.h>
#include <string.h>

#include "elf/dwcursor.h"

#define PATH_BYTES_MAX 4096
#define PART_BYTES_MAX 4096

enum {
	LNS_COPY = 1, LNS_ADVANCE_PC, LNS_ADVANCE_LINE, LNS_SET_FILE, LNS_SET_COLUMN, LNS_NEGATE_STMT,
	LNS_SET_BASIC_BLOCK, LNS_CONST_ADD_PC, LNS_FIXED_ADVANCE_PC, LNS_SET_PROLOGUE_END, LNS_SET_EPILOGUE_BEGIN,
	LNS_SET_ISA,
};

enum { LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS };

enum { LNCT_PATH = 1, LNCT_DIRECTORY_INDEX };

enum {
	FORM_DATA2 = 0x05, FORM_DATA4 = 0x06, FORM_DATA8 = 0x07, FORM_STRING = 0x08, FORM_BLOCK = 0x09,
	FORM_DATA1 = 0x0b, FORM_STRP = 0x0e, FORM_UDATA = 0x0f, FORM_DATA16 = 0x1e, FORM_LINE_STRP = 0x1f,
};

struct reader {
	struct dw_lines *l;
	const struct dw_image *image;
	struct dwcursor c;
	size_t max_rows;
	size_t offset_size;	/* 4, or 8 in 64-bit DWARF */
	uint8_t min_length, line_range, opcode_base, lengths[256];
	int8_t line_base;
	/* The machine. */
	uint64_t addr, line, file;
	size_t first;		/* row of the sequence that is being read */
	bool unsorted;
};

static const char *take_string(struct dwcursor *c)
{
	const uint8_t *nul = memchr(c->p, 0, dw_left(c)), *s = c->p;

	if (!nul) {
		dw_fail(c);
		return "";
	}
	c->p = nul + 1;
	return (const char *)s;
}

/* Zeros follow a section, so that a string ends. */
static const char *string_at(const struct dw_bytes *b, uint64_t offset)
{
	return offset < b->size ? (const char *)b->data + offset : "";
}

/* --- header */

static void read_old_files(struct reader *r, const char *comp_dir)
{
	struct dw_lines *l = r->l;
	const char *s;

	vec_push(&l->dirs, comp_dir);
	while (*(s = take_string(&r->c)) && !r->c.bad)
		vec_push(&l->dirs, s);
	vec_push(&l->files, ((struct dw_file){.name = ""}));	/* files count from 1 */
	while (*(s = take_string(&r->c)) && !r->c.bad) {
		struct dw_file f = {.name = s, .dir = dw_uleb(&r->c)};

		dw_uleb(&r->c);
		dw_uleb(&r->c);
		vec_push(&l->files, f);
	}
}

struct entry_format {
	uint64_t content[256], form[256];
	unsigned int n;
};

static void read_format(struct reader *r, struct entry_format *f)
{
	f->n = dw_u8(&r->c);
	for (unsigned int i = 0; i < f->n; i++) {
		f->content[i] = dw_uleb(&r->c);
		f->form[i] = dw_uleb(&r->c);
	}
}

static void read_field(struct reader *r, uint64_t form, const char **string, uint64_t *number)
{
	struct dwcursor *c = &r->c;

	switch (form) {
	case FORM_STRING:
		*string = take_string(c);
		return;
	case FORM_LINE_STRP:
		*string = string_at(&r->image->section[DW_SEC_LINE_STR], dw_fixed(c, r->offset_size));
		return;
	case FORM_STRP:
		*string = string_at(&r->image->section[DW_SEC_STR], dw_fixed(c, r->offset_size));
		return;
	case FORM_UDATA:
		*number = dw_uleb(c);
		return;
	case FORM_DATA1:
		*number = dw_u8(c);
		return;
	case FORM_DATA2:
		*number = dw_fixed(c, 2);
		return;
	case FORM_DATA4:
		*number = dw_fixed(c, 4);
		return;
	case FORM_DATA8:
		*number = dw_fixed(c, 8);
		return;
	case FORM_DATA16:
		dw_skip(c, 16);
		return;
	case FORM_BLOCK:
		dw_skip(c, dw_uleb(c));
		return;
	default:
		dw_fail(c);
	}
}

/* Version 5: a table of entries, each with the fields that the format names. */
static void read_entries(struct reader *r, bool files)
{
	struct entry_format f;
	uint64_t n;

	read_format(r, &f);
	n = dw_uleb(&r->c);
	for (uint64_t i = 0; i < n && !r->c.bad; i++) {
		const uint8_t *before = r->c.p;
		struct dw_file e = {.name = ""};

		for (unsigned int k = 0; k < f.n; k++) {
			const char *string = NULL;
			uint64_t number = 0;

			read_field(r, f.form[k], &string, &number);
			if (f.content[k] == LNCT_PATH && string)
				e.name = string;
			else if (f.content[k] == LNCT_DIRECTORY_INDEX)
				e.dir = number;
		}
		if (r->c.p == before)	/* any number of entries would fit */
			dw_fail(&r->c);
		else if (files)
			vec_push(&r->l->files, e);
		else
			vec_push(&r->l->dirs, e.name);
	}
}

/* Leaves the cursor at the program, and its end at the table's. */
static bool read_header(struct reader *r, const char *comp_dir)
{
	struct dwcursor *c = &r->c;
	uint64_t length = dw_fixed(c, 4), header_length;
	const uint8_t *program;

	r->offset_size = length == 0xffffffff ? 8 : 4;
	if (r->offset_size == 8)
		length = dw_fixed(c, 8);
	if (c->bad || length > dw_left(c))
		return false;
	c->end = c->p + length;
	r->l->version = (unsigned int)dw_fixed(c, 2);
	if (r->l->version < 2 || r->l->version > 5)
		return false;
	if (r->l->version >= 5)
		dw_skip(c, 2);
	header_length = dw_fixed(c, r->offset_size);
	if (c->bad || header_length > dw_left(c))
		return false;
	program = c->p + header_length;
	r->min_length = dw_u8(c);
	if (r->l->version >= 4)
		dw_u8(c);	/* operations of an instruction: 1 where there are no bundles */
	dw_u8(c);
	r->line_base = (int8_t)dw_u8(c);
	r->line_range = dw_u8(c);
	r->opcode_base = dw_u8(c);
	for (unsigned int i = 1; i < r->opcode_base; i++)
		r->lengths[i] = dw_u8(c);
	if (r->l->version >= 5) {
		read_entries(r, false);
		read_entries(r, true);
	} else {
		read_old_files(r, comp_dir);
	}
	if (c->bad || !r->line_range || !r->opcode_base || c->p > program)
		return false;
	c->p = program;
	return true;
}

/* --- program */

static void start_sequence(struct reader *r)
{
	r->addr = 0;
	r->line = r->file = 1;
	r->unsorted = false;
	r->first = r->l->rows.n;
}

static bool add_row(struct reader *r)
{
	struct dw_row row = {r->addr, r->line <= UINT32_MAX ? (uint32_t)r->line : 0, (uint32_t)r->file};
	struct dw_row *last = r->l->rows.n > r->first ? &r->l->rows.at[r->l->rows.n - 1] : NULL;

	if (last && last->addr == row.addr) {
		*last = row;
		return true;
	}
	if (last && last->addr > row.addr)
		r->unsorted = true;
	if (last && last->line == row.line && last->file == row.file)
		return true;
	if (r->l->rows.n >= r->max_rows)
		return false;
	vec_push(&r->l->rows, row);
	return true;
}

/* Code that the linker left out is at 0 or above every address. */
static void end_sequence(struct reader *r)
{
	size_t n = r->l->rows.n - r->first;
	uint64_t start = n ? r->l->rows.at[r->first].addr : 0;

	if (start && !r->unsorted && r->addr > start && r->addr >= r->l->rows.at[r->l->rows.n - 1].addr)
		vec_push(&r->l->sequences,
			 ((struct dw_sequence){start, r->addr, (uint32_t)r->first, (uint32_t)n}));
	else
		r->l->rows.n = r->first;
	start_sequence(r);
}

static void run_extended(struct reader *r)
{
	struct dwcursor *c = &r->c;
	uint64_t len = dw_uleb(c);
	const uint8_t *end;

	if (!len || len > dw_left(c)) {
		dw_fail(c);
		return;
	}
	end = c->p + len;
	switch (dw_u8(c)) {
	case LNE_END_SEQUENCE:
		end_sequence(r);
		break;
	case LNE_SET_ADDRESS:
		if (len == 9 || len == 5)
			r->addr = dw_fixed(c, len - 1);
		break;
	}
	c->p = end;
}

/* false: a row too many. */
static bool run_standard(struct reader *r, uint8_t op)
{
	struct dwcursor *c = &r->c;

	switch (op) {
	case LNS_COPY:
		return add_row(r);
	case LNS_ADVANCE_PC:
		r->addr += dw_uleb(c) * r->min_length;
		break;
	case LNS_ADVANCE_LINE:
		r->line += (uint64_t)dw_sleb(c);
		break;
	case LNS_SET_FILE:
		r->file = dw_uleb(c);
		break;
	case LNS_CONST_ADD_PC:
		r->addr += (uint64_t)((255 - r->opcode_base) / r->line_range) * r->min_length;
		break;
	case LNS_FIXED_ADVANCE_PC:
		r->addr += dw_fixed(c, 2);
		break;
	case LNS_NEGATE_STMT: case LNS_SET_BASIC_BLOCK: case LNS_SET_PROLOGUE_END: case LNS_SET_EPILOGUE_BEGIN:
		break;
	case LNS_SET_COLUMN: case LNS_SET_ISA:
		dw_uleb(c);
		break;
	default:
		for (unsigned int i = 0; i < r->lengths[op]; i++)
			dw_uleb(c);
	}
	return true;
}

static bool run(struct reader *r)
{
	start_sequence(r);
	while (r->c.p < r->c.end && !r->c.bad) {
		uint8_t op = dw_u8(&r->c);

		if (op >= r->opcode_base) {
			op -= r->opcode_base;
			r->addr += (uint64_t)(op / r->line_range) * r->min_length;
			r->line += (uint64_t)(int64_t)(r->line_base + op % r->line_range);
			if (!add_row(r))
				return false;
		} else if (!op) {
			run_extended(r);
		} else if (!run_standard(r, op)) {
			return false;
		}
	}
	r->l->rows.n = r->first;	/* a sequence without an end */
	return true;
}

/* --- look-up */

static uint64_t sequence_start(const void *of, size_t i)
{
	return ((const struct dw_sequence *)of)[i].start;
}

static uint64_t sequence_end(const void *of, size_t i)
{
	return ((const struct dw_sequence *)of)[i].end;
}

static bool sequence_wins(const void *of, size_t a, size_t b)
{
	const struct dw_sequence *s = of;
	uint64_t x = s[a].end - s[a].start, y = s[b].end - s[b].start;

	return x != y ? x < y : s[a].first < s[b].first;
}

static struct ranges ranges_of(const struct dw_lines *l)
{
	return (struct ranges){
		.of = l->sequences.at, .n = l->sequences.n, .start = sequence_start, .end = sequence_end,
		.wins = sequence_wins,
	};
}

static int compare_sequences(const void *a, const void *b)
{
	const struct dw_sequence *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

bool dw_lines_read(struct dw_lines *l, const struct dw_image *image, uint64_t offset, const char *comp_dir,
		   size_t max_rows)
{
	const struct dw_bytes *b = &image->section[DW_SEC_LINE];
	struct reader r = {.l = l, .image = image, .max_rows = max_rows < UINT32_MAX ? max_rows : UINT32_MAX};
	struct ranges ranges;

	*l = (struct dw_lines){0};
	if (offset >= b->size)
		return false;
	r.c = (struct dwcursor){b->data + offset, b->data + b->size, false};
	if (!read_header(&r, comp_dir) || !run(&r)) {
		dw_lines_free(l);
		return false;
	}
	if (l->sequences.n)
		qsort(l->sequences.at, l->sequences.n, sizeof(*l->sequences.at), compare_sequences);
	ranges = ranges_of(l);
	pieces_cut(&l->pieces, &ranges);
	return true;
}

void dw_lines_free(struct dw_lines *l)
{
	vec_free(&l->rows);
	vec_free(&l->sequences);
	vec_free(&l->dirs);
	vec_free(&l->files);
	pieces_free(&l->pieces);
}

const struct dw_row *dw_lines_at(const struct dw_lines *l, uint64_t addr)
{
	struct ranges ranges = ranges_of(l);
	size_t i = pieces_find(&l->pieces, &ranges, addr), low, high;
	const struct dw_sequence *s;

	if (i == PIECES_NONE || addr >= l->sequences.at[i].end)
		return NULL;
	s = &l->sequences.at[i];
	for (low = s->first, high = s->first + s->n; high - low > 1;) {
		size_t mid = low + (high - low) / 2;

		if (l->rows.at[mid].addr <= addr)
			low = mid;
		else
			high = mid;
	}
	return &l->rows.at[low];
}

/* A part of a path with a slash before it where one is due; what is absolute begins anew. */
static void add_part(struct buf *path, const char *part)
{
	size_t len = part ? strnlen(part, PART_BYTES_MAX) : 0;

	if (!len || path->len + len + 1 > PATH_BYTES_MAX)
		return;
	if (part[0] == '/')
		buf_reset(path);
	while (len >= 2 && part[0] == '.' && part[1] == '/') {
		part += 2;
		len -= 2;
	}
	if (!len || (len == 1 && *part == '.'))
		return;
	if (path->len && path->data[path->len - 1] != '/')
		buf_char(path, '/');
	buf_add(path, part, len);
}

void dw_lines_path(const struct dw_lines *l, const char *comp_dir, uint64_t file, struct buf *out)
{
	struct buf path = {0};
	const struct dw_file *f;

	if (file >= l->files.n || !*l->files.at[file].name)
		return;
	f = &l->files.at[file];
	add_part(&path, l->dirs.n && l->dirs.at[0] && *l->dirs.at[0] ? l->dirs.at[0] : comp_dir);
	if (f->dir && f->dir < l->dirs.n)
		add_part(&path, l->dirs.at[f->dir]);
	add_part(&path, f->name);
	buf_str(out, buf_cstr(&path));
	buf_free(&path);
}
