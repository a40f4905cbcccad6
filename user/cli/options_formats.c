/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page on formats for programs. */
#include "cli/options_table.h"

const struct man_format man_formats[] = {
	{ "Folded",
	  "A line for each stack: the process's name, the functions from the outermost to the allocator's, separated "
	  "by semicolons, a space and the bytes (with --metric calls, the calls). flamegraph.pl and other flame "
	  "graph viewers read it. With --by thread the thread's ID follows the name: worker-4715. If there are "
	  "several programs, or containers, stacks begin with these: docker:web;nginx;main. Other groupings, --cum "
	  "and --top are for tables. The summary goes to standard error.",
	  "redis-server;_start;main;aeMain;sdsnewlen;malloc 13421772\n" },
	{ "Pprof",
	  "A recording: a gzipped pprof profile, for alloctrace report, go tool pprof, speedscope and others. Sample "
	  "types are alloc_objects, alloc_space, inuse_objects and inuse_space, or the first two without live-heap "
	  "views; the view and --metric choose which is shown first. Samples have the labels allocator, pid, bytes "
	  "(the mean size) and, with --by thread, tid, with --by goroutine, goroutine, with --by label those of Go's "
	  "goroutines; program where there are several, and container, user and cgroup where they are known. What "
	  "pprof has no place for (peak, temporary blocks, histograms, growth, errors, losses) is in an extension "
	  "field that other programs skip. Programs that rewrite a profile, as pprof -proto does, drop it; report "
	  "then shows what is missing. An output whose name ends in .pb.gz is a recording unless --format is given.",
	  NULL },
	{ "Benchfmt",
	  "Lines of Go's benchmark format, for benchstat: one for the total, one for each row of the view, whatever "
	  "--by groups by, and BenchmarkRest for the rows beyond --top. The number of iterations is that of --ops, "
	  "or 1. B/op and allocs/op (blocks/op in live-heap views) are what a row allocates itself; estimates have "
	  "stderr-B/op and stderr-allocs/op, their standard errors. There is no ns/op, since tracing takes time of "
	  "its own. In names of rows, a space is ~, and other characters that mean something there are %XX; a name "
	  "that occurs again has #2. With --by A,B, the rows inside of a row follow it: "
	  "BenchmarkProgram/nginx/Site/main. --cum is for tables. The summary goes to standard error.",
	  "goos: linux\nview: alloc\nby: site\n"
	  "BenchmarkTotal 1001 32549 B/op 11.65 allocs/op\n"
	  "BenchmarkSite/main.(*Ledger).Rich~(ledger.go:38) 1001 32208 B/op 9 allocs/op\n" },
	{ "Json",
	  "The report as one JSON object in one line: \"views\" has the rows of each table, with the columns that "
	  "the table has at any width, not rounded, their standard errors, and all callers in the heaviest stack; "
	  "\"facts\" has what the summary says. --top and --by mean what they do for tables; rows beyond --top are "
	  "in \"rest\". With --interval, each report is one more line. diff and trend write what their tables "
	  "show, likewise. doc/formats.md describes the keys.",
	  "{\"type\":\"report\",\"version\":1,\"views\":[{\"view\":\"alloc\",...}],\"facts\":{...}}\n" },
	{ "Csv",
	  "The table of one view as comma-separated values, with a line of column names. Numbers are not rounded, "
	  "and where they are estimates, a column NAME_error follows each. Names that a spreadsheet would take for a "
	  "formula begin with an apostrophe. The last line is that of the rows beyond --top. With --by A,B, each "
	  "line has both names. The summary goes to standard error.",
	  "site,callers,bytes,share,sum_share,calls,mean\n\"zmalloc+0x1c\",\"dictExpand < dictAdd < "
	  "main\",536870912,0.268,0.94,4099,130976\n" },
	{ "Svg",
	  "A flame graph of one view, by --metric: one file without anything from elsewhere, which any viewer shows. "
	  "In a browser, a click zooms, Ctrl-F or F3 searches (a regular expression; Ctrl-I ignores case) and says "
	  "what share matches, Esc resets, Flame puts the root below; zoom and search are kept in the address. "
	  "Colours are of modules. Frames below a tenth of a pixel are drawn together, in grey.",
	  "sudo alloctrace -p 4711 -d 30 -o heap.svg\n" },
	{ "Html",
	  "One page for a browser, which needs nothing else and loads nothing: a flame graph (top-down, "
	  "bottom-up, or the callers and callees of one function), the functions as a table, the source of "
	  "the 500 heaviest with what each line allocates (found as --list finds it; at most 512 KiB of "
	  "text), histograms with the views sizes and lifetimes, and the summary. It has all views that are "
	  "reported, bytes and calls, threads with --by thread, types of Go; other groupings, --cum and --top "
	  "are for tables. The page is searched, zoomed and sorted with mouse or keyboard (? lists the keys); "
	  "its address holds what is shown.",
	  "alloctrace report -o heap.html heap.pb.gz\n" },
	{ "Speedscope",
	  "Stacks in the JSON format of www.speedscope.app: a profile for each view and metric, with inlined "
	  "functions. FILE.speedscope.json is in this format.",
	  NULL },
	{ "Prom",
	  "Prometheus text 0.0.4 for the textfile collector of node_exporter: alloctrace_VIEW_bytes and _blocks, "
	  "gauges of the live-heap views, and alloctrace_VIEW_bytes_total and _calls_total, counters of the others. "
	  "There is a series for each of the --top rows, and one for all others. Its label id is made of the row's "
	  "name and is the same in each run; the label target is the program's name. With --interval, each report "
	  "replaces the file, which a reader never sees half-written.",
	  "alloctrace_live_bytes{target=\"redis-server\",site=\"zmalloc+0x1c\",id=\"9ae16a3b2f90404f\"} 1048576\n" },
	{ NULL, NULL, NULL }
};
