/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/auxv.h>

#include "base/log.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/options.h"

int main(int argc, char **argv)
{
	struct options o;
	int err;

	/* Whoever started it would have what only root may have: every process, and every file as -o. */
	if (getauxval(AT_SECURE)) {
		fail(-EPERM, "refusing to run: this copy is setuid or setgid, or has file capabilities, and would give "
			     "its privileges to anyone who starts it; use sudo");
		return STATUS_FAILED;
	}
	err = options_parse(argc, argv, &o);
	if (err > 0)
		return STATUS_DONE;
	if (err)
		return err == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
	log_set_level(o.quiet ? LOG_QUIET : o.verbose ? LOG_VERBOSE : LOG_NORMAL);
	return o.command->run(&o);
}
