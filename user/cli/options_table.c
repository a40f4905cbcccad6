/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options_choices.h"
#include "cli/options_table.h"

#include <assert.h>
#include <stddef.h>

const char *const option_sections[SECTION_MAX] = {
	[SECTION_TARGET] = "Target",
	[SECTION_TIME] = "Time",
	[SECTION_REPORT] = "Report",
	[SECTION_OUTPUT] = "Output",
	[SECTION_KERNEL] = "Kernel",
	[SECTION_HELP] = "Help",
};

#define TO(member) .offset = offsetof(struct options, member)
#define FROM(table, set) .choices = (table), .choice_size = sizeof((table)[0]), .set_choice = (set)
#define LIMITS(low, high) .least = (low), .most = (high)

const struct option_row option_rows[] = {
	{ "pid", 'p', "LIST", OPTION_STRING, SECTION_TARGET, TO(pids), .commands = FOR_TRACE | FOR_CHECK,
	  .help = "trace processes: PIDs or names, comma-separated",
	  .man = "Trace these running processes: process IDs or names, separated by commas. A name is that of the "
		 "process (as ps -o comm shows it) or of its executable file, and selects every process that has "
		 "it. Processes of the list that have exited, have no allocator function or are 32-bit are skipped "
		 "with a warning as long as another one can be traced." },

	{ "all", 'a', NULL, OPTION_FLAG, SECTION_TARGET, TO(all), .commands = FOR_TRACE | FOR_CHECK,
	  .help = "trace every process, also those that start later",
	  .man = "Trace every process of the host: those that run, and those that start while tracing, from "
		 "their first call on. Probes are in every process that maps a file with an allocator. "
		 "alloctrace itself, what it starts and what started it are left out. Stacks are told apart by "
		 "program, user and control group, not by process, unless --by process or --by thread says so. See "
		 "PROCESSES. With check: after the features "
		 "and costs, a table of the programs that run on this host, by user and container, with the number of "
		 "their processes and the allocators that would be traced in them, and why programs would not be seen. "
		 "Containers have the names that their runtimes keep in files; no daemon is asked." },
	{ "follow", 0, NULL, OPTION_FLAG, SECTION_TARGET, TO(follow), .commands = FOR_TRACE,
	  .help = "also trace what they start; default: a command's",
	  .man = "Also trace the processes that the traced ones start, over fork and exec, from their first call "
		 "on. It is the default for a command that may start others. Probes are then in every process that "
		 "maps the same files: others pay a trap per call, and are not recorded. See PROCESSES." },
	{ "no-follow", 0, NULL, OPTION_FLAG, SECTION_TARGET, TO(no_follow), .commands = FOR_TRACE,
	  .man_only = true,
	  .help = "trace the command's own process alone",
	  .man = "Trace the process of the command alone, not what it starts; no other process has probes then." },
	{ "comm", 0, "GLOB", OPTION_STRINGS, SECTION_TARGET, TO(comms), .commands = FOR_TRACE,
	  .help = "trace only processes whose name matches",
	  .man = "Trace only processes whose name (as ps -o comm shows it; that at exec or, if they ran before, at "
		 "their first allocation) matches this pattern: * ? [a-z] [!a-z]. With ! before it: all "
		 "but these. Without -p and a command, of all processes of the host. May be given several times: one "
		 "of the patterns must match, and none of those with !. With --exe and --user, each of the options "
		 "given must be met." },
	{ "exe", 0, "GLOB", OPTION_STRINGS, SECTION_TARGET, TO(exes), .commands = FOR_TRACE, .man_only = true,
	  .help = "only processes of this executable",
	  .man = "The same for the path of the executable, as its mount namespace has it; a pattern without / is "
		 "compared with the last part of the path." },
	{ "user", 0, "NAME", OPTION_STRINGS, SECTION_TARGET, TO(users), .commands = FOR_TRACE, .man_only = true,
	  .help = "only processes of this user",
	  .man = "The same for the user, by name or number: the effective user ID." },
	{ "cgroup", 0, "GLOB", OPTION_STRINGS, SECTION_TARGET, TO(cgroups), .commands = FOR_TRACE, .man_only = true,
	  .help = "only processes of this control group",
	  .man = "The same for the path of the control group (v2; where it is in the root of that, of v1's memory "
		 "controller), as "
		 "/system.slice/*.service. It is looked at when a process execs or, if it ran before, first calls an "
		 "allocator function." },
	{ "container", 0, "GLOB", OPTION_STRINGS, SECTION_TARGET, TO(containers),
	  .commands = FOR_TRACE, .man_only = true,
	  .help = "only processes of this container: name or ID",
	  .man = "The same for the container: its runtime's name of it, as web or docker:web; or its ID, whole or the "
		 "first 12 digits. Docker, containerd, CRI-O, podman, LXC and systemd-nspawn are known, by the control "
		 "group's path and the files of the runtime; no daemon is asked." },
	{ "unit", 0, "GLOB", OPTION_STRINGS, SECTION_TARGET, TO(units), .commands = FOR_TRACE, .man_only = true,
	  .help = "only processes of this unit of systemd",
	  .man = "The same for the unit of systemd, as nginx.service." },

	{ "kernel", 0, NULL, OPTION_FLAG, SECTION_TARGET, TO(kernel), .commands = FOR_TRACE, .man_only = true,
	  .help = "count what the kernel allocates for them",
	  .man = "Count what the kernel itself allocates on behalf of these processes, by kernel stack: kmalloc, slab "
		 "caches, and pages. No function of a program is probed. With --all, also what kernel threads and "
		 "interrupts allocate. Views are those of heaps; --by cache has a row for each slab cache. One sample "
		 "per 64 KiB on average unless --sample says otherwise. See KERNEL MEMORY." },
	{ "alloc-fn", 0, "SPEC", OPTION_STRINGS, SECTION_TARGET, TO(alloc_fns), .commands = FOR_TRACE | FOR_CHECK,
	  .help = "also trace NAME(size=1); arguments n=, old=, out=",
	  .man = "Trace one more allocation function in addition to those that alloctrace knows. SPEC is its name "
		 "and the meaning of its arguments, which count from 1: my_alloc(size=1); pool_calloc(n=2,size=3), "
		 "which allocates n times size bytes; my_memalign(size=3,out=1), which stores the block's address "
		 "where argument 1 points to and returns 0; my_realloc(old=1,size=2). Without out=, it returns the "
		 "block, or NULL. The name may be a glob, and is the linker's: for C++ the mangled one. In a file "
		 "without symbols it is +0xOFFSET with --object, or MODULE+0xOFFSET as reports show it. Calls from "
		 "or to other allocation functions are not counted twice. It must be a function of C, or use C's "
		 "calling convention; a function that may throw and is not given by a mangled name must not be "
		 "traced in live-heap views. May be given several times." },
	{ "free-fn", 0, "SPEC", OPTION_STRINGS, SECTION_TARGET, TO(free_fns),
	  .commands = FOR_TRACE | FOR_CHECK, .man_only = true,
	  .help = "its counterpart: NAME(ptr=1)",
	  .man = "The same for a function that frees: my_free(ptr=1). It matters to live-heap views only. May be "
		 "given several times." },
	{ "object", 0, "FILE", OPTION_STRINGS, SECTION_TARGET, TO(objects),
	  .commands = FOR_TRACE | FOR_CHECK, .man_only = true,
	  .help = "file in which to look for these functions",
	  .man = "Look for the functions of --alloc-fn and --free-fn in this file only: its path, or the last part "
		 "of it. May be given several times." },
	{ "force", 0, NULL, OPTION_FLAG, SECTION_TARGET, TO(force), .man_only = true,
	  .help = "trace a program that seems to copy its own code",
	  .man = "Also attach probes to an executable that seems to copy its own code, for example to huge pages. "
		 "If it does so while it is traced, SIGTRAP kills it. See LIMITS." },

	{ "duration", 'd', "TIME", OPTION_TIME, SECTION_TIME, TO(duration_ns), LIMITS("1ms", "1000d"),
	  .word = "0",
	  .help = "stop after TIME: 10s, 1m30s, 250ms; 10 is seconds",
	  .man = "Stop after TIME and report. Without it, tracing continues until every process has exited, or "
		 "until Ctrl-C. A launched command continues untraced. 0 reads what is live in running Go programs at "
		 "this moment (--pid with --view live or --leaks): nothing is traced, and no probe attached; see "
		 "VIEWS." },
	{ "interval", 'i', "TIME", OPTION_TIME, SECTION_TIME, TO(interval_ns), LIMITS("10ms", "1000d"),
	  .help = "report every TIME (refreshed in place on a tty)",
	  .man = "Print a report every TIME of what was counted since the start, and once more at the end. On a "
		 "terminal the report is refreshed in place; there, --pid without --interval and --duration "
		 "refreshes it every second. Tracing continues while a report is made; the next one waits until it "
		 "is written." },
	{ "delta", 0, NULL, OPTION_FLAG, SECTION_TIME, TO(delta), .man_only = true,
	  .help = "with -i: report each interval's counts alone",
	  .man = "With --interval: report only what was counted in each interval. The last report covers the whole "
		 "run." },

	{ "view", 0, "LIST", OPTION_CHOICES, SECTION_REPORT, FROM(view_kinds, option_add_view),
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "%s",
	  .man = "What to show: one of these, or several separated by commas, with a table for each. All are "
		 "recorded in one run. Default: alloc. All but alloc and sizes follow each block from its "
		 "allocation to its free, which costs more; see VIEWS." },
	{ "leaks", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(leaks),
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "show leaks: blocks never freed, or long-lived",
	  .man = "Short for --view leaks." },
	{ "min-age", 0, "TIME", OPTION_TIME, SECTION_REPORT, TO(min_age_ns), LIMITS("0", "1000d"), .fallback = "30s",
	  .man_only = true,
	  .help = "minimum age of a block to be reported as a leak",
	  .man = "With --leaks: the minimum age of a block to be reported as a leak. At the end of a launched "
		 "command, every block that was never freed is shown, unless this option is given." },
	{ "lifetimes", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(lifetimes), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "same as --view lifetimes",
	  .man = "Short for --view lifetimes." },
	{ "sizes", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(sizes), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "same as --view sizes",
	  .man = "Short for --view sizes." },
	{ "mmap", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(mmap), .man_only = true,
	  .help = "also show what the program maps itself",
	  .man = "Also show what the program maps itself, as --view mapped,mappings do, apart from its heap: see "
		 "VIEWS. With --delta, mapped alone. Tracing is continuous then, as for live-heap views." },
	{ "temp-age", 0, "TIME", OPTION_TIME, SECTION_REPORT, TO(temp_age_ns), LIMITS("0", "1d"), .fallback = "1ms",
	  .man_only = true,
	  .help = "maximum lifetime of a temporary block",
	  .man = "With --view temp: a block is temporary if it is freed less than TIME after its allocation, or "
		 "before its thread allocates again." },
	{ "mark", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(mark), .man_only = true,
	  .help = "SIGUSR1 begins a new generation of blocks",
	  .man = "With --view live or --leaks: each SIGUSR1 sent to alloctrace sets a mark, and a table shows what "
		 "was allocated since each mark and is still in use. A launched command does not receive the "
		 "signal." },
	{ "suppress", 0, "FILE", OPTION_STRING, SECTION_REPORT, TO(suppress), .man_only = true,
	  .help = "file of leaks to hide",
	  .man = "With --leaks: hide leaks that match a pattern of FILE, which has the format of LeakSanitizer's "
		 "suppressions: lines of leak:PATTERN. A pattern is compared with the function, the source file "
		 "and the executable file of each frame of a stack, and matches any part of them; * matches any "
		 "characters, ^ at the beginning and $ at the end of a pattern match the beginning and the end of "
		 "the name. Lines that begin with # are comments. The summary shows how much was suppressed." },
	{ "metric", 'm', "METRIC", OPTION_CHOICE, SECTION_REPORT, FROM(option_metric_choices, option_set_metric),
	  .fallback = "bytes",
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "rank rows by %s",
	  .man = "What rows are ranked by, and what a folded stack counts." },
	{ "by", 0, "WHAT", OPTION_PAIR, SECTION_REPORT, FROM(view_bys, option_set_by), .set_second = option_set_then,
	  .fallback = "site",
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "%s",
	  .man = "What each row stands for: one of these, or two separated by a comma. With --by program,site there is "
		 "a row for each program, and below it a row for each of its call sites, which add up to it. Any two "
		 "can be combined." },
	{ "cum", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(cum),
	  .commands = FOR_TRACE | FOR_FILES, .man_only = true,
	  .help = "rank by cumulative counts (callees included)",
	  .man = "Also count for each row what its callees allocate, and rank by that." },
	{ "created-by", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(created_by), .man_only = true,
	  .help = "end stacks of goroutines with who made them",
	  .man = "In Go programs, append to each whole stack of a goroutine the function and the line of the go "
		 "statement that made the goroutine, as \"created by main.serve\": in chains of callers, folded stacks "
		 "and recordings. With --cum it is a row of its own, of all that these goroutines allocate. Stacks of "
		 "goroutines that were made elsewhere are other stacks then." },
	{ "top", 'T', "N", OPTION_NUMBER, SECTION_REPORT, TO(top), LIMITS("0", "1000000000"), .fallback = "30",
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "show the N heaviest rows; 0 shows all",
	  .man = "Show the N heaviest rows of a table; 0 shows all. With --by A,B: the N heaviest rows by A, and of "
		 "all rows inside of these the N heaviest by B, at least one of each. What is left out is a row of "
		 "its own." },
	{ "ops", 0, "N", OPTION_NUMBER, SECTION_REPORT, TO(ops), LIMITS("1", "1000000000000000"),
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT | FOR_DIFF,
	  .help = "N operations were done: show numbers per operation",
	  .man = "N operations were done in the run: iterations of a benchmark, requests. The summary and the "
		 "rows then also show bytes and calls per operation, as go test -benchmem does, in the views "
		 "alloc, temp, live and leaks. All that was traced is divided by N, the program's start included. "
		 "A recording keeps N; report takes another one. N is of the whole run: with --interval, only the "
		 "last report has these numbers. Of several recordings, the operations are added up if each has "
		 "some. Go's testing package runs a benchmark once before it runs it as often as asked for: "
		 "-test.benchtime=1000x is --ops 1001. B/op are the bytes that were requested, and -benchmem "
		 "counts those of Go's size classes, which can be more: 11,020 requested bytes of 50 strings are "
		 "11,520 B/op." },
	{ "normalize", 0, "HOW", OPTION_CHOICE, SECTION_REPORT, TO(normalize),
	  FROM(option_normalize_choices, option_set_normalize),
	  .fallback = "none", .man_only = true, .commands = FOR_DIFF,
	  .help = "what values are divided by: %s",
	  .man = "With diff: what the values of each recording are divided by before they are compared. With "
		 "--ops N, it is N operations unless this option is given." },
	{ "fail-above", 0, "PCT", OPTION_PERCENT, SECTION_REPORT, TO(fail_above), LIMITS("0", "100000"),
	  .man_only = true, .commands = FOR_DIFF,
	  .help = "exit with 1 if anything grew by more",
	  .man = "With diff: exit with status 1, and log why, if there is evidence that the total or a row "
		 "grew by more than PCT per cent. Rows below 0.1 % of the total are not tested. --alpha is "
		 "shared: the total may fire in three fifths of it, and all rows together (Benjamini-Hochberg) "
		 "in the rest, so that stable builds fail in at most 5 % of cases by default, however many "
		 "rows there are." },
	{ "alpha", 0, "P", OPTION_DECIMAL, SECTION_REPORT, TO(alpha), LIMITS("0.0001", "0.5"), .fallback = "0.05",
	  .man_only = true, .commands = FOR_COMPARISONS,
	  .help = "level of significance",
	  .man = "With diff and trend: the level of significance, which is how often something stable may look "
		 "as if it had changed. Confidence intervals are of 1 - P." },
	{ "min-growth", 0, "PCT", OPTION_PERCENT, SECTION_REPORT, TO(min_growth), LIMITS("0", "100000"),
	  .fallback = "0.1", .man_only = true, .commands = FOR_TREND,
	  .help = "least growth per hour that trend shows",
	  .man = "With trend: the least growth of a row that is shown, in per cent of the whole view (the "
		 "median over all recordings) per hour." },
	{ "min-size", 0, "SIZE", OPTION_SIZE, SECTION_REPORT, TO(min_size), LIMITS("0", "1024T"), .man_only = true,
	  .help = "count only allocations of at least SIZE",
	  .man = "Count only allocations of at least SIZE. Others are filtered out in the kernel, and their number "
		 "is reported." },
	{ "max-size", 0, "SIZE", OPTION_SIZE, SECTION_REPORT, TO(max_size), LIMITS("0", "1024T"),
	  .man_only = true,
	  .help = "count only allocations of at most SIZE",
	  .man = "Count only allocations of at most SIZE, likewise." },
	{ "list", 0, "FUNC", OPTION_STRING, SECTION_REPORT, TO(list),
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "annotate the source of functions matching FUNC",
	  .man = "Instead of the table, show the annotated source of each function whose name matches FUNC, a "
		 "POSIX extended regular expression, with bytes and calls of each line, flat and cumulative. This "
		 "requires debugging information, and the sources on this machine: where they were when the "
		 "program was compiled (files that the traced program may read), or below --source-path. Otherwise "
		 "lines are shown without their text. --top limits the number of functions." },
	{ "focus", 0, "REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.focus), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "only stacks with a function that matches",
	  .man = "Show only stacks that have a function that matches: a POSIX extended regular expression, for any "
		 "part of its name, of its source file's path or of its module's name. Shares stay those of the "
		 "whole, and the line \"shown\" of the summary has the sum." },
	{ "ignore", 0, "REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.ignore), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "leave out stacks with a function that matches",
	  .man = "Leave out stacks that have a function that matches." },
	{ "hide", 0, "REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.hide), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "leave functions that match out of stacks",
	  .man = "Leave functions that match out of the stacks, as if they had been inlined into their callers; what "
		 "they allocate is their callers'." },
	{ "show", 0, "REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.show), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "only functions that match, in all stacks",
	  .man = "Leave all functions but those that match out of the stacks, and stacks that have none." },
	{ "show-from", 0, "REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.show_from), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "begin stacks at the outermost match",
	  .man = "Begin stacks at the outermost frame that has a function that matches; leave out stacks that have "
		 "none." },
	{ "tagfocus", 0, "KEY=REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.tag_focus), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "only stacks with such a label",
	  .man = "Show only stacks with a label that matches: allocator, program, container, user, cgroup, pid, tid "
		 "or goroutine; without KEY=, any of these. bytes=1k:64k selects by the mean size of calls." },
	{ "tagignore", 0, "KEY=REGEX", OPTION_STRING, SECTION_REPORT, TO(filter.tag_ignore), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "leave out stacks with such a label",
	  .man = "Leave out stacks with a label that matches, likewise." },
	{ "time", 0, "FROM,TO", OPTION_STRING, SECTION_REPORT, TO(time), .man_only = true, .commands = FOR_REPORT,
	  .help = "only what was allocated in that time",
	  .man = "Show only what was allocated from FROM to TO, two times since the start of the run, as in 10s,1m30s; "
		 "either may be left out. The recording must have been made with --interval: an interval belongs to "
		 "the time in which its middle lies, so that times that cut a run into pieces add up to it. What was "
		 "live is recorded for the end of the run only. Of several files, and of --diff-base, it is the time "
		 "since the start of each." },
	{ "peek", 0, "FUNC", OPTION_STRING, SECTION_REPORT, TO(peek), .man_only = true, .commands = FOR_REPORT,
	  .help = "callers and callees of functions matching FUNC",
	  .man = "Instead of the table, show the callers and the callees of each function whose name matches FUNC, a "
		 "POSIX extended regular expression, with what goes through them; both add up to the function's sum. A "
		 "stack counts once, however often the function is on it. --top limits functions and lines." },
	{ "callers", 0, "FUNC", OPTION_STRING, SECTION_REPORT, TO(callers), .man_only = true, .commands = FOR_REPORT,
	  .help = "callers of functions matching FUNC",
	  .man = "The same for the callers alone." },
	{ "callees", 0, "FUNC", OPTION_STRING, SECTION_REPORT, TO(callees), .man_only = true, .commands = FOR_REPORT,
	  .help = "callees of functions matching FUNC",
	  .man = "The same for the callees alone." },
	{ "tree", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(tree), .man_only = true, .commands = FOR_REPORT,
	  .help = "the tree of calls from the root",
	  .man = "Instead of the table, show the tree of calls from the root down, the heaviest branch first, without "
		 "branches of less than 0.5 %." },
	{ "sort", 0, "COLUMN", OPTION_CHOICE, SECTION_REPORT, FROM(option_sort_choices, option_set_sort),
	  .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "rank rows by %s",
	  .man = "What rows are ranked by, as perf report has it: another name for --metric and --cum." },
	{ "diff-base", 0, "FILE", OPTION_STRING, SECTION_REPORT, TO(diff_base), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "recording that is subtracted",
	  .man = "Show how the recordings differ from this one: a table of rows that have more or less than there, "
		 "what differs most first, or with --format folded two numbers a line, before and after, as "
		 "flamegraph.pl reads them, or with --format html one graph coloured by change. It is a subtraction "
		 "alone: alloctrace diff says what is due to chance." },
	{ "source-path", 0, "DIR", OPTION_STRINGS, SECTION_REPORT, TO(source_path), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "directory in which --list looks for sources",
	  .man = "Directories in which --list looks for sources first, separated by colons: below each one, the "
		 "path from the debugging information, or the longest trailing part of it that exists. May be "
		 "given several times." },
	{ "no-inline", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(no_inline), .man_only = true,
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "show no inlined functions",
	  .man = "Show only real functions, not those that the compiler inlined into them according to the "
		 "debugging information." },
	{ "inline", 0, NULL, OPTION_FLAG_OFF, SECTION_REPORT, TO(no_inline), .man_only = true,
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "show inlined functions",
	  .man = "Show inlined functions where debugging information is available; this is the default." },
	{ "no-demangle", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(no_demangle), .man_only = true,
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "do not demangle C++ and Rust names",
	  .man = "Show mangled names of C++ and Rust functions." },

	{ "format", 'f', "FORMAT", OPTION_CHOICE, SECTION_OUTPUT, TO(format), FROM(report_formats, option_set_format),
	  .fallback = "table",
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "report format: %s",
	  .man = "The format of the report. Without this option, the names of output files select it: FILE.pb.gz "
		 "is a recording, and FILE.svg, .folded, .json, .csv, .speedscope.json and .prom are in these "
		 "formats. diff and trend write tables and json." },
	{ "output", 'o', "FILE", OPTION_STRINGS, SECTION_OUTPUT, TO(output),
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "write FILE atomically; %p is the PID, %t the time",
	  .man = "Write the report to FILE, which appears or is replaced only when it is complete. In FILE, %p "
		 "stands for the process ID (the first of several), %t for the local time (20261122T213000), %h "
		 "for the host name, %% for a percent sign. With --interval, each report replaces FILE, unless its "
		 "name contains %t, which formats that hold one interval require. Without this option, the report goes "
		 "to standard output, or to standard error if a command was launched. May be "
		 "given several times: a recording and its table, for example." },
	{ "no-names", 0, NULL, OPTION_FLAG, SECTION_OUTPUT, TO(no_names), .man_only = true,
	  .help = "leave symbol lookup to alloctrace report",
	  .man = "Write a recording without names: alloctrace report looks them up where it runs, by the recorded "
		 "build IDs. The traced machine then reads no symbols or debugging information." },
	{ "symbol-path", 0, "DIR", OPTION_STRINGS, SECTION_OUTPUT, TO(symbol_path), .man_only = true,
	  .commands = FOR_FILES,
	  .help = "where report looks for the files of a recording",
	  .man = "Where report looks for the executable or debug files of a recording without names: as "
		 ".build-id/xx/yyyy and .build-id/xx/yyyy.debug below DIR, or by the file's path or name below DIR. "
		 "After that at their path, below /usr/lib/debug/.build-id, and by debuginfod if DEBUGINFOD_URLS is "
		 "set. Only a file with the same build ID is used. May be given several times." },
	{ "quiet", 'q', NULL, OPTION_FLAG, SECTION_OUTPUT, TO(quiet), .commands = FOR_TRACE | FOR_CHECK | FOR_FILES,
	  .help = "suppress all output except errors",
	  .man = "Suppress all output except the report and errors: no warnings, and no summary beside --format "
		 "folded." },
	{ "verbose", 'v', NULL, OPTION_FLAG, SECTION_OUTPUT, TO(verbose),
	  .commands = FOR_TRACE | FOR_CHECK | FOR_FILES,
	  .help = "log progress: probes, memory, symbols",
	  .man = "Log progress: which functions are probed and which are not, how much memory is used, where names "
		 "come from." },

	{ "sample", 0, "BYTES", OPTION_SIZE, SECTION_KERNEL, TO(sample_bytes), LIMITS("1", "64M"), .word = "auto",
	  .fallback = "auto",
	  .help = "mean bytes between samples; 1: every call",
	  .man = "The mean number of bytes between samples. With 1, every call is recorded. With auto, the first "
		 "250,000 calls of a run are recorded whatever their rate; after that, every call is recorded as long "
		 "as that yields fewer than 20,000 samples a second, and fewer calls the faster the process "
		 "allocates. A sample keeps the weight that it was taken with. In addition to its bytes, each call "
		 "counts by itself, so that one sample in five comes by calls, and small blocks are well represented. "
		 "Total bytes and calls are exact in any case; rows are unbiased estimates, shown with their standard "
		 "errors and significant digits only. With --view rss, auto is 64K, which is one page of 4 KiB in 16, "
		 "and hardly a huge page is left out; there, calls do not count by themselves." },
	{ "max-overhead", 0, "PCT", OPTION_PERCENT, SECTION_KERNEL, TO(max_overhead), LIMITS("0.1", "100"),
	  .word = "off",
	  .help = "limit overhead to PCT % of one CPU, or off",
	  .man = "The CPU time that tracing may cost each traced process, in per cent of one CPU; with --all, or "
		 "filters without --pid and a command, all processes together, in per cent of all CPUs. If it would "
		 "cost more, the probes are attached only in random sampling windows, and the counts are scaled up: "
		 "they are estimates then, with errors. The limit holds on average; unused budget is saved for "
		 "later, up to that of 2 s. Live-heap views require continuous tracing: there, alloctrace stops "
		 "when the limit is exceeded for 2 s, reports, says what continuous tracing would take, and exits "
		 "with status 4. Without uprobe_multi (Linux 6.10) it only warns. Default: 5 with --view alloc alone, "
		 "unless a command is launched; otherwise off." },
	{ "go-samples", 0, NULL, OPTION_FLAG, SECTION_KERNEL, TO(go_samples), .man_only = true,
	  .help = "of Go, record the samples of its runtime",
	  .man = "Of Go programs, record the samples that their runtime takes itself, one allocation in 512 KiB on "
		 "average (runtime.MemProfileRate), and not every call of its allocator: tracing then costs them next "
		 "to nothing. Totals and rows are estimates with errors, of bytes in size classes. This requires a "
		 "program whose runtime samples, as all do that import net/http/pprof; alloctrace check says so. "
		 "Without this option it is tried, for a second, where every call would cost more than --max-overhead, "
		 "and kept up if at least 50 samples come in that second." },
	{ "no-go-samples", 0, NULL, OPTION_FLAG, SECTION_KERNEL, TO(no_go_samples), .man_only = true,
	  .help = "of Go, record calls even if that is dear",
	  .man = "Of Go programs, record calls of the allocator in any case: where they cost more than "
		 "--max-overhead, in sampling windows." },
	{ "no-usdt", 0, NULL, OPTION_FLAG, SECTION_KERNEL, TO(no_usdt), .man_only = true,
	  .help = "record calls of allocators that sample themselves",
	  .man = "Record every call of the allocator of a process that tells of its own samples by the USDT probes "
		 "otel_memory:alloc and otel_memory:free (OpenTelemetry's contract), as of any other process. Without "
		 "this option, and without --alloc-fn and --free-fn, such samples are recorded instead of calls; "
		 "except for live-heap views of processes that are followed, or with --all. Totals and rows are then "
		 "estimates with errors." },
	{ "max-blocks", 0, "N", OPTION_NUMBER, SECTION_KERNEL, TO(max_blocks), LIMITS("1000", "1000000000"),
	  .fallback = "4000000", .man_only = true,
	  .help = "maximum number of live blocks in the kernel",
	  .man = "How many live blocks the BPF side can hold, for live-heap views. Blocks beyond that are counted "
		 "as lost. Memory is allocated as needed, up to a quarter of the machine's." },
	{ "max-stacks", 0, "N", OPTION_NUMBER, SECTION_KERNEL, TO(max_stacks), LIMITS("1000", "100000000"),
	  .fallback = "500000", .man_only = true,
	  .help = "maximum number of distinct stacks in the kernel",
	  .man = "How many distinct stacks the BPF side can hold. Allocations by stacks beyond that are counted as "
		 "lost. Memory is allocated as needed; --verbose shows what is allocated from the start." },
	{ "max-depth", 0, "N", OPTION_NUMBER, SECTION_KERNEL, TO(max_depth), LIMITS("1", "512"), .fallback = "128",
	  .man_only = true,
	  .help = "maximum number of frames per stack",
	  .man = "How many frames of a stack are unwound, the innermost first; before Linux 5.17, at most 64." },
	{ "ring-size", 0, "SIZE", OPTION_SIZE, SECTION_KERNEL, TO(ring_bytes), LIMITS("64k", "1G"), .fallback = "8M",
	  .man_only = true,
	  .power_of_two = true,
	  .help = "size of the ring buffer between kernel and alloctrace",
	  .man = "The size of the ring buffer through which the kernel sends the frames of each new stack. Stacks "
		 "that do not fit are kept in a table, which takes memory only then." },
	{ "unwind", 0, "HOW", OPTION_CHOICE, SECTION_KERNEL, FROM(option_unwind_choices, option_set_unwind),
	  .fallback = "auto",
	  .man_only = true,
	  .help = "how stacks are unwound: %s",
	  .man = "How stacks are unwound. Code without unwind tables (a JIT's, Go's, assembly) is always unwound "
		 "by frame pointers. With fp, callers of code that keeps no frame pointer are missing, and nothing "
		 "marks where." },
	{ "max-memory", 0, "SIZE", OPTION_SIZE, SECTION_KERNEL, TO(max_memory), LIMITS("64M", "1024G"),
	  .fallback = "1G",
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "limit on alloctrace's own memory",
	  .man = "The memory that alloctrace itself may use for symbols, debugging information and stacks, over "
		 "all files. Files that do not fit are reported, and have no names; stacks that do not fit are "
		 "lost, and counted." },
	{ "max-naming", 0, "TIME", OPTION_TIME, SECTION_KERNEL, TO(max_naming_ns), LIMITS("1ms", "24h"),
	  .fallback = "30s",
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_FILES,
	  .help = "limit on the time to look up a report's names",
	  .man = "How long a report may take to read symbols and debugging information, over all files. Frames not "
		 "looked up by then are shown by module and offset, and counted; debuginfod has limits of its own." },
	{ "unwind-mem", 0, "SIZE", OPTION_SIZE, SECTION_KERNEL, TO(unwind_bytes), LIMITS("4M", "4G"), .fallback = "64M",
	  .man_only = true,
	  .help = "limit on memory for unwind tables",
	  .man = "The kernel memory that unwind tables may use, allocated in steps of 4 MiB as needed. Stacks may "
		 "end in files whose table does not fit; --verbose names these files." },
	{ "attach", 0, "HOW", OPTION_CHOICE, SECTION_KERNEL, FROM(option_attach_choices, option_set_attach),
	  .fallback = "auto",
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_CHECK,
	  .help = "how probes are attached: %s",
	  .man = "How probes are attached." },

	{ "help", 'h', NULL, OPTION_FLAG, SECTION_HELP, TO(help), .commands = FOR_TRACE | FOR_CHECK | FOR_FILES,
	  .help = "show this help; all options: man alloctrace",
	  .man = "Show usage and options, and exit." },
	{ "version", 'V', NULL, OPTION_FLAG, SECTION_HELP, TO(version), .commands = FOR_TRACE | FOR_CHECK | FOR_FILES,
	  .help = "show the version",
	  .man = "Show the version, and exit." },

	/* For make bench: other programs at the same sites. */
	{ "bench", 0, "PROGRAM", OPTION_CHOICE, SECTION_HIDDEN, FROM(option_bench_choices, option_set_bench),
	  .help = "%s" },
	/* For tests: what stops a command at its start. */
	{ "hold-signal", 0, "N", OPTION_NUMBER, SECTION_HIDDEN, TO(hold_signal), LIMITS("1", "1000") },
	{ "generate", 0, "WHAT", OPTION_CHOICE, SECTION_HIDDEN, FROM(option_generate_choices, option_set_generate),
	  .help = "%s" },
	{ .name = NULL },
};

static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTIONS_MAX, "more options than a command line can have");

void option_choice_names(const struct option_row *row, const char *between, struct buf *out)
{
	const struct choice *c;

	for (size_t i = 0; (c = option_choice(row, i)); i++) {
		if (i)
			buf_str(out, between);
		buf_str(out, c->name);
	}
}
