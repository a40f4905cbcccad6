/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which unit (the debugging information of one source file and all it includes) holds an address. Only the first DIE
 * of each unit is read for that. .debug_aranges says the same, but not for all units: clang writes none.
 */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "elf/dwcursor.h"
#include "base/timelimit.h"
#include "sym/dwunit.h"

#define UNITS_MAX (1u << 20)
#define RANGES_MAX (16u << 20)
/*
 * libdw keeps what it reads of the tables of abbreviations, for each unit anew, also where units share one. Of all
 * units it is the little up to the first DIE's abbreviation (under 100 bytes each, and a Chromium has some 40,000
 * units), of those that are asked for functions the whole (1 or 2 KB; with link-time optimisation one table of some
 * 10 KB for many).
 */
#define ABBREV_BYTES_MAX (128u << 20)
#define SECONDS_MAX 20
#define STEPS_BETWEEN 256
#define NAME_STEPS_MAX 16

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void dw_start_clock(struct dwarf *d)
{
	d->since_ns = cpu_ns();
}

void dw_stop_clock(struct dwarf *d)
{
	uint64_t now = cpu_ns();

	d->spent_ns += now - d->since_ns;
	d->since_ns = now;
	d->gave_up |= d->spent_ns > SECONDS_MAX * 1000000000ull;
}

bool dw_tired(struct dwarf *d)
{
	if (!d->gave_up && ++d->steps % STEPS_BETWEEN == 0)
		dw_stop_clock(d);
	d->gave_up |= d->steps % STEPS_BETWEEN == 0 && timelimit_is_over();
	return d->gave_up;
}

bool dw_add_ranges(struct dwarf *d, Dwarf_Die *die, uint32_t what, struct dw_ranges *to, uint64_t *low)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	if (low)
		*low = UINT64_MAX;
	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		if (d->n_ranges++ >= RANGES_MAX || dw_tired(d))
			return false;
		/* Code that the linker left out is at 0 or above every address. */
		if (!start || start >= end)
			continue;
		vec_push(&to->r, ((struct dw_range){start, end, what}));
		if (low && start < *low)
			*low = start;
	}
	return true;
}

static uint64_t range_start(const void *of, size_t i)
{
	return ((const struct dw_range *)of)[i].start;
}

static uint64_t range_end(const void *of, size_t i)
{
	return ((const struct dw_range *)of)[i].end;
}

static bool range_wins(const void *of, size_t a, size_t b)
{
	const struct dw_range *r = of;
	uint64_t x = r[a].end - r[a].start, y = r[b].end - r[b].start;

	if (x != y)
		return x < y;
	return r[a].what != r[b].what ? r[a].what < r[b].what : a < b;
}

static struct ranges ranges_of(const struct dw_ranges *ranges)
{
	return (struct ranges){
		.of = ranges->r.at, .n = ranges->r.n, .start = range_start, .end = range_end, .wins = range_wins,
	};
}

static int compare_ranges(const void *a, const void *b)
{
	const struct dw_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->what < y->what ? -1 : x->what > y->what;
}

void dw_cut_ranges(struct dw_ranges *ranges)
{
	struct ranges of;

	if (ranges->r.n)
		qsort(ranges->r.at, ranges->r.n, sizeof(*ranges->r.at), compare_ranges);
	of = ranges_of(ranges);
	pieces_cut(&ranges->pieces, &of);
}

uint32_t dw_find(const struct dw_ranges *ranges, uint64_t addr)
{
	struct ranges of = ranges_of(ranges);
	size_t i = pieces_find(&ranges->pieces, &of, addr);

	return i == PIECES_NONE || addr >= ranges->r.at[i].end ? DW_NOTHING : ranges->r.at[i].what;
}

void dw_free_ranges(struct dw_ranges *ranges)
{
	vec_free(&ranges->r);
	pieces_free(&ranges->pieces);
}

/* The name may be at the declaration that this is a definition of, or at the function that this is an instance of;
 * references may lead in a circle. */
