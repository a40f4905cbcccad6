/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commands.h"

#include <string.h>

#include "cli/cmd.h"
#include "cli/options_table.h"

const struct command commands[] = {
	{ NULL, cmd_trace, FOR_TRACE, OPERANDS_PROGRAM, options_check_trace,
	  "[record] [OPTIONS] { -a | -p PID[,...] | [--] CMD [ARG...] }", .man = NULL },
	{ "record", cmd_trace, FOR_TRACE, OPERANDS_PROGRAM, options_check_record, .man =
	  "traces in the same way and writes a recording, to alloctrace.pb.gz unless --output names another file: a "
	  "pprof profile, which report shows as the run itself would have, and which go tool pprof and others can "
	  "read." },
	{ "report", cmd_report, FOR_REPORT, OPERANDS_FILES, options_check_report, "[OPTIONS] FILE...", .man =
	  "shows recordings; several are added up. It needs no privileges and none of the traced files. Without "
	  "--view, it shows what was recorded. It also reads other heap profiles in pprof's format: Go's "
	  "(/debug/pprof/heap), and those of jemalloc and tcmalloc after pprof -proto." },
	{ "diff", cmd_diff, FOR_DIFF, OPERANDS_FILES, options_check_diff, "OLD... -- NEW...", .man =
	  "compares recordings row by row: what grew, shrank, appeared or vanished, and what evidence there is for it; "
	  "see COMPARISONS. Of two files, -- can be left out. LABEL=FILE names a side, and files of one label are one "
	  "side." },
	{ "trend", cmd_trend, FOR_TREND, OPERANDS_FILES, options_check_trend, "FILE...", .joined = true, .man =
	  "shows which rows grow steadily over at least 5 recordings, in the order of the times when they were taken; "
	  "see COMPARISONS. FILE may be a directory: then it "
	  "reads what is named *.pb.gz in it." },
	{ "check", cmd_check, FOR_CHECK, OPERANDS_NONE, options_check_check, "[-a] [-p PID]", .joined = true, .man =
	  "shows what this kernel, these privileges and the given processes allow: each feature with yes or no and "
	  "why, each function that would be probed and where, and the cost of a probe hit, as measured on this "
	  "machine. With --all, also the programs of the whole host, their allocators, and which would not be seen." },
};
const size_t n_commands = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (commands[i].name && !strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}
