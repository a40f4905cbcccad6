/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/comparison.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memlimit.h"
#include "base/outfile.h"
#include "base/timelimit.h"
#include "cli/present.h"
#include "record/record.h"
#include "sym/debuginfod.h"

/* Rows may take this share of the limit: a recording takes most of it while it is read. */
#define ROWS_SHARE 4

void comparison_start(const struct options *o, enum view_id view, struct series *s)
{
	signal(SIGPIPE, SIG_IGN);
	memlimit_set(o->max_memory);
	debuginfod_allow();
	timelimit_start(o->max_naming_ns);
	*s = (struct series){
		.by = o->by, .then = o->then, .metric = o->metric, .cum = o->cum, .unit = o->normalize, .ops = o->ops,
		.view = o->views ? (enum view_id)__builtin_ctz(o->views) : view,
		.most_bytes = o->max_memory / ROWS_SHARE,
	};
	series_init(s);
}

static int check(const struct options *o, const struct series *s, const struct recording *rec, const char *path)
{
	const struct view_by both = view_both(o->by, o->then);

	if (!(rec->views & VIEW_BIT(s->view)))
		return fail(-EINVAL, "%s: it has no view %s, which can be recorded with --view %s", path,
			    view_kinds[s->view].name, view_kinds[s->view].name);
	if (both.by_thread && !rec->threads)
		return fail(-EINVAL, "%s: it does not distinguish threads: record with --by thread", path);
	if (both.by_goroutine && !rec->goroutines)
		return fail(-EINVAL, "%s: it does not distinguish goroutines: record with --by goroutine", path);
	if (both.by_label && !rec->labels)
		return fail(-EINVAL, "%s: it has no labels of goroutines: record with --by label", path);
	return 0;
}

int comparison_add(const struct options *o, struct series *s, const char *path, int side)
{
	const struct stored_options so = {
		.no_inline = o->no_inline, .demangle = !o->no_demangle, .symbol_path = o->symbol_path,
	};
	struct stored *stored;
	int err;

	if (s->files.n == COMPARISON_FILES_MAX)
		return fail(-E2BIG, "%s: there are more than %d recordings", path, COMPARISON_FILES_MAX);
	stored = stored_new(&so);
	err = stored_add(stored, path);
	if (!err)
		err = check(o, s, stored_recording(stored), path);
	if (!err)
		err = series_add(s, stored_recording(stored), path, side);
	stored_free(stored);
	return err;
}

void comparison_finish(struct series *s)
{
	if (timelimit_stop())
		warn("symbol lookup exceeded --max-naming: some names are missing");
	series_finish(s);
}

static int open_output(const struct options *o, struct outfile **out)
{
	char *path = NULL;
	int err = 0;

	if (o->outputs[0].pattern)
		err = outfile_expand(o->outputs[0].pattern, "0", time(NULL), &path);
	if (!err)
		err = outfile_open(path, out);
	free(path);
	return err;
}

bool comparison_is_json(const struct options *o)
{
	return o->outputs[0].format->machine;
}

int comparison_write(const struct options *o, const struct compared_options *like,
		     int (*write)(FILE *f, const void *what, const struct compared_options *co), const void *what)
{
	struct compared_options co = *like;
	struct outfile *out;
	size_t height;
	int err = open_output(o, &out);

	if (err)
		return err;
	co.top = o->top;
	co.colour = present_terminal_size(fileno(outfile_stream(out)), &co.width, &height) && !getenv("NO_COLOR") &&
		    (!getenv("TERM") || strcmp(getenv("TERM"), "dumb"));
	/* An error of the stream stays with it: outfile_commit() logs it. */
	write(outfile_stream(out), what, &co);
	err = outfile_commit(out);
	return err == -EPIPE ? 0 : err;
}
