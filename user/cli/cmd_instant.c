// SPDX-License-Identifier: GPL-2.0-or-later
/* alloctrace -p PID --view live -d 0: what is live in Go programs at this moment. */
#include <signal.h>

#include "base/log.h"
#include "base/memlimit.h"
#include "base/timelimit.h"
#include "cli/cmd.h"
#include "cli/present.h"
#include "cli/settings.h"
#include "snapshot/instant.h"
#include "sym/debuginfod.h"

int cmd_instant(const struct options *o)
{
	const struct snapshot_options so = settings_snapshot(o);
	struct present *present = NULL;
	struct instant *in = NULL;
	struct recording rec;
	bool reader_gone = false;
	struct rights rights;
	int err;

	signal(SIGPIPE, SIG_IGN);
	memlimit_set(o->max_memory);
	err = instant_take(o->pids, &so, &in, &rec);
	if (!err)
		err = present_open(o, instant_pid(in), &present);
	if (!err) {
		rights = instant_rights(in);
		debuginfod_allow();
		timelimit_start(o->max_naming_ns);
		err = present_write(present, &rec, o->views, &rights, &reader_gone);
		if (timelimit_stop())
			warn("symbol lookup exceeded --max-naming: some names are missing");
	}
	present_close(present);
	instant_free(in);
	return err ? STATUS_FAILED : STATUS_DONE;
}
