/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page on formats for programs. */
#include "cli/options_table.h"

const char man_folded_example[] =
	"redis-server;_start;main;aeMain;sdsnewlen;malloc 13421772\n";

const char man_recordings[] =
	"A recording: a gzipped pprof profile, for alloctrace report, go tool pprof, speedscope and others. Sample "
	"types are alloc_objects, alloc_space, inuse_objects and inuse_space, or the first two without live-heap "
	"views; the view and --metric choose which is shown first. Samples have the labels allocator, pid, bytes "
	"(the mean size) and, with --by thread, tid, with --by goroutine, goroutine, with --by label those of Go's "
	"goroutines; program where there are several, and container, user and cgroup where they are known. What "
	"pprof has no place for (peak, temporary blocks, histograms, growth, errors, losses) is in an extension field "
	"that other programs skip. Programs that rewrite a profile, as pprof -proto does, drop it; report then shows "
	"what is missing. An output whose name ends in .pb.gz is a recording unless --format is given.";

const char man_benchfmt[] =
	"Lines of Go's benchmark format, for benchstat: one for the total, one for each row of the view, whatever --by "
	"groups by, and BenchmarkRest for the rows beyond --top. The number of iterations is that of --ops, or 1. B/op "
	"and allocs/op (blocks/op in live-heap views) are what a row allocates itself; estimates have stderr-B/op and "
	"stderr-allocs/op, their standard errors. There is no ns/op, since tracing takes time of its own. In names of "
	"rows, a space is ~, and other characters that mean something there are %XX; a name that occurs again has #2. "
	"With --by A,B, the rows inside of a row follow it: BenchmarkProgram/nginx/Site/main. --cum is for tables. The "
	"summary goes to standard error.";

const char man_benchfmt_example[] =
	"goos: linux\nview: alloc\nby: site\n"
	"BenchmarkTotal 1001 32549 B/op 11.65 allocs/op\n"
	"BenchmarkSite/main.(*Ledger).Rich~(ledger.go:38) 1001 32208 B/op 9 allocs/op\n";
