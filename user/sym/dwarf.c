/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an address to functions and lines, in steps that each keep what they found: the unit that holds the address
 * (dwindex.c), the function in it and what is inlined there (dwfunction.c), the row of the line table (dwline.c). So an
 * address costs a few binary searches, once the first one of its unit has been asked for; units that nobody asks
 * for cost nothing but their first DIE.
 */
#include "sym/dwarf.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sym/dwunit.h"

/* Rows of all line tables of a file that are kept; 16 bytes each. */
#define ROWS_MAX (32u << 20)

bool dwarf_is_in(const struct elf_file *ef)
{
	const struct elf_section *sec = elf_section_by_name(ef, ".debug_info");

	return sec && sec->type != SHT_NOBITS && sec->size;
}

static void close_image(struct dw_opened *o)
{
	dwarf_end(o->dw);
	elf_end(o->elf);
	dw_image_free(&o->image);
	*o = (struct dw_opened){0};
}

static int open_image(const struct elf_file *ef, struct dw_opened *o)
{
	int err = dw_image_make(ef, &o->image);

	if (err)
		return err;
	o->elf = elf_memory((char *)o->image.memory, o->image.size);
	o->dw = o->elf ? dwarf_begin_elf(o->elf, DWARF_C_READ, NULL) : NULL;
	if (o->dw)
		return 0;
	close_image(o);
	return -ENOEXEC;
}

int dwarf_open(const struct elf_file *ef, struct dwarf **out)
{
	struct dwarf *d;
	int err;

	if (!dwarf_is_in(ef))
		return -ENOENT;
	d = xcalloc(1, sizeof(*d));
	err = open_image(ef, &d->main);
	if (err) {
		dwarf_close(d);
		return err;
	}
	*out = d;
	return 0;
}

void dwarf_set_alt(struct dwarf *d, const struct elf_file *alt)
{
	if (!d->alt.dw && !open_image(alt, &d->alt))
		dwarf_setalt(d->main.dw, d->alt.dw);
}

bool dwarf_is_split(const struct dwarf *d)
{
	return d->split;
}

bool dwarf_gave_up(const struct dwarf *d)
{
	return d->gave_up;
}

void dwarf_close(struct dwarf *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->units.n; i++) {
		dw_free_functions(&d->units.at[i]);
		dw_lines_free(&d->units.at[i].lines);
		u64map_free(&d->units.at[i].paths);
	}
	vec_free(&d->units);
	dw_free_ranges(&d->ranges);
	strpool_free(&d->paths);
	close_image(&d->main);
	close_image(&d->alt);
	free(d);
}

static bool load_lines(struct dwarf *d, struct dw_unit *u)
{
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	Dwarf_Die die;

	if (u->asked_lines)
		return u->has_lines;
	u->asked_lines = true;
	if (!dwarf_offdie(d->main.dw, u->die, &die))
		return false;
	u->comp_dir = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr));
	if (!dwarf_attr(&die, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &offset) != 0)
		return false;
	u->has_lines = dw_lines_read(&u->lines, &d->main.image, offset, u->comp_dir, ROWS_MAX - d->n_rows);
	d->n_rows += u->lines.rows.n;
	return u->has_lines;
}

static const char *path_of(struct dwarf *d, struct dw_unit *u, uint64_t file)
{
	struct buf path = {0};
	uint64_t *id;
	bool is_new;

	id = u64map_put(&u->paths, file, &is_new);
	if (is_new) {
		dw_lines_path(&u->lines, u->comp_dir, file, &path);
		*id = strpool_id(&d->paths, buf_cstr(&path));
		buf_free(&path);
	}
	return *d->paths.strings[*id] ? d->paths.strings[*id] : NULL;
}

static void name_inlined(struct dwarf *d, struct dw_unit *u, struct dw_inlined *i)
{
	Dwarf_Attribute attr;
	Dwarf_Word n;
	Dwarf_Die die;

	if (i->named)
		return;
	i->named = true;
	if (!dwarf_offdie(d->main.dw, i->die, &die))
		return;
	i->name = dw_function_name(&die);
	if (dwarf_attr(&die, DW_AT_call_line, &attr) && dwarf_formudata(&attr, &n) == 0 && n <= UINT32_MAX)
		i->call_line = (uint32_t)n;
	if (load_lines(d, u) && dwarf_attr(&die, DW_AT_call_file, &attr) && dwarf_formudata(&attr, &n) == 0)
		i->call_file = path_of(d, u, n);
}

static bool covers(const struct dw_function *f, const struct dw_inlined *i, uint64_t addr)
{
	for (uint32_t k = i->first_range; k < i->first_range + i->n_ranges; k++)
		if (addr >= f->ranges.at[k].start && addr < f->ranges.at[k].end)
			return true;
	return false;
}

/* The places from the function proper inwards; how many. The last one's line is not known yet. */
static size_t places_inwards(struct dwarf *d, struct dw_unit *u, struct dw_function *f, uint64_t addr,
			     struct dwarf_place places[DWARF_PLACES_MAX])
{
	size_t n = 1, i = 0, end = f->inlined.n;

	places[0] = (struct dwarf_place){.function = f->name};
	while (i < end && n < DWARF_PLACES_MAX) {
		struct dw_inlined *in = &f->inlined.at[i];

		if (!covers(f, in, addr)) {
			i = in->next;
			continue;
		}
		name_inlined(d, u, in);
		places[n - 1].file = in->call_file;
		places[n - 1].line = in->call_line;
		places[n++] = (struct dwarf_place){.function = in->name};
		end = in->next;
		i++;
	}
	return n;
}

static void reverse(struct dwarf_place *places, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct dwarf_place swap = places[i];

		places[i] = places[n - 1 - i];
		places[n - 1 - i] = swap;
	}
}

static size_t look_up(struct dwarf *d, uint64_t vaddr, struct dwarf_place *places, uint64_t *start)
{
	uint32_t unit = dw_index_units(d) ? dw_find(&d->ranges, vaddr) : DW_NOTHING;
	const struct dw_row *row = NULL;
	struct dw_function *f;
	struct dw_unit *u;
	size_t n = 0;

	if (unit == DW_NOTHING)
		return 0;
	u = &d->units.at[unit];
	f = dw_function_at(d, u, vaddr);
	if (f) {
		dw_load_function(d, f);
		*start = f->start;
		n = places_inwards(d, u, f, vaddr, places);
	}
	if (load_lines(d, u))
		row = dw_lines_at(&u->lines, vaddr);
	if (!n && row)
		places[n++] = (struct dwarf_place){0};
	if (row && row->line) {
		places[n - 1].line = row->line;
		places[n - 1].file = path_of(d, u, row->file);
	}
	reverse(places, n);
	return n;
}

size_t dwarf_at(struct dwarf *d, uint64_t vaddr, struct dwarf_place places[DWARF_PLACES_MAX], uint64_t *start)
{
	size_t n;

	*start = 0;
	if (d->gave_up)
		return 0;
	dw_start_clock(d);
	n = look_up(d, vaddr, places, start);
	dw_stop_clock(d);
	return d->gave_up ? 0 : n;
}
