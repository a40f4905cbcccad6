/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page: options and commands from their tables, the rest from the prose here. */
#include "cli/options_table.h"

#include <string.h>

#define MAN_DATE "2026-11-28"
#define LINE_COLUMNS 72	/* of text; escapes come on top */

struct item {
	const char *tag, *text;
};

static const char *const description[] = {
	"alloctrace shows, by call stack, which code in a running process allocates memory, leaks it, or churns "
	"through it. It requires no restart, no recompilation and no preloaded library: it attaches uprobes to the "
	"allocator's functions, a BPF program sums up bytes and calls by stack in the kernel, and alloctrace names "
	"the stacks and prints them.",
	"Live-heap views follow each block from its allocation to its free: what is in use, what leaks, what was "
	"in use at the peak of the heap, what was only temporary, how long blocks live.",
	"Every call is recorded while a process allocates slowly, and samples of them while it allocates fast "
	"(--sample). The functions traced are malloc, calloc, realloc, reallocarray, posix_memalign, "
	"aligned_alloc, memalign, valloc, pvalloc and C++ operator new, in whatever file of the process defines "
	"them: the C library, another allocator, or the program itself; and functions with a prefix, where a file "
	"has a whole family of them (je_malloc and je_free) that does its own work. They are found by the dynamic "
	"and the full symbol table (versions such as malloc@V1, local, hidden and untyped symbols; the function "
	"that an ifunc resolver chose), by those of the separate debug file and by .gnu_debugdata; --alloc-fn "
	"names others.",
	"Where one allocator function calls another (operator new, a preloaded wrapper, a helper between them), "
	"only the outermost call counts, with the size that was requested from it; live-heap views have one block. "
	"What matters is which call is in progress in the thread, not where the caller lies.",
	"With -p, alloctrace traces running processes; with -a, or options that select processes by what they are, "
	"also those that start later. With a command, it launches the command and traces it, and what it starts, from "
	"the first allocation on; the command keeps standard input, standard output, and signals, and its exit status "
	"becomes alloctrace's. A command that is setuid, setgid or has file capabilities is launched like any "
	"other.",
	"alloctrace needs root, or the ambient capabilities CAP_BPF and CAP_PERFMON (and CAP_SYS_PTRACE for "
	"processes of other users), see setpriv(1). A copy of alloctrace that is setuid, setgid or has file "
	"capabilities refuses to run. When alloctrace exits, in whatever way, the kernel removes every probe.",
	NULL
};

static const char arguments[] =
	"TIME is a number of seconds, or has units: 250ms, 10s, 1m30s, 2h, 1d. SIZE is a number of bytes, or has a "
	"unit: 4096, 64k, 1.5M, 2G (powers of 1024). If an option is given twice, the last one wins.";

static const char views[] =
	"--view selects what is shown; several views are several tables of one run, and --format folded takes one. "
	"In live-heap views, BLOCKS are blocks, not calls. A process's blocks are considered freed when it calls "
	"exec or exits; what a launched command still had when it exited is what it never freed. If what it starts is "
	"traced, too, that includes the blocks of processes that ended, or called exec, within 2 s before the end.";

