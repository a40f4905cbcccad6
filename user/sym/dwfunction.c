/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of a unit, and what is inlined in them. DIEs are a tree, written depth first:
 *
 *     compile_unit
 *       subprogram parse [0x1000, 0x1400)
 *         inlined_subroutine skip [0x1010, 0x1030) called at line 7
 *         lexical_block
 *           inlined_subroutine push [0x1100, 0x1180) called at line 9
 *             inlined_subroutine grow [0x1120, 0x1160) called at line 88
 *
 * A unit's functions are gathered when the first address of it is asked for, what is inlined in one when the first
 * address in that function is.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "sym/dwunit.h"

#define DEPTH_MAX 256	/* of the tree */

/* A walk over the tree below a DIE. */
struct walk {
	struct dwarf *d;
	uint64_t steps_left;	/* a file may have siblings that lead back into what was seen */
	int depth;
	Dwarf_Die at[DEPTH_MAX];
};

static bool walk_down(struct walk *w)
{
	if (w->depth + 1 >= DEPTH_MAX || dwarf_child(&w->at[w->depth], &w->at[w->depth + 1]) != 0)
		return false;
	w->depth++;
	return true;
}

/* The next DIE after the present one and all below it; false at the end. Depth 0 is the DIE that the walk is below. */
static bool walk_on(struct walk *w)
{
	for (; w->depth > 0; w->depth--) {
		const void *before = w->at[w->depth].addr;

		if (dw_tired(w->d) || !w->steps_left--)
			return false;
		if (dwarf_siblingof(&w->at[w->depth], &w->at[w->depth]) == 0 && w->at[w->depth].addr > before)
			return true;
	}
	return false;
}

static bool may_hold_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module;
}

static bool add_function(struct dwarf *d, struct dw_unit *u, Dwarf_Die *die)
{
	struct dw_function f = {.die = dwarf_dieoffset(die)};
	size_t before = u->ranges.r.n;
	bool ok = dw_add_ranges(d, die, (uint32_t)u->functions.n, &u->ranges, &f.start);

	if (u->ranges.r.n > before)
		vec_push(&u->functions, f);
	return ok;
}

/* deep: everywhere, else where compilers usually put functions. */
static void gather_functions(struct dwarf *d, struct dw_unit *u, bool deep)
{
	struct walk w = {.d = d, .steps_left = u->bytes};
	bool more;

	if ((!deep && !dw_read_abbrevs(d, u->abbrevs, 0)) || !dwarf_offdie(d->main.dw, u->die, &w.at[0]) ||
	    !walk_down(&w))
		return;
	do {
		int tag = dwarf_tag(&w.at[w.depth]);

		if (tag == DW_TAG_subprogram && !add_function(d, u, &w.at[w.depth]))
			break;
		more = (deep || may_hold_functions(tag)) && walk_down(&w);
	} while (more || walk_on(&w));
	dw_cut_ranges(&u->ranges);
}

void dw_free_functions(struct dw_unit *u)
{
	for (size_t i = 0; i < u->functions.n; i++) {
		vec_free(&u->functions.at[i].inlined);
		vec_free(&u->functions.at[i].ranges);
	}
	vec_free(&u->functions);
	dw_free_ranges(&u->ranges);
}

struct dw_function *dw_function_at(struct dwarf *d, struct dw_unit *u, uint64_t addr)
{
	uint32_t found = DW_NOTHING;

	while (!d->gave_up) {
		found = dw_find(&u->ranges, addr);
		if (found != DW_NOTHING || u->state == DW_UNIT_DEEP)
			break;
		dw_free_functions(u);
		gather_functions(d, u, u->state == DW_UNIT_SHALLOW);
		u->state++;
	}
	return found == DW_NOTHING || d->gave_up ? NULL : &u->functions.at[found];
}

static bool add_inlined(struct dwarf *d, struct dw_function *f, Dwarf_Die *die)
{
	struct dw_inlined i = {.die = dwarf_dieoffset(die), .first_range = (uint32_t)f->ranges.n};
	struct dw_ranges found = {0};
	bool ok = dw_add_ranges(d, die, (uint32_t)f->inlined.n, &found, NULL);

	for (size_t k = 0; k < found.r.n; k++)
		vec_push(&f->ranges, found.r.at[k]);
	vec_free(&found.r);
	i.n_ranges = (uint32_t)f->ranges.n - i.first_range;
	vec_push(&f->inlined, i);
	return ok;
}

static bool may_hold_inlined(int tag)
{
	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
		tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* Sets `next` of the inlined ones that are not above depth: all that is inlined in them has been seen. */
static void close_inlined(struct dw_function *f, uint32_t *open, int *n_open, const int *depths, int depth)
{
	while (*n_open > 0 && depths[*n_open - 1] >= depth)
		f->inlined.at[open[--*n_open]].next = (uint32_t)f->inlined.n;
}

static void gather_inlined(struct dwarf *d, struct dw_function *f, struct walk *w)
{
	uint32_t open[DEPTH_MAX];
	int depths[DEPTH_MAX], n_open = 0;
	bool more;

	if (!walk_down(w))
		return;
	do {
		int tag = dwarf_tag(&w->at[w->depth]);

		close_inlined(f, open, &n_open, depths, w->depth);
		if (tag == DW_TAG_inlined_subroutine) {
			open[n_open] = (uint32_t)f->inlined.n;
			depths[n_open++] = w->depth;
			if (!add_inlined(d, f, &w->at[w->depth]))
				break;
		}
		more = may_hold_inlined(tag) && walk_down(w);
	} while (more || walk_on(w));
	close_inlined(f, open, &n_open, depths, 0);
}

void dw_load_function(struct dwarf *d, struct dw_function *f)
{
	struct walk w = {.d = d, .steps_left = d->main.image.section[DW_SEC_INFO].size};

	if (f->loaded)
		return;
	f->loaded = true;
	if (!dwarf_offdie(d->main.dw, f->die, &w.at[0]))
		return;
	f->name = dw_function_name(&w.at[0]);
	gather_inlined(d, f, &w);
}
