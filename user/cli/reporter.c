// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/reporter.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/timelimit.h"
#include "sym/debuginfod.h"
#include "view/view.h"

/* As much as the main thread usually has: libdw and libiberty read what a target's files hold. Only what is touched
 * takes memory. */
#define REPORTER_STACK ((size_t)8 << 20)

struct reporter {
	const struct options *o;
	struct snapshot *snapshot;
	struct present *present;
	struct guard *guard;
	pthread_t thread;
	bool running;		/* there is a thread to be joined */
	_Atomic(bool) busy;
	/* The thread's while it is busy: */
	struct recording rec;
	struct rights rights;
	int err;
	bool reader_gone;
};

struct reporter *reporter_new(const struct options *o, struct snapshot *s, struct present *p, struct guard *g)
{
	struct reporter *rp = xcalloc(1, sizeof(*rp));

	rp->o = o;
	rp->snapshot = s;
	rp->present = p;
	rp->guard = g;
	return rp;
}

static void join(struct reporter *rp)
{
	if (rp->running)
		pthread_join(rp->thread, NULL);
	rp->running = false;
}

void reporter_free(struct reporter *rp)
{
	if (!rp)
		return;
	join(rp);
	free(rp);
}

bool reporter_is_free(const struct reporter *rp)
{
	return !rp->busy;
}

static void write_report(struct reporter *rp)
{
	struct recording *rec = &rp->rec;

	timelimit_start(rp->o->max_naming_ns);
	snapshot_name(rp->snapshot, rec);
	rp->err = present_write(rp->present, rec, rp->o->views, &rp->rights, &rp->reader_gone);
	if (timelimit_stop())
		warn("symbol lookup exceeded --max-naming: some names are missing");
	if (rec->interval && rp->o->views & views_by_age())
		snapshot_remember(rp->snapshot);
}

static void *run(void *arg)
{
	struct reporter *rp = arg;

	thread_lower();
	guard_watch(rp->guard);
	write_report(rp);
	guard_unwatch(rp->guard);
	rp->busy = false;
	return NULL;
}

void reporter_start(struct reporter *rp, const struct recording *rec, const struct rights *rights)
{
	join(rp);
	rp->rec = *rec;
	rp->rights = *rights;
	rp->busy = true;
	rp->running = !thread_start(&rp->thread, REPORTER_STACK, run, rp);
	if (rp->running)
		return;
	write_report(rp);
	rp->busy = false;
}

int reporter_finish(struct reporter *rp, bool *reader_gone)
{
	int err;

	join(rp);
	err = rp->err;
	rp->err = 0;
	*reader_gone |= rp->reader_gone;
	return err;
}

int reporter_write(struct reporter *rp, const struct recording *rec, const struct rights *rights, bool *reader_gone)
{
	/* Servers may take their time: not while anything is traced. */
	debuginfod_allow();
	rp->rec = *rec;
	rp->rights = *rights;
	write_report(rp);
	return reporter_finish(rp, reader_gone);
}