static const struct item view_items[] = {
	{ "alloc", "What was allocated since the start, whether it is still in use or not." },
	{ "live", "What was allocated since the start and is not freed yet; blocks older than the trace are not "
	  "known. OLDEST is the age of the call site's oldest block. ALLOC is what the site has allocated since "
	  "the start, FREED what of that was freed. With --interval, GROWTH is the change since the previous "
	  "report, and a site that has grown in each of the last three or more intervals is marked with an arrow "
	  "and their number. Of Go: what its runtime's records say, since the process began; see LIMITS." },
	{ "leaks", "What is in use and older than --min-age; at the end of a launched command, everything that was "
	  "never freed, including what a program keeps on purpose and leaves to the kernel. --suppress hides known "
	  "leaks. Of Go, all that is live, of whatever age. Leaks do not change the exit status." },
	{ "peak", "What was in use, by call site, at the moment when the live heap of all traced processes was "
	  "largest. The moment is exact to the call, except for calls in progress on other CPUs." },
	{ "temp", "What was freed within --temp-age, or before its thread allocated again. TEMP% is the share of "
	  "the site's calls that were temporary." },
	{ "lifetimes, sizes", "A histogram for each call site. A column is a power of two (or several, as the "
	  "heading says), and its height the number of calls relative to the row's highest column; the header "
	  "shows the lower bound of the first column and the upper bound of the last. Half of the calls are below "
	  "MEDIAN." },
	{ "rss", "What made resident memory grow, by the user stack that touched it: every page that the kernel "
	  "counts as resident, at the page fault that brought it or in the system call (read, MAP_POPULATE). No "
	  "function is probed, and no allocator has to be known: static and stripped programs, Go, Java and "
	  "allocators of their own alike. In place of an allocator function, stacks have what was touched: [heap] "
	  "(brk), [stack], [anonymous] (another private mapping), [huge page] (either of these, 2 MiB at once), "
	  "[file] (a page of a file in a private mapping), [file copy] (the process's own copy of it), [shared] (a "
	  "shared mapping, of a file or not). FAULTS counts what brought pages, not failed faults nor those that "
	  "replace a page: copies after a fork, or of a file's page that was there. One page in 16 is sampled unless "
	  "--sample says otherwise. It cannot be combined with other views." },
	{ "mapped, mappings", "What the program maps itself (mmap of anonymous memory, mremap, brk, sbrk), by stack, "
	  "since the start; and what of that is still mapped, to the page: munmap of a part splits a mapping, and MAPS "
	  "counts those of which something is left. Thread stacks are among them. It is in no heap, nor in the totals "
	  "of one; what an allocator maps for its heap is left out, and its sum is in the summary. mremap gives up "
	  "the old mapping, and makes one of its new size. Every call is recorded, whatever --sample says. --mmap "
	  "adds both to the views of the heap; alone, they probe no allocator." },
	{ "since mark", "With --mark, after a mark was set: what was allocated since the first mark (of the last "
	  "8) and is still in use, by the mark that it follows." },
	{ NULL, NULL }
};

static const char *const errors[] = {
	"Where calls are sampled, a row is an unbiased estimate. The column with the plus-minus sign is its "
	"standard error in per cent: the true value is within that of the one shown in two of three cases, and "
	"within twice that in 19 of 20. Numbers are rounded to the first digit of the error. A row with an error "
	"of 100 % comes from one sample. Totals in the summary are exact, since every call is counted there, and % "
	"and SUM% are shares of these.",
	"A block of n bytes is sampled with a probability of 1 - exp(-(n/BYTES + 1/CALLS)), where the line "
	"\"sampled\" shows BYTES and CALLS: a block of twice as many bytes as --sample has in 86 % of cases, one "
	"of a tenth of them in 9.5 %, and a little more by calls. CALLS follows the sizes so that one sample in "
	"five comes by calls, also if BYTES is given. A call site of which nothing was sampled has no row, and no "
	"error shows that. For a small leak, or an exact count of blocks, use --sample 1.",
	"Where probes are detached and reattached (--max-overhead; the summary then has a line \"traced\"), totals "
	"are estimates as well. All errors then include the uncertainty that comes from how much sampling windows "
	"differ, more with few windows, and at least 2 % of what was not traced. Phases that no window has met are "
	"not covered. A process that has no idle time, or that others wait for, does less while it is traced: time "
	"does not measure what it would have done. Each window is therefore scaled up by work that the process "
	"does anyway, and the summary names it: reads (/proc/PID/io), or the bytes that it reads, if their number per "
	"read changes while it is traced; with fewer than 20 reads in a window, reads and writes; if there are too "
	"few of these, messages that it sends and receives on sockets; if there are none either, and probes take "
	"less than three fifths of its CPU time, CPU time less what the probes take. If there is no such measure, "
	"windows are scaled up by time: totals are a lower bound then (\"at least\"), rows are rough, and no error is "
	"shown for that. Measuring by work assumes that a process allocates as much for the same work while traced. A "
	"process that handles requests in batches may not; a warning says so if it waits less than half as often "
	"for the same work meanwhile, or if it reads other amounts at once and bytes are no measure either. In the "
	"end, all rows are scaled by one factor: if phases of a process are slowed down by different amounts, "
	"totals are right, and the rows of one phase are too large relative to those of another until the forecast "
	"for the next window has caught up.",
	NULL
};

