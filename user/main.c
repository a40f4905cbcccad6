/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/log.h"
#include "cmd.h"
#include "options.h"

static int (*const commands[])(const struct options *o) = {
	[COMMAND_TRACE] = cmd_trace,
	[COMMAND_CHECK] = cmd_check,
};

int main(int argc, char **argv)
{
	struct options o;
	int err = options_parse(argc, argv, &o);

	if (err > 0)
		return STATUS_DONE;
	if (err)
		return err == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
	log_set_level(o.quiet ? LOG_QUIET : o.verbose ? LOG_VERBOSE : LOG_NORMAL);
	return commands[o.command](&o);
}
