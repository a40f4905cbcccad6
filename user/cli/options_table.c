/* SPDX-License-Identifier: GPL-2.0-or-later */
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

/* The tables of other modules begin as struct choice does. */
static_assert(offsetof(struct view_by, name) == offsetof(struct choice, name) &&
	      offsetof(struct view_by, help) == offsetof(struct choice, help), "struct view_by is no choice");
static_assert(offsetof(struct report_format, name) == offsetof(struct choice, name) &&
	      offsetof(struct report_format, help) == offsetof(struct choice, help),
	      "struct report_format is no choice");

static const struct choice metric_choices[] = {
	[METRIC_BYTES] = { "bytes", "bytes" },
	[METRIC_CALLS] = { "calls", "calls of an allocator function; in views of the live heap, blocks" },
	{ NULL, NULL },
};

static_assert(offsetof(struct view_kind, name) == offsetof(struct choice, name) &&
	      offsetof(struct view_kind, help) == offsetof(struct choice, help), "struct view_kind is no choice");

static const struct choice attach_choices[] = {
	[ATTACH_AUTO] = { "auto", "multi where it works, perf elsewhere" },
	[ATTACH_MULTI] = { "multi", "uprobe_multi links; need Linux 6.10" },
	[ATTACH_PERF] = { "perf", "one perf event for each probe and process" },
	{ NULL, NULL },
};

static const struct choice unwind_choices[] = {
	[UNWIND_AUTO] = { "auto", "eh_frame if the kernel takes its program, else fp" },
	[UNWIND_EH_FRAME] = { "eh_frame", "by the unwind tables that every program has for exceptions" },
	[UNWIND_FP] = { "fp", "by frame pointers: whole only for programs built with them" },
	{ NULL, NULL },
};

/* In the order of enum bench_mode, less the first. */
static const struct choice bench_choices[] = {
	{ "empty", "what a probe alone costs" },
	{ "stackid", "what bpf_get_stackid() costs" },
	{ NULL, NULL },
};

/* In the order of enum generate, less the first. */
static const struct choice generate_choices[] = {
	{ "man", "the manual page" },
	{ "completion", "the completion for bash" },
	{ NULL, NULL },
};

static void set_metric(struct options *o, size_t i)
{
	o->metric = i;
}

static void add_view(struct options *o, size_t i)
{
	o->views |= VIEW_BIT(i);
}

static void set_by(struct options *o, size_t i)
{
	o->by = &view_bys[i];
}

static void set_format(struct options *o, size_t i)
{
	o->format = &report_formats[i];
}

static void set_attach(struct options *o, size_t i)
{
	o->attach = i;
}

static void set_unwind(struct options *o, size_t i)
{
	o->unwind = i;
}

static void set_bench(struct options *o, size_t i)
{
	o->bench = BENCH_EMPTY + i;
}

static void set_generate(struct options *o, size_t i)
{
	o->generate = GENERATE_MAN + i;
}

#define TO(member) .offset = offsetof(struct options, member)
#define FROM(table, set) .choices = (table), .choice_size = sizeof((table)[0]), .set_choice = (set)
#define LIMITS(low, high) .least = (low), .most = (high)