static const struct item table_columns[] = {
	{ "BYTES", "Bytes requested." },
	{ "%", "The row's share of all bytes (with --metric calls, of all calls)." },
	{ "SUM%", "The share of this row and those above it." },
	{ "the plus-minus column", "The standard error of what rows are ranked by, in per cent, if it is an "
	  "estimate (see Errors of estimates); empty if it is exact." },
	{ "CALLS, BLOCKS", "Calls of an allocator function; in live-heap views, blocks." },
	{ "MEAN", "Bytes per call, or per block." },
	{ "B/OP, ALLOCS/OP, BLOCKS/OP", "With --ops: bytes and calls, or blocks, per operation." },
	{ "CUM, CUM%", "With --cum: what the row's function and all its callees allocate." },
	{ "SITE < CALLERS", "The call site, which is the place that calls the allocator (or what --by groups by), "
	  "and the chain of its callers in the row's heaviest stack, innermost first. With debugging information, "
	  "a site is function (file:line), and inlined functions are shown as if they had been called. Otherwise "
	  "an offset is the return address in its function, as debuggers show it. Functions that only forward a "
	  "request to malloc are not call sites: operator new, allocators of the C++ standard library, Rust's "
	  "crates alloc and core, the allocation functions of GLib, APR, Qt, V8 and mimalloc. A frame that no "
	  "symbol covers is shown as module+0xaddress, the address as addr2line(1) takes it." },
	{ "PROGRAM, SITE < CALLERS", "With two groupings, as in --by program,site: each row is followed, indented, "
	  "by the rows inside of it, which add up to it. % is a share of the whole table; SUM% is of the outer rows. "
	  "--cum needs an outer grouping that is not of functions or files, and then counts by inner row, within the "
	  "outer one." },
	{ NULL, NULL }
};

static const char *const stacks[] = {
	"The caller of the allocator function is read where the call left it, and is always right. From there on, "
	"the BPF side unwinds the stack by the unwind tables (.eh_frame) that distributions leave in every file. "
	"Where these have no entry, .debug_frame of the file or of its separate debug file is used; Go's code is "
	"unwound by the tables of its runtime; code without any (generated code, assembly) is unwound by frame "
	"pointers. A function of a file that has no "
	"unwind tables and keeps no frame pointer hides its callers: unless the function's code shows that it "
	"keeps one, [?] marks the place in the stack where they may be missing, in every format. A truncated stack "
	"names the reason at its root in every format: [truncated: reason]. Compiled code of Java has frame "
	"pointers only with java -XX:+PreserveFramePointer: without it, stacks end there (JIT boundary), and those "
	"that do not may lack some of the compiled callers.",
	"In Go programs, functions, lines and inlined functions come from .gopclntab, which strip leaves in the "
	"file. The site is the first function outside the runtime; wrappers that the compiler makes for methods "
	"are left out. --by type groups by the type that is allocated, as Go writes it; a value put into an "
	"interface is shown as \"T (boxed)\". --by goroutine groups by the goroutine on whose behalf the runtime "
	"allocates, by the number that its tracebacks show; stacks of another goroutine are other stacks then. --by "
	"label groups by the goroutines' labels (pprof.Do): of up to 8, 32 bytes of each key and 64 of each value.",
	"Names come from the file's symbols, from a separate debug file (by build ID or debuglink, below "
	"/usr/lib/debug of the target or of this host), from .gnu_debugdata, and from debuginfod if "
	"DEBUGINFOD_URLS is set. debuginfod is queried for the last report only, for at most DEBUGINFOD_TIMEOUT "
	"seconds per file (10 if unset). Split debugging information (.dwo, .dwp) is not read: lines are "
	"available, inlined functions are not. JIT code is named by /tmp/perf-PID.map or by a jitdump file: node "
	"--perf-basic-prof --interpreted-frames-native-stack, python3.12 -X perf, jcmd PID Compiler.perfmap (while "
	"it is traced). Text that a program has copied to huge pages (node --use-largepages) has the names of its "
	"file.",
	"Reports and messages are UTF-8 if LC_ALL, LC_CTYPE or LANG selects it, and ASCII otherwise (\"~\" for "
	"truncated names, \"+-%\"). Folded stacks keep the bytes of names.",
	NULL
};