const char *dw_function_name(Dwarf_Die *die)
{
	const char *name = NULL, *linkage;
	Dwarf_Die at = *die, next;
	Dwarf_Attribute attr;

	for (int i = 0; i < NAME_STEPS_MAX; i++) {
		linkage = dwarf_formstring(dwarf_attr(&at, DW_AT_linkage_name, &attr));
		if (!linkage)
			linkage = dwarf_formstring(dwarf_attr(&at, DW_AT_MIPS_linkage_name, &attr));
		if (linkage)
			return linkage;
		if (!name)
			name = dwarf_formstring(dwarf_attr(&at, DW_AT_name, &attr));
		if (!dwarf_formref_die(dwarf_attr(&at, DW_AT_abstract_origin, &attr), &next) &&
		    !dwarf_formref_die(dwarf_attr(&at, DW_AT_specification, &attr), &next))
			break;
		at = next;
	}
	return name;
}

bool dw_read_abbrevs(struct dwarf *d, uint64_t offset, uint64_t last)
{
	const struct dw_bytes *b = &d->main.image.section[DW_SEC_ABBREV];
	uint64_t left = ABBREV_BYTES_MAX - d->abbrev_bytes, code, name, form;
	struct dwcursor c;

	if (offset >= b->size)
		return true;
	c = (struct dwcursor){b->data + offset, b->data + b->size, false};
	if (dw_left(&c) > left)
		c.end = c.p + left;
	while ((code = dw_uleb(&c)) && !c.bad) {
		dw_uleb(&c);
		dw_u8(&c);
		do {
			name = dw_uleb(&c);
			form = dw_uleb(&c);
			if (form == DW_FORM_implicit_const)
				dw_sleb(&c);
		} while ((name || form) && !c.bad);
		if (code == last)
			break;
	}
	d->abbrev_bytes += (uint64_t)(c.p - b->data) - offset;
	d->gave_up |= d->abbrev_bytes >= ABBREV_BYTES_MAX;
	return !d->gave_up;
}

/* That of the DIE at offset; 0 if there is none. */
static uint64_t abbrev_code(const struct dwarf *d, uint64_t offset)
{
	const struct dw_bytes *b = &d->main.image.section[DW_SEC_INFO];
	struct dwcursor c = {b->data + offset, b->data + b->size, false};

	return offset < b->size ? dw_uleb(&c) : 0;
}

static bool add_unit(struct dwarf *d, Dwarf_Off offset, uint64_t bytes, uint64_t abbrevs)
{
	struct dw_unit u = {.die = offset, .bytes = bytes, .abbrevs = abbrevs};
	Dwarf_Die die;
	int tag;

	if (!dwarf_offdie(d->main.dw, offset, &die))
		return true;
	tag = dwarf_tag(&die);
	if (tag != DW_TAG_compile_unit && tag != DW_TAG_skeleton_unit)
		return true;
	d->split |= tag == DW_TAG_skeleton_unit || dwarf_hasattr(&die, DW_AT_GNU_dwo_id);
	vec_push(&d->units, u);
	return dw_add_ranges(d, &die, (uint32_t)d->units.n - 1, &d->ranges, NULL);
}

bool dw_index_units(struct dwarf *d)
{
	Dwarf_Off at = 0, next, abbrevs;
	size_t header, n = 0;
	uint8_t address_size, offset_size;

	if (d->indexed)
		return !d->gave_up;
	d->indexed = true;
	while (!d->gave_up &&
	       dwarf_nextcu(d->main.dw, at, &next, &header, &abbrevs, &address_size, &offset_size) == 0) {
		if (next <= at || n++ >= UNITS_MAX || !dw_read_abbrevs(d, abbrevs, abbrev_code(d, at + header)) ||
		    dw_tired(d) || (address_size == 8 && !add_unit(d, at + header, next - at, abbrevs)))
			d->gave_up = true;
		at = next;
	}
	dw_cut_ranges(&d->ranges);
	return !d->gave_up;
}
