// SPDX-License-Identifier: GPL-2.0-or-later
/* alloctrace report FILE...: recordings, shown as the run would have been. */
#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/memlimit.h"
#include "base/timelimit.h"
#include "cli/cmd.h"
#include "cli/present.h"
#include "record/record.h"
#include "sym/debuginfod.h"

static const char *view_names(uint32_t views, struct buf *out)
{
	buf_reset(out);
	for (int i = 0; i < VIEW_KINDS; i++)
		if (views & VIEW_BIT(i))
			buf_printf(out, "%s%s", out->len ? "," : "", view_kinds[i].name);
	return buf_cstr(out);
}

/* Of those that there are, what every format can write; where one takes one view, the first of these. */
static uint32_t default_views(const struct options *o, uint32_t views)
{
	bool one = false;

	for (size_t i = 0; i < o->n_outputs; i++)
		for (int k = 0; k < VIEW_KINDS; k++) {
			one |= o->outputs[i].format->one_view;
			if (!(view_kinds[k].forms & o->outputs[i].format->form))
				views &= ~VIEW_BIT(k);
		}
	return one ? views & -views : views;
}

/* Those that were asked for, or that there are; 0 after logging an error. */
static uint32_t choose_views(const struct options *o, const struct recording *rec)
{
	uint32_t views = o->views;
	struct buf there = {0}, wanted = {0};

	view_names(rec->views, &there);
	if (!views)
		views = default_views(o, rec->views);
	if (!rec->views)
		fail(-EINVAL, "%s: the recordings have no view in common", o->files[0]);
	else if (views & ~rec->views)
		fail(-EINVAL, "%s: it has no view %s: it was recorded with --view %s", o->files[0],
		     view_names(views & ~rec->views, &wanted), buf_cstr(&there));
	else if (!views)
		fail(-EINVAL, "%s: the format cannot be written of --view %s", o->files[0], buf_cstr(&there));
	views = views & ~rec->views ? 0 : views;
	buf_free(&there);
	buf_free(&wanted);
	return views;
}

/* Both recordings have to have a view. */
static int check_base(const struct options *o, const struct recording *base, uint32_t views)
{
	struct buf names = {0};
	int err = 0;

	if (views & ~base->views)
		err = fail(-EINVAL, "%s: it has no view %s", o->diff_base, view_names(views & ~base->views, &names));
	buf_free(&names);
	return err;
}

/* base: what it is compared with, or NULL. */
static int show(const struct options *o, const struct recording *rec, const struct recording *base)
{
	const struct view_by both = view_both(o->by, o->then);
	const uint32_t views = choose_views(o, rec);
	bool reader_gone = false;
	struct present *present;
	int err = views ? 0 : -EINVAL;

	if (!err && both.by_thread && !rec->threads)
		err = fail(-EINVAL, "%s: it does not distinguish threads: record with --by thread", o->files[0]);
	if (!err && both.by_goroutine && !rec->goroutines)
		err = fail(-EINVAL, "%s: it does not distinguish goroutines: record with --by goroutine", o->files[0]);
	if (!err && both.by_label && !rec->labels)
		err = fail(-EINVAL, "%s: it has no labels of goroutines: record with --by label", o->files[0]);
	if (!err && base)
		err = check_base(o, base, views);
	if (!err)
		err = present_open(o, 0, &present);
	if (err)
		return err;
	present_compare(present, base);
	err = present_write(present, rec, views, NULL, &reader_gone);
	present_close(present);
	return err;
}

/* What the user says of it holds. */
static struct recording recording_of(const struct options *o, struct stored *stored)
{
	struct recording rec = *stored_recording(stored);

	rec.ops = o->ops ? o->ops : rec.ops;
	return rec;
}

/* Of what is asked for; base: NULL: it is compared with nothing. */
static int show_part(const struct options *o, struct stored *stored, struct stored *base)
{
	const struct recording rec = recording_of(o, stored), *before = base ? stored_recording(base) : NULL;
	struct filter *part, *part_before = NULL;
	int err;

	if (!filter_is_any(&o->filter))
		return show(o, &rec, before);
	part = filter_new(&o->filter, &rec);
	if (before)
		part_before = filter_new(&o->filter, before);
	err = show(o, filter_recording(part), before ? filter_recording(part_before) : NULL);
	filter_free(part);
	filter_free(part_before);
	return err;
}

int cmd_report(const struct options *o)
{
	const struct stored_options so = {
		.no_inline = o->no_inline, .demangle = !o->no_demangle, .symbol_path = o->symbol_path,
		.timed = o->time != NULL, .from_ns = o->from_ns, .until_ns = o->until_ns,
	};
	struct stored *stored, *base;
	int err = 0;

	signal(SIGPIPE, SIG_IGN);
	memlimit_set(o->max_memory);
	debuginfod_allow();
	timelimit_start(o->max_naming_ns);
	stored = stored_new(&so);
	base = stored_new(&so);
	for (char **file = o->files; *file && !err; file++)
		err = stored_add(stored, *file);
	if (!err && o->diff_base)
		err = stored_add(base, o->diff_base);
	if (!err)
		err = show_part(o, stored, o->diff_base ? base : NULL);
	if (timelimit_stop())
		warn("symbol lookup exceeded --max-naming: some names are missing");
	stored_free(stored);
	stored_free(base);
	return err ? STATUS_FAILED : STATUS_DONE;
}