static const struct item truncation_reasons[] = {
	{ "depth limit", "The stack has more frames than --max-depth." },
	{ "JIT boundary", "Generated code without frame pointers." },
	{ "no unwind information", "Code of a file with neither unwind tables nor a usable frame pointer." },
	{ "unsupported unwind rule", "The frame's rule needs a register whose value is not known there; see LIMITS." },
	{ "stack memory not readable", "A page of the stack is not in memory, or the stack was copied and "
	  "continues beyond the 1 MiB of a copy." },
	{ "return address outside code", "What should be a return address is not in code: a damaged stack, or an "
	  "invalid frame pointer." },
	{ "unknown mapping", "No known file is mapped there: its code was unmapped, or mapped so recently that its "
	  "unwind table is not loaded yet." },
	{ NULL, NULL }
};

static const char table_example[] =
	"   BYTES      %   SUM%  CALLS      MEAN  SITE < CALLERS\n"
	"1.23 GiB   45.2   45.2  1.23M  1.05 KiB  sdsnewlen+0x24 < main\n"
	" 512 MiB   18.4   63.6  4.10k   128 KiB  zmalloc+0x1c < main\n";

static const struct item summary_lines[] = {
	{ "target", "The processes, or what selects them, and the allocators that were called." },
	{ "host", "Where processes come and go: how many have called an allocator function, of how many programs and "
	  "containers, and how many of them have ended; probe hits of processes that are not selected, which cost as "
	  "well; calls of processes whose cgroup was not known yet; files with an allocator that were first mapped "
	  "while tracing, of which the first calls are missing." },
	{ "not seen", "Functions of mapped files that may allocate but are not traced, and why (no instruction "
	  "that can be probed, an unknown ifunc choice, text that is mapped writable, operator new without a "
	  "symbol): their calls are missing. Likewise processes that share the target's memory, unless attached "
	  "by perf. With --verbose, all of them." },
	{ "allocated", "Bytes, calls, rates and the mean size." },
	{ "mapped", "With --mmap: what the program mapped itself, and what of that is still mapped; besides, what "
	  "allocators mapped for their heaps. Calls that were lost, and mappings that were too many to follow." },
	{ "grown, resident", "Of the view rss: what came, in bytes, faults and rates; and what was resident when each "
	  "address space was first seen (at its exec or fork, or when tracing began) and at its end, by the kernel's "
	  "own counters. What was counted, less what the processes gave back and with what others did (reclaim, "
	  "khugepaged, another process), explains so much of the difference." },
	{ "per op", "With --ops: bytes and calls per operation. Bytes are those requested; for Go, the line says that "
	  "go test -benchmem counts size classes instead." },
	{ "shown", "In a report on a part of a recording (--focus and the like): its sum, and what chose it." },
	{ "traced", "With --max-overhead, if the limit took effect: the share of the time in which probes were "
	  "attached, and in how many sampling windows; what counts are scaled up by, and the resulting error; what "
	  "the probes take meanwhile, and how much of its own work the target does then." },
	{ "sampled", "Calls that are in the tables, unless all are, and the final distance between samples, in "
	  "bytes or calls." },
	{ "live", "What is in use now, and the maximum at any moment, with the time since the start." },
	{ "frees", "Blocks freed; among them, blocks that were not recorded (allocated before tracing, left out, "
	  "or not sampled), blocks whose free was not seen but whose address was allocated again, and blocks that "
	  "ended with an exec or with their process. When a thread exits, glibc once more frees what the thread "
	  "kept in reserve: a few frees of blocks that were not recorded." },
	{ "unfollowed", "Recorded calls of functions that may throw: see LIMITS." },
	{ "left out", "Calls left out on purpose: by --min-size and --max-size, or because they failed (the size "
	  "overflows, or in live-heap views the function returned no block)." },
	{ "missing", "In a report on a file that another program has written or rewritten: what the file lacks." },
	{ "lost", "Calls that could not be recorded, by reason; they are not among the recorded ones in any view. "
	  "If more than 1 % were lost, the exit status is 4." },
	{ "account", "What became of every call that a probe saw. The sum is checked; if it does not add up, a "
	  "warning says so, and the difference counts as lost." },
	{ "suppressed", "Leaks that --suppress hid; with --verbose, by pattern." },
	{ "truncated", "Stacks that do not reach the program's start, by reason." },
	{ "uncertain", "Stacks with [?]: callers may be missing there, because code without unwind tables was "
	  "unwound by frame pointer." },
	{ "unnamed", "Frames without a function name, by reason." },
	{ "cost", "What tracing cost the target: probe hits times the cost of a hit, which is measured on this "
	  "machine for sampled and other calls, plus detaching and reattaching. If that exceeds the CPU time of a "
	  "command, hits were cheaper than measured, and the CPU time is shown (\"at most\")." },
	{ NULL, NULL }
};