const struct option_row option_rows[] = {
	{ "pid", 'p', "LIST", OPTION_STRING, SECTION_TARGET, TO(pids), .commands = FOR_TRACE | FOR_CHECK,
	  .help = "processes to trace: PIDs or names, with commas",
	  .man = "Trace these running processes: process IDs or names, separated by commas. A name is that of the "
		 "process (as ps -o comm shows it) or of its executable file, and stands for every process that has "
		 "it." },

	{ "alloc-fn", 0, "SPEC", OPTION_STRINGS, SECTION_TARGET, TO(alloc_fns), .commands = FOR_TRACE | FOR_CHECK,
	  .help = "trace NAME(size=1) too; n=, old=, out= arguments",
	  .man = "Trace one more function that allocates, beside those that alloctrace knows. SPEC is its name and "
		 "what its arguments are, which count from 1: my_alloc(size=1); pool_calloc(n=2,size=3), which "
		 "allocates n times size bytes; my_memalign(size=3,out=1), which stores the block's address where "
		 "argument 1 points to and returns 0; my_realloc(old=1,size=2). Without out= it returns the block, "
		 "or NULL. The name may be a glob, and is the linker's: for C++ the mangled one. In a file without "
		 "symbols it is +0xOFFSET with --object, or MODULE+0xOFFSET as reports show it. A call that another "
		 "allocator function makes, or that the function makes to another one, is not counted twice. It must "
		 "be a function of C, or have C's calling convention; one that may throw and is not named by a "
		 "mangled name must not be traced in views of the live heap. May be given several times." },
	{ "free-fn", 0, "SPEC", OPTION_STRINGS, SECTION_TARGET, TO(free_fns), .commands = FOR_TRACE | FOR_CHECK,
	  .man_only = true,
	  .help = "its counterpart: NAME(ptr=1)",
	  .man = "The same for a function that frees: my_free(ptr=1). It counts in views of the live heap alone." },
	{ "object", 0, "FILE", OPTION_STRINGS, SECTION_TARGET, TO(objects), .commands = FOR_TRACE | FOR_CHECK,
	  .man_only = true,
	  .help = "where to look for these functions",
	  .man = "Look for the functions of --alloc-fn and --free-fn in this file alone: its path, or the last part of "
		 "it. May be given several times." },
	{ "force", 0, NULL, OPTION_FLAG, SECTION_TARGET, TO(force), .man_only = true,
	  .help = "trace a program that seems to copy its own code",
	  .man = "Place probes also in an executable that seems to copy its own code, to huge pages for example: if it "
		 "does while it is traced, SIGTRAP kills it. See LIMITS." },

	{ "duration", 'd', "TIME", OPTION_TIME, SECTION_TIME, TO(duration_ns), LIMITS("1ms", "1000d"),
	  .help = "stop after TIME: 10s, 1m30s, 250ms; 10 is seconds",
	  .man = "Stop after TIME and report. Without it, tracing goes on until every process has ended or Ctrl-C. A "
		 "launched command goes on untraced." },
	{ "interval", 'i', "TIME", OPTION_TIME, SECTION_TIME, TO(interval_ns), LIMITS("10ms", "1000d"),
	  .help = "a report every TIME; on a terminal in place",
	  .man = "Report every TIME what was counted since the start, and once more at the end. On a terminal the "
		 "report is refreshed in place; there --pid without --interval and --duration refreshes it every "
		 "second." },
	{ "delta", 0, NULL, OPTION_FLAG, SECTION_TIME, TO(delta),
	  .help = "with -i: what was counted in the interval alone",
	  .man = "With --interval: each report has what was counted in its interval alone. The last one is of the "
		 "whole time." },

	{ "view", 0, "LIST", OPTION_CHOICES, SECTION_REPORT, FROM(view_kinds, add_view),
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "%s",
	  .man = "What is shown: one of these, or several with commas between, a table for each. All are counted in "
		 "one run. Default: alloc. All but alloc and sizes follow each block from its allocation to its free, "
		 "which costs more; see VIEWS." },
	{ "leaks", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(leaks),
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "what is live for long, or was never freed",
	  .man = "Short for --view leaks." },
	{ "min-age", 0, "TIME", OPTION_TIME, SECTION_REPORT, TO(min_age_ns), LIMITS("0", "1000d"), .fallback = "30s",
	  .man_only = true,
	  .help = "how old a block is at least to be a leak",
	  .man = "With --leaks: how long a block must have been live to be shown. At the end of a launched command "
		 "every block that was never freed is shown, unless this option is given." },
	{ "lifetimes", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(lifetimes), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "the view lifetimes",
	  .man = "Short for --view lifetimes." },
	{ "sizes", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(sizes), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "the view sizes",
	  .man = "Short for --view sizes." },
	{ "temp-age", 0, "TIME", OPTION_TIME, SECTION_REPORT, TO(temp_age_ns), LIMITS("0", "1d"), .fallback = "1ms",
	  .man_only = true,
	  .help = "a block freed sooner is temporary",
	  .man = "With --view temp: a block that is freed sooner than TIME after it was allocated is a temporary one; "
		 "so is one that is freed before its thread allocates again." },
	{ "mark", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(mark), .man_only = true,
	  .help = "SIGUSR1 begins a new generation of blocks",
	  .man = "With --view live or --leaks: each SIGUSR1 to alloctrace is a mark, and a table shows what was "
		 "allocated since each mark and is still live. A launched command does not get the signal." },
	{ "suppress", 0, "FILE", OPTION_STRING, SECTION_REPORT, TO(suppress), .man_only = true,
	  .help = "leaks that are not to be shown",
	  .man = "With --leaks: leave out what matches a pattern of FILE, which has the format of LeakSanitizer's "
		 "suppressions: lines of leak:PATTERN. A pattern is compared with the function, the source file and "
		 "the executable file of each frame of a stack, and matches any part of these; * stands for any "
		 "characters, ^ at its beginning and $ at its end for the beginning and end of the name. Lines that "
		 "begin with # are comments. How much was left out is in the summary." },
	{ "metric", 'm', "METRIC", OPTION_CHOICE, SECTION_REPORT, FROM(metric_choices, set_metric),
	  .fallback = "bytes",
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "what ranks the rows: %s",
	  .man = "What the rows are ranked by, and what a folded stack counts." },
	{ "by", 0, "WHAT", OPTION_CHOICE, SECTION_REPORT, FROM(view_bys, set_by), .fallback = "site",
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "%s",
	  .man = "What a row stands for." },
	{ "cum", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(cum),
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "rank by cumulative counts: callees included",
	  .man = "Count for each row also what the functions it calls allocate, and rank by that." },
	{ "top", 'T', "N", OPTION_NUMBER, SECTION_REPORT, TO(top), LIMITS("0", "1000000000"), .fallback = "30",
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "rows of a table; 0 is all",
	  .man = "Show the N heaviest rows of a table; 0 shows all." },
	{ "min-size", 0, "SIZE", OPTION_SIZE, SECTION_REPORT, TO(min_size), LIMITS("0", "1024T"),
	  .help = "count only allocations of at least SIZE",
	  .man = "Count only allocations of at least SIZE. The others are left out in the kernel, and their number is "
		 "reported." },
	{ "max-size", 0, "SIZE", OPTION_SIZE, SECTION_REPORT, TO(max_size), LIMITS("0", "1024T"),
	  .man_only = true,
	  .help = "count only allocations of at most SIZE",
	  .man = "Count only allocations of at most SIZE, likewise." },
	{ "list", 0, "FUNC", OPTION_STRING, SECTION_REPORT, TO(list),
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "source of functions like FUNC, counts by line",
	  .man = "Instead of the table, show the source of each function whose name matches FUNC, a POSIX extended "
		 "regular expression, with bytes and calls of each line, and cumulative ones. It needs debugging "
		 "information, and the sources on this machine: where they were when the program was compiled (files "
		 "that the traced program may read), or below --source-path. Where they are not found, lines are "
		 "shown without their text. --top limits the functions." },
	{ "source-path", 0, "DIR", OPTION_STRINGS, SECTION_REPORT, TO(source_path), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "where --list looks for sources",
	  .man = "Where --list looks for sources first: below DIR (or several, with colons between) the path that the "
		 "debugging information has, or as long an end of it as there is. May be given several times." },
	{ "no-inline", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(no_inline), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "show no inlined functions",
	  .man = "Show only functions proper, not those that the compiler has put into them, which debugging "
		 "information tells." },
	{ "inline", 0, NULL, OPTION_FLAG_OFF, SECTION_REPORT, TO(no_inline), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "show inlined functions",
	  .man = "Show inlined functions where there is debugging information; this is the default." },
	{ "no-demangle", 0, NULL, OPTION_FLAG, SECTION_REPORT, TO(no_demangle), .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "leave C++ and Rust names as the linker has them",
	  .man = "Leave the names of C++ and Rust functions as the linker has them." },

	{ "format", 'f', "FORMAT", OPTION_CHOICE, SECTION_OUTPUT, TO(format), FROM(report_formats, set_format),
	  .fallback = "table",
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "format of the report: %s",
	  .man = "How the report is written. Where it is not given, the names of output files say it: FILE.pb.gz is a "
		 "recording." },
	{ "output", 'o', "FILE", OPTION_STRINGS, SECTION_OUTPUT, TO(output),
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "write FILE, whole or not at all; %p pid, %t time",
	  .man = "Write the report to FILE, which appears or is replaced only when it is complete. In FILE, %p stands "
		 "for the process ID (the first of several), %t for the local time (20261122T213000), %h for the "
		 "host's name, %% for a percent sign. With --interval each report replaces FILE, unless its name has "
		 "a %t. Without this option the report goes to standard output, or to standard error if a command "
		 "was launched. May be given several times: a recording and its table, for example." },
	{ "no-names", 0, NULL, OPTION_FLAG, SECTION_OUTPUT, TO(no_names), .man_only = true,
	  .help = "leave naming to alloctrace report",
	  .man = "Write a recording without names: alloctrace report looks them up where it is run, by the build ids "
		 "that the recording has. Reading symbols and debugging information then costs nothing here." },
	{ "symbol-path", 0, "DIR", OPTION_STRINGS, SECTION_OUTPUT, TO(symbol_path), .man_only = true,
	  .commands = FOR_REPORT,
	  .help = "where report looks for the files of a recording",
	  .man = "Where report looks for the executable files, or debug files, of a recording without names: as "
		 ".build-id/xx/yyyy and .build-id/xx/yyyy.debug below DIR, or as the file's path or its name below "
		 "DIR. Then at their path, below /usr/lib/debug/.build-id, and by debuginfod where DEBUGINFOD_URLS is set. "
		 "Only a file of the same build id is taken. May be given several times." },
	{ "quiet", 'q', NULL, OPTION_FLAG, SECTION_OUTPUT, TO(quiet), .commands = FOR_TRACE | FOR_CHECK | FOR_REPORT,
	  .help = "say nothing but errors",
	  .man = "Say nothing but the report and errors: no warnings, and no summary beside --format folded." },
	{ "verbose", 'v', NULL, OPTION_FLAG, SECTION_OUTPUT, TO(verbose),
	  .commands = FOR_TRACE | FOR_CHECK | FOR_REPORT,
	  .help = "say what is done: probes, memory, symbols",
	  .man = "Say what is done: which functions are probed and which are not, how much memory is used, where names "
		 "come from." },

	{ "sample", 0, "BYTES", OPTION_SIZE, SECTION_KERNEL, TO(sample_bytes), LIMITS("1", "64M"), .word = "auto",
	  .fallback = "auto",
	  .help = "a sample every so many bytes; 1: all",
	  .man = "How many bytes on average lie from one sample to the next. With 1 every call is recorded. With "
		 "auto, the first 250,000 calls of a run are recorded whatever their rate, and then every call while "
		 "that comes to less than 20,000 samples a second, and fewer the faster the process allocates; a "
		 "sample keeps the weight that it was taken with. Beside its bytes each call counts for some more, "
		 "so that one sample in five comes by calls and small blocks are counted well, too. Bytes and calls "
		 "in all are exact whatever this is; the rows are unbiased estimates, shown with their standard "
		 "errors and in no more digits than mean something." },
	{ "max-overhead", 0, "PCT", OPTION_PERCENT, SECTION_KERNEL, TO(max_overhead), LIMITS("0.1", "100"),
	  .word = "off",
	  .help = "what tracing may cost, in % of a CPU; or off",
	  .man = "How much time of one CPU tracing may cost each traced process, in per cent. Where it would cost "
		 "more, probes are attached only in random windows of time, and the counts are scaled up: they are "
		 "estimates then, with errors. The limit holds on average; what is not used up is saved "
		 "for later, at most that of 2 s. What is live can't be told with gaps: in live-heap views "
		 "alloctrace stops when the limit is exceeded for 2 s, reports, says what it would take, and exits "
		 "with 4. Without uprobe_multi (Linux 6.10) it only warns. Default: 5 for --pid with --view alloc "
		 "alone, else off." },
	{ "max-blocks", 0, "N", OPTION_NUMBER, SECTION_KERNEL, TO(max_blocks), LIMITS("1000", "1000000000"),
	  .fallback = "4000000", .man_only = true,
	  .help = "live blocks that the kernel can hold",
	  .man = "How many live blocks the BPF side can hold, for live-heap views. Those beyond that are "
		 "counted as lost. Memory is taken as they come; at most a quarter of the machine's." },
	{ "max-stacks", 0, "N", OPTION_NUMBER, SECTION_KERNEL, TO(max_stacks), LIMITS("1000", "100000000"),
	  .fallback = "500000", .man_only = true,
	  .help = "distinct stacks that the kernel can hold",
	  .man = "How many distinct stacks the BPF side can hold. Allocations by stacks beyond that are counted as "
		 "lost. Memory is taken as they come; what is taken from the start shows with --verbose." },
	{ "max-depth", 0, "N", OPTION_NUMBER, SECTION_KERNEL, TO(max_depth), LIMITS("1", "512"), .fallback = "128",
	  .man_only = true,
	  .help = "frames that a stack can have",
	  .man = "How many frames of a stack are walked, the innermost first; before Linux 5.17 at most 64." },
	{ "ring-size", 0, "SIZE", OPTION_SIZE, SECTION_KERNEL, TO(ring_bytes), LIMITS("64k", "1G"), .fallback = "8M",
	  .man_only = true,
	  .power_of_two = true,
	  .help = "buffer between the kernel and alloctrace",
	  .man = "The buffer through which the frames of each new stack come from the kernel. What it "
		 "has no room for is kept in a table, which takes memory only then." },
	{ "unwind", 0, "HOW", OPTION_CHOICE, SECTION_KERNEL, FROM(unwind_choices, set_unwind), .fallback = "auto",
	  .man_only = true,
	  .help = "how stacks are walked: %s",
	  .man = "How stacks are walked. Code without unwind tables (a JIT's, Go's, assembly) is always walked by "
		 "frame pointers. With fp, code that keeps no frame pointer leaves its callers out, and nothing marks "
		 "where." },
	{ "max-memory", 0, "SIZE", OPTION_SIZE, SECTION_KERNEL, TO(max_memory), LIMITS("64M", "1024G"),
	  .fallback = "1G",
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "memory that alloctrace itself may take",
	  .man = "How much memory of its own alloctrace may take for symbols, debugging information and stacks, over "
		 "all files. What finds no room is said, and has no names; stacks that find none are lost, and "
		 "counted." },
	{ "max-naming", 0, "TIME", OPTION_TIME, SECTION_KERNEL, TO(max_naming_ns), LIMITS("1ms", "24h"),
	  .fallback = "30s",
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_REPORT,
	  .help = "time that a report may take to look up names",
	  .man = "How long a report may take to read symbols and debugging information, over all files. What was not "
		 "looked up by then is shown by module and offset, and counted; debuginfod has limits of its own." },
	{ "unwind-mem", 0, "SIZE", OPTION_SIZE, SECTION_KERNEL, TO(unwind_bytes), LIMITS("4M", "4G"), .fallback = "64M",
	  .man_only = true,
	  .help = "room for unwind tables",
	  .man = "How much of the kernel's memory unwind tables may take, in steps of 4 MiB as they are needed. Stacks "
		 "may end in files whose table finds no room; with --verbose they are named." },
	{ "attach", 0, "HOW", OPTION_CHOICE, SECTION_KERNEL, FROM(attach_choices, set_attach), .fallback = "auto",
	  .man_only = true,
	  .commands = FOR_TRACE | FOR_CHECK,
	  .help = "how probes are attached: %s",
	  .man = "How the probes are attached." },

	{ "help", 'h', NULL, OPTION_FLAG, SECTION_HELP, TO(help), .commands = FOR_TRACE | FOR_CHECK | FOR_REPORT,
	  .help = "this text; more options: man alloctrace",
	  .man = "Show the usage and the options, and exit." },
	{ "version", 'V', NULL, OPTION_FLAG, SECTION_HELP, TO(version), .commands = FOR_TRACE | FOR_CHECK | FOR_REPORT,
	  .help = "the version",
	  .man = "Show the version, and exit." },

	/* For make bench: other programs at the same sites. */
	{ "bench", 0, "PROGRAM", OPTION_CHOICE, SECTION_HIDDEN, FROM(bench_choices, set_bench),
	  .help = "%s" },
	/* For tests: what stops a command at its start. */
	{ "hold-signal", 0, "N", OPTION_NUMBER, SECTION_HIDDEN, TO(hold_signal), LIMITS("1", "1000") },
	{ "generate", 0, "WHAT", OPTION_CHOICE, SECTION_HIDDEN, FROM(generate_choices, set_generate),
	  .help = "%s" },
	{ .name = NULL },
};

void option_choice_names(const struct option_row *row, const char *between, struct buf *out)
{
	const struct choice *c;

	for (size_t i = 0; (c = option_choice(row, i)); i++) {
		if (i)
			buf_str(out, between);
		buf_str(out, c->name);
	}
}
