/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page on formats for programs. */
#include "cli/options_table.h"

const char man_folded_example[] =
	"redis-server;_start;main;aeMain;sdsnewlen;malloc 13421772\n";

const char man_recordings[] =
	"A recording: a gzipped pprof profile, for alloctrace report, go tool pprof, speedscope and others. Sample "
	"types are alloc_objects, alloc_space, inuse_objects and inuse_space, or the first two without live-heap "
	"views; the view and --metric choose which is shown first. Samples have the labels allocator, pid, bytes "
	"(the mean size) and, with --by thread, tid. What pprof has no place for (peak, temporary blocks, "
	"histograms, growth, errors, losses) is in an extension field that other programs skip. Programs that rewrite "
	"a profile, as pprof -proto does, drop it; report then shows what is missing. An output whose name ends "
	"in .pb.gz is a recording unless --format is given.";