static const struct item exit_status[] = {
	{ "0", "Success." },
	{ "1", "Failure; the reason was logged. For alloctrace check: something that tracing needs is missing. For "
	  "alloctrace diff: growth above --fail-above, too." },
	{ "2", "Usage error." },
	{ "3", "Nothing was recorded, and a message says why: the process slept, was stopped or has exited; only "
	  "its children worked; it ran and called none of the probed functions; it runs under valgrind, qemu or "
	  "the like, which execute a translation of its code." },
	{ "4", "The report is incomplete: more than 1 % of the calls were lost, or tracing ended early because it "
	  "exceeded --max-overhead." },
	{ "5", "There is no report, because reading a file for it hangs (see LIMITS)." },
	{ NULL, NULL }
};

static const char exit_of_command[] =
	"With a command: the command's own status, or 128 plus the signal number if a signal killed it. Only if "
	"alloctrace itself fails is it 1 or 2, as above.";

static const struct item signals[] = {
	{ "SIGINT (Ctrl-C), SIGTERM, SIGHUP", "Detach, report, and exit. Counting stops within 100 ms, whatever "
	  "else is in progress. A second signal exits at once, without a report; so does the first one before "
	  "everything is attached (exit status 3). A SIGHUP that was ignored at startup (by nohup) remains ignored." },
	{ "SIGUSR1", "With --mark: set a mark." },
	{ NULL, NULL }
};

static const char signals_of_command[] =
	"With a command, the signals above (SIGUSR1 unless --mark is given), SIGQUIT and SIGUSR2 are forwarded to "
	"the command, unless they come from the terminal, which sends them to both; alloctrace reports when the "
	"command has exited. A second Ctrl-C ends alloctrace at once.";

static const struct item examples[] = {
	{ "The allocation hot spots of a running process, until Ctrl-C:", "sudo alloctrace -p 4711\n" },
	{ "A flame graph of the bytes allocated in 30 seconds:",
	  "sudo alloctrace -p 4711 -d 30 -o heap.svg\n" },
	{ "A program from its first allocation on, ranked by calls:",
	  "sudo alloctrace -m calls -- git log --stat >/dev/null\n" },
	{ "What the last 10 seconds allocated, every 10 seconds, blocks of at least 1 MiB:",
	  "sudo alloctrace -p 4711 -i 10 --delta --min-size 1M\n" },
	{ "A file every minute, for an hour:",
	  "sudo alloctrace -p 4711 -q -d 1h -i 1m --delta -f folded -o %p-%t.txt\n" },
	{ "What a program never frees, from its first allocation on:", "sudo alloctrace --leaks -- ./server\n" },
	{ "The same as a flame graph, every block counted:",
	  "sudo alloctrace --leaks --sample 1 -o leaks.svg -- ./server\n" },
	{ "Which call sites grow, minute by minute:", "sudo alloctrace -p 4711 --view live -i 1m\n" },
	{ "What one request leaves behind: warm up, mark, send it, look:",
	  "sudo alloctrace -p 4711 --view live --mark &\nsudo kill -USR1 $(pidof alloctrace)\n" },
	{ "Which call sites churn, and how long their blocks live:",
	  "sudo alloctrace -p 4711 -d 10 --view temp,lifetimes\n" },
	{ "An application's own pool, by its functions; arguments count from 1:",
	  "sudo alloctrace --alloc-fn 'pool_alloc(size=2)' --free-fn 'pool_free(ptr=2)' --leaks -- ./server\n" },
	{ "All functions that match a glob, or one by its address in a stripped file:",
	  "sudo alloctrace --alloc-fn 'PyObject_*alloc(size=1)' -p 4711\n"
	  "sudo alloctrace --object /opt/bin/server --alloc-fn '+0x2a3f0(n=1,size=2)' -p 4711\n" },
	{ "A recording of a minute, shown later, elsewhere, without root:",
	  "sudo alloctrace --view alloc,live -p 4711 -d 1m -o heap.pb.gz\nalloctrace report --view live heap.pb.gz\n" },
	{ "What each line of a Go benchmark allocates per operation, and two builds compared by benchstat:",
	  "sudo alloctrace --ops 1001 --by line -- ./x.test -test.bench=X -test.benchtime=1000x\n"
	  "sudo alloctrace --ops 1001 -f benchfmt -o old.txt -- ./x.test -test.bench=X -test.benchtime=1000x\n" },
	{ "Every process of the host for a minute, by container, and by program in each:",
	  "sudo alloctrace -a -d 1m --by container,program\n" },
	{ "The live heap of a service, whatever processes it starts:",
	  "sudo alloctrace --unit nginx.service --view live -i 10\n" },
	{ "A build, by program, without its shells:", "sudo alloctrace --comm '!sh' --by program,site -- make\n" },
	{ "What this machine allows, and what a probe would cost a process:", "sudo alloctrace check -p 4711\n" },
	{ "What runs on this machine, in which containers, with which allocators, and what could not be traced:",
	  "sudo alloctrace check --all\n" },
	{ NULL, NULL }
};

/* Text with what roff would take for markup escaped. In an option's name "-" stays the character that is typed. */
static void put_word(FILE *f, const char *s, size_t len, bool literal)
{
	if (len && (s[0] == '.' || s[0] == '\''))
		fputs("\\&", f);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\')
			fputs("\\e", f);
		else if (s[i] == '-' && literal)
			fputs("\\-", f);
		else
			fputc(s[i], f);
	}
}

/* Filled text: lines of the source stay short, and each sentence begins a new one, as roff wants it. */
static void put_text(FILE *f, const char *s)
{
	size_t column = 0;
	bool sentence_ends = false;

	while (*s) {
		size_t len = strcspn(s, " ");

		if (column && (sentence_ends || column + 1 + len > LINE_COLUMNS)) {
			fputc('\n', f);
			column = 0;
		} else if (column) {
			fputc(' ', f);
			column++;
		}
		put_word(f, s, len, s[0] == '-' || s[0] == '(' || s[0] == '/');
		column += len;
		sentence_ends = len && s[len - 1] == '.';
		s += len;
		s += strspn(s, " ");
	}
	fputc('\n', f);
}

static void put_literal(FILE *f, const char *s)
{
	put_word(f, s, strlen(s), true);
}

static void put_paragraphs(FILE *f, const char *const *text, bool first)
{
	for (; *text; text++, first = false) {
		if (!first)
			fputs(".PP\n", f);
		put_text(f, *text);
	}
}

static void put_items(FILE *f, const struct item *item)
{
	for (; item->tag; item++) {
		fputs(".TP\n.B ", f);
		put_literal(f, item->tag);
		fputc('\n', f);
		put_text(f, item->text);
	}
}

/* Lines as they are. */
static void put_example(FILE *f, const char *lines)
{
	fputs(".PP\n.in +2n\n.EX\n", f);
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		put_word(f, lines, len, true);
		fputc('\n', f);
		lines += len + (lines[len] == '\n');
	}
	fputs(".EE\n.in\n", f);
}

static void put_commands(FILE *f)
{
	for (const struct command *c = commands; c < commands + n_commands; c++) {
		if (!c->usage)
			continue;
		if (c != commands)
			fputs(".br\n", f);
		fprintf(f, ".B alloctrace%s%s\n", c->name ? " " : "", c->name ? c->name : "");
		put_literal(f, c->usage);
		fputc('\n', f);
	}
}

static void put_command_descriptions(FILE *f)
{
	for (const struct command *c = commands; c < commands + n_commands; c++) {
		if (!c->name)
			continue;
		fprintf(f, ".PP\n.B alloctrace %s\n", c->name);
		put_text(f, c->man);
	}
}

static void put_limits(FILE *f, const struct option_row *row)
{
	if (row->least) {
		fprintf(f, "%s is%s from ", row->arg, row->power_of_two ? " a power of two" : "");
		put_literal(f, row->least);
		fputs(" to ", f);
		put_literal(f, row->most);
		fprintf(f, "%s%s.\n", row->word ? ", or " : "", row->word ? row->word : "");
	}
	if (row->fallback) {
		fputs("Default: ", f);
		put_literal(f, row->fallback);
		fputs(".\n", f);
	}
}

static void put_option(FILE *f, const struct option_row *row)
{
	const struct choice *c;

	fputs(".TP\n\\fB", f);
	if (row->letter)
		fprintf(f, "\\-%c\\fR, \\fB", row->letter);
	fputs("\\-\\-", f);
	put_literal(f, row->name);
	fputs("\\fR", f);
	if (row->arg)
		fprintf(f, " \\fI%s\\fR", row->arg);
	fputc('\n', f);
	put_text(f, row->man);
	put_limits(f, row);
	if (!row->choices)
		return;
	fputs(".RS\n", f);
	for (size_t i = 0; (c = option_choice(row, i)); i++) {
		fprintf(f, ".TP\n.B %s\n", c->name);
		put_text(f, c->help);
	}
	fputs(".RE\n", f);
}

static void put_options(FILE *f)
{
	int section = -1;

	fputs(".SH OPTIONS\n", f);
	put_text(f, arguments);
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->section == SECTION_HIDDEN)
			continue;
		if ((int)row->section != section)
			fprintf(f, ".SS %s\n", option_sections[row->section]);
		section = row->section;
		put_option(f, row);
	}
}

static void put_output(FILE *f)
{
	fputs(".SH OUTPUT\n.SS Table\n", f);
	put_text(f, "A summary, then a row for each call site (or whatever --by groups by), the heaviest "
		 "first. On a narrow terminal, the least important columns are dropped.");
	put_items(f, table_columns);
	put_example(f, table_example);
	fputs(".PP\nThe summary has these lines; lines without information are omitted:\n", f);
	put_items(f, summary_lines);
	fputs(".PP\n", f);
	put_text(f, "Colour is used only on a terminal, and not if the environment variable NO_COLOR is set.");
	for (const struct man_format *m = man_formats; m->title; m++) {
		fprintf(f, ".SS %s\n", m->title);
		put_text(f, m->text);
		if (m->example)
			put_example(f, m->example);
	}
}

static void put_examples(FILE *f)
{
	fputs(".SH EXAMPLES\n", f);
	for (const struct item *e = examples; e->tag; e++) {
		if (e != examples)
			fputs(".PP\n", f);
		put_text(f, e->tag);
		put_example(f, e->text);
	}
}

void options_man(FILE *f)
{
	fprintf(f, ".\\\" Made from the option table of alloctrace.\n.TH ALLOCTRACE 8 %s \"alloctrace %s\"\n", MAN_DATE,
		ALLOCTRACE_VERSION);
	fputs(".SH NAME\nalloctrace \\- eBPF heap profiler for running processes\n", f);
	fputs(".SH SYNOPSIS\n", f);
	put_commands(f);
	fputs(".SH DESCRIPTION\n", f);
	put_paragraphs(f, description, true);
	put_command_descriptions(f);
	put_options(f);
	fputs(".SH PROCESSES\n", f);
	put_paragraphs(f, man_processes, true);
	fputs(".SH KERNEL MEMORY\n", f);
	put_paragraphs(f, man_kernel, true);
	fputs(".SH COMPARISONS\n", f);
	put_paragraphs(f, man_comparisons, true);
	put_output(f);
	fputs(".SH VIEWS\n", f);
	put_text(f, views);
	put_items(f, view_items);
	fputs(".SS Errors of estimates\n", f);
	put_paragraphs(f, errors, true);
	fputs(".SH EXIT STATUS\n", f);
	put_items(f, exit_status);
	fputs(".PP\n", f);
	put_text(f, exit_of_command);
	fputs(".SH SIGNALS\n", f);
	put_items(f, signals);
	fputs(".PP\n", f);
	put_text(f, signals_of_command);
	put_examples(f);
	fputs(".SH STACKS AND NAMES\n", f);
	put_paragraphs(f, stacks, true);
	fputs(".SS Reasons of [truncated: ...]\n", f);
	put_items(f, truncation_reasons);
	fputs(".SH LIMITS\n", f);
	put_paragraphs(f, man_limits, true);
	fputs(".SH SEE ALSO\n.BR bpftrace (8),\n.BR perf (1),\n.BR proc (5),\n.BR malloc (3),\n.BR setpriv (1)\n", f);
}
