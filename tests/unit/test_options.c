/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include "options_fixture.h"

static void defaults(void **state)
{
	struct options o;

	accept("-p 1", &o);
	assert_ptr_equal(o.command, &commands[0]);
	assert_string_equal(o.pids, "1");
	assert_null(o.argv);
	assert_int_equal(o.duration_ns, 0);
	assert_int_equal(o.interval_ns, 0);
	assert_false(o.delta);
	assert_int_equal(o.metric, METRIC_BYTES);
	assert_string_equal(o.by->name, "site");
	assert_false(o.cum);
	assert_int_equal(o.top, 30);
	assert_int_equal(o.min_size, 0);
	assert_true(o.max_size == UINT64_MAX);
	assert_false(o.no_demangle);
	assert_string_equal(o.format->name, "table");
	assert_null(o.output[0]);
	assert_int_equal(o.n_outputs, 1);
	assert_null(o.outputs[0].pattern);
	assert_false(o.quiet);
	assert_false(o.verbose);
	assert_int_equal(o.max_stacks, 500000);
	assert_int_equal(o.max_depth, 128);
	assert_int_equal(o.ring_bytes, 8 << 20);
	assert_int_equal(o.attach, ATTACH_AUTO);
}

static void every_option(void **state)
{
	struct options o;

	accept("--pid=1,redis --duration 10s -i 250ms --delta -m calls --by module --cum -T 5 "
	       "--min-size 64 --max-size 1M", &o);
	assert_string_equal(o.pids, "1,redis");
	assert_true(o.duration_ns == 10000000000);
	assert_int_equal(o.interval_ns, 250000000);
	assert_true(o.delta);
	assert_int_equal(o.metric, METRIC_CALLS);
	assert_string_equal(o.by->name, "module");
	assert_true(o.cum);
	assert_int_equal(o.top, 5);
	assert_int_equal(o.min_size, 64);
	assert_int_equal(o.max_size, 1 << 20);
	assert_int_equal(o.ops, 0);
	assert_null(o.then);
	accept("--by program,function --cum prog", &o);
	assert_string_equal(o.by->name, "program");
	assert_string_equal(o.then->name, "function");
	/* The last one wins, whole. */
	accept("--by program,function --by user prog", &o);
	assert_string_equal(o.by->name, "user");
	assert_null(o.then);
	accept("--no-demangle -f folded -o out.%t -v --max-stacks 1000 --max-depth 1 --ring-size 64k --attach perf "
	       "prog", &o);
	assert_true(o.no_demangle);
	assert_string_equal(o.format->name, "folded");
	assert_string_equal(o.outputs[0].pattern, "out.%t");
	assert_true(o.verbose);
	assert_int_equal(o.max_stacks, 1000);
	assert_int_equal(o.max_depth, 1);
	assert_int_equal(o.ring_bytes, 65536);
	assert_int_equal(o.attach, ATTACH_PERF);
	accept("-p1 -qT0 --attach multi -d 2", &o);
	assert_true(o.quiet);
	assert_int_equal(o.top, 0);
	assert_int_equal(o.attach, ATTACH_MULTI);
	assert_int_equal(o.duration_ns, 2000000000);
	accept("-p 1 --top 3 --top 4", &o);
	assert_int_equal(o.top, 4);
	assert_false(o.no_inline);
	assert_null(o.source_path[0]);
	accept("-p 1 --no-inline --list ^parse_(a|b)$ --source-path /a:/b --source-path=/c", &o);
	assert_true(o.no_inline);
	assert_string_equal(o.list, "^parse_(a|b)$");
	assert_ptr_equal(o.outputs[0].format, &report_format_list);
	assert_string_equal(o.source_path[0], "/a:/b");
	assert_string_equal(o.source_path[1], "/c");
	assert_null(o.source_path[2]);
	accept("--ops 1001 -- ./x.test", &o);
	assert_int_equal(o.ops, 1001);
	accept("-p 1 -i 1 --ops 5", &o);
	accept("-p 1 -i 1 -f benchfmt -o x.%t", &o);
	accept("-p 1 -i 1 -f json", &o);
	accept("-p 1 -o x.json -o x.csv -o x.folded", &o);
	assert_string_equal(o.outputs[0].format->name, "json");
	assert_string_equal(o.outputs[1].format->name, "csv");
	assert_string_equal(o.outputs[2].format->name, "folded");
	accept("-p 1 -o x.%t.speedscope.json -i 1 -o x.prom -o x.%t.speedscope.json", &o);
	assert_string_equal(o.outputs[2].format->name, "speedscope");
	assert_string_equal(o.outputs[1].format->name, "prom");
	accept("report x --time 10s,1m30s", &o);
	assert_int_equal(o.from_ns, 10000000000);
	assert_int_equal(o.until_ns, 90000000000);
	accept("report x --time ,250ms", &o);
	assert_int_equal(o.from_ns, 0);
	assert_int_equal(o.until_ns, 250000000);
	accept("report x --time 5,", &o);
	assert_int_equal(o.from_ns, 5000000000);
	assert_true(o.until_ns == UINT64_MAX);
	/* What holds all of a run takes the place of what was there before. */
	accept("record -p 1 -i 1", &o);
	accept("-p 1 -i 1 -o x.pb.gz -o x.html", &o);
	accept("report x --sort cum --by function --hide a --callers b", &o);
	assert_true(o.cum);
	assert_string_equal(o.outputs[0].format->name, "peek");
	accept("-p 1 -f table -o x.json", &o);
	assert_string_equal(o.outputs[0].format->name, "table");
	accept("-p 1 --ops 5 -f benchfmt --leaks", &o);
	assert_string_equal(o.outputs[0].format->name, "benchfmt");
	accept("report --ops 1000000000000000 FILE", &o);
	assert_true(o.ops == RECORDING_OPS_MAX);
	accept("-p 1 --no-inline --inline", &o);
	assert_false(o.no_inline);
}

static void the_command_ends_options(void **state)
{
	struct options o;

	accept("-T 3 sort -T 4 --unknown", &o);
	assert_int_equal(o.top, 3);
	assert_null(o.pids);
	assert_string_equal(o.argv[0], "sort");
	assert_string_equal(o.argv[1], "-T");
	assert_string_equal(o.argv[3], "--unknown");
	assert_null(o.argv[4]);
	accept("-- -p 1", &o);
	assert_string_equal(o.argv[0], "-p");
	accept("-q -- check -p 1", &o);
	assert_ptr_equal(o.command, &commands[0]);
	assert_string_equal(o.argv[0], "check");
	accept("sort check", &o);
	assert_string_equal(o.argv[0], "sort");
	accept("-o -- sort --", &o);
	assert_string_equal(o.outputs[0].pattern, "--");
	assert_string_equal(o.argv[1], "--");
}

static void check_command(void **state)
{
	struct options o;

	accept("check", &o);
	assert_ptr_equal(o.command, command_find("check"));
	assert_null(o.pids);
	assert_null(o.argv);
	accept("check -p 5 -v", &o);
	assert_ptr_equal(o.command, command_find("check"));
	assert_string_equal(o.pids, "5");
	assert_true(o.verbose);
	accept("--attach perf check", &o);
	assert_int_equal(o.attach, ATTACH_PERF);
	assert_false(o.all);
	accept("check -a", &o);
	assert_true(o.all);
	accept("check --all -p 5", &o);
	assert_true(o.all && o.pids);
	refuse("report -a x.pb.gz", "report", "--all");
	refuse("check -d 5", "check", "--duration");
	refuse("-d 5 check", "check", "--duration");
	refuse("check 17", "17", "check takes no argument");
	refuse("check -p 1 -p 2", "--pid", "-p 1,2");
	refuse("check --nonsense", "--nonsense", "--help");
}

static void contradictions(void **state)
{
	struct options o;

	refuse("-p 1 sort", "--pid 1", "sort");
	refuse("-p 1 2", "--pid 1", "-p 1,2");
	refuse("-p 1 -p 2", "--pid", "-p 1,2");
	refuse("-p 1 --delta", "--delta", "--interval");
	refuse("-p 1 --min-size 2k --max-size 1k", "--min-size 2048", "--max-size 1024");
	refuse("-p 1 -i 10 -d 5", "--interval 10.0 s", "--duration 5.00 s");
	refuse("-p 1 -i 1 -f folded", "--interval", "--format folded");
	refuse("-p 1 -i 1 -f folded -o x.%p", "--interval", "%t");
	refuse("-p 1 -i 1 -f folded -o x.%%t", "--interval", "%t");
	refuse("-p 1 -o x.%y", "--output", "%y");
	refuse("report x --focus (", "--focus (", "regular expression");
	refuse("report x --peek a -f json", "--peek", "json");
	refuse("report x --peek a --tree", "--peek", "one of them");
	refuse("report x --diff-base y -f json", "--diff-base", "json");
	refuse("report x --diff-base y --cum", "--diff-base", "--cum");
	refuse("report x --tagfocus bytes=x", "--tagfocus", "bytes=1k:64k");
	refuse("report -i perf.data", "--interval", "report FILE");
	refuse("report -d libc.so x", "--duration", "--focus");
	refuse("report -f heap.pb.gz", "heap.pb.gz", "without an option");
	refuse("-p 1 --focus x", "--focus", "tracing");
	refuse("-p 1 -i 1 -f prom", "--format prom", "--output FILE");
	refuse("-p 1 -i 1 --delta -o x.prom", "--format prom", "--delta");
	refuse("-p 1 --view peak -f benchfmt", "--view peak", "--format benchfmt");
	refuse("-p 1 --view alloc,live -f benchfmt", "--format benchfmt", "one --view");
	refuse("-p 1 -i 1 --ops 5 -f benchfmt -o x.%t", "--ops", "--interval");
	refuse("-p 1 -q -v", "--quiet", "--verbose");
	refuse("-p 1 --cum --by thread", "--cum", "--by thread");
	accept("-p 1 -i 5 -d 5", &o);
	accept("-p 1 -i 5 -d 5 -f folded -o x.%%%t", &o);
	accept("-p 1 --min-size 1k --max-size 1k", &o);
	accept("-p 1 --max-size 0", &o);
	assert_int_equal(o.max_size, 0);
}

static void nothing_to_trace(void **state)
{
	struct options o;

	assert_int_equal(parse("", &o), -EINVAL);
	assert_non_null(strstr(said, "nothing to trace"));
	assert_non_null(strstr(said, "\nalloctrace: usage: alloctrace [record] [OPTIONS] { -a | -p PID"));
	assert_int_equal(parse("-d 5", &o), -EINVAL);
	assert_int_equal(parse("--", &o), -EINVAL);
}

static void bad_values(void **state)
{
	refuse("-p 1 -d 0us", "--duration 0us", "1ms to 1000d, or 0");
	refuse("-p 1 -d 0", "--duration 0", "--view live or --leaks only");
	refuse("-p 1 -d 0 --view live,peak", "--duration 0", "--view live or --leaks only");
	refuse("-p 1 -d 0 --view live -i 1", "--duration 0", "contradict");
	refuse("-d 0 --view live -- true", "--duration 0", "give --pid");
	refuse("-p 1 -i 0", "--interval 0", "10ms to 1000d");
	refuse("-p 1 -d -5", "--duration -5", "time");
	refuse("-p 1 -d abc", "--duration abc", "time");
	refuse("-p 1 -d 99999999999999999999", "--duration 9999", "1ms to 1000d");
	refuse("-p 1 -d 1001d", "--duration 1001d", "1ms to 1000d");
	refuse("-p 1 -T x", "--top x", "0 to 1000000000");
	refuse("-p 1 -T 1k", "--top 1k", "number");
	refuse("-p 1 -T -1", "--top -1", "number");
	refuse("-p 1 --ops 0", "--ops 0", "1 to 1000000000000000");
	refuse("-p 1 --ops 1k", "--ops 1k", "number");
	refuse("-p 1 --ops 1000000000000001", "--ops", "1 to 1000000000000000");
	refuse("check --ops 5", "check", "--ops");
	refuse("-p 1 --min-size 5q", "--min-size 5q", "size");
	refuse("-p 1 --max-depth 0", "--max-depth 0", "1 to 512");
	refuse("-p 1 --max-depth 513", "--max-depth 513", "1 to 512");
	refuse("-p 1 --max-stacks 999", "--max-stacks 999", "1000 to 100000000");
	refuse("-p 1 --ring-size 100k", "--ring-size 100k", "power of two from 64k to 1G");
	refuse("-p 1 --ring-size 32k", "--ring-size 32k", "power of two from 64k to 1G");
	refuse("-p 1 --ring-size 2G", "--ring-size 2G", "power of two from 64k to 1G");
	refuse("-p 1 -m x", "--metric x", "bytes, calls");
	refuse("-p 1 --by x", "--by x", "site, function, line, module, stack, thread");
	refuse("-p 1 --by site,", "--by  is unknown", "one of site");
	refuse("-p 1 --by ,site", "--by  is unknown", "one of site");
	refuse("-p 1 --by program,sites", "--by sites is unknown", "one of site");
	refuse("-p 1 --by program,site,line", "--by program,site,line", "one or two");
	refuse("-p 1 --by site,site", "--by site,site", "the same");
	refuse("-p 1 --by label,goroutine", "--by label,goroutine", "not by both");
	refuse("-p 1 --by function,site --cum", "--cum", "no meaning with --by function,site");
	refuse("-p 1 --by program --cum", "--cum", "no meaning with --by program");
	refuse("-p 1 -f x", "--format x", "table, folded");
	refuse("-p 1 --attach x", "--attach x", "auto, multi, perf");
	refuse("-p 1 --by=", "--by  is unknown", "site");
	refuse("--pid=", "--pid", "non-empty");
	refuse("-p 1 --output=", "--output", "non-empty");
}

static void bad_options(void **state)
{
	refuse("--nonsense -p 1", "unknown option --nonsense", "alloctrace --help");
	refuse("-x", "unknown option -x", "alloctrace --help");
	refuse("-qx", "unknown option -x", "alloctrace --help");
	refuse("--m 1", "--m", "ambiguous");
	refuse("--max-=1", "--max-=1", "ambiguous");
	refuse("-p", "--pid needs a LIST", "--help");
	refuse("-p 1 --duration", "--duration needs a TIME", "--help");
	refuse("-p 1 --cum=3", "--cum takes no value", "--cum=3");
	refuse("-p 1 --x\x1b[2J", "--x\\x1b[2J", "--help");
}

static void has_time(void **state)
{
	assert_true(options_output_has_time("a%t"));
	assert_true(options_output_has_time("%p-%t"));
	assert_true(options_output_has_time("%%%t"));
	assert_false(options_output_has_time("a"));
	assert_false(options_output_has_time("%%t"));
	assert_false(options_output_has_time("t%"));
}

static void views(void **state)
{
	struct options o;

	accept("-p 1", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_ALLOC));
	assert_false(o.blocks);
	assert_true(o.max_overhead == 5);
	assert_int_equal(o.sample_bytes, 0);
	assert_true(o.min_age_ns == 30000000000 && !o.min_age_given);
	assert_int_equal(o.temp_age_ns, 1000000);
	assert_int_equal(o.max_blocks, 4000000);
	accept("prog", &o);
	assert_true(o.max_overhead == 0);
	accept("--max-overhead 2.5% --sample 512k prog", &o);
	assert_true(o.max_overhead == 2.5);
	assert_int_equal(o.sample_bytes, 512 << 10);
	accept("-p 1 --max-overhead off --sample 1", &o);
	assert_true(o.max_overhead == 0);
	assert_int_equal(o.sample_bytes, 1);
	accept("-p 1 --sample 1 --sample auto --max-overhead 100", &o);
	assert_int_equal(o.sample_bytes, 0);
	assert_true(o.max_overhead == 100);
	accept("-p 1 --view live,alloc --leaks --min-age 5 --mark --suppress s.txt --max-blocks 5000", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LIVE) | VIEW_BIT(VIEW_LEAKS));
	assert_true(o.blocks && o.mark && o.min_age_given);
	assert_true(o.min_age_ns == 5000000000);
	assert_string_equal(o.suppress, "s.txt");
	assert_int_equal(o.max_blocks, 5000);
	assert_true(o.max_overhead == 0);
	accept("-p 1 --view temp --view peak --temp-age 2ms", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_TEMP) | VIEW_BIT(VIEW_PEAK));
	assert_int_equal(o.temp_age_ns, 2000000);
	accept("-p 1 --lifetimes --sizes", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_LIFETIMES) | VIEW_BIT(VIEW_SIZES));
	assert_true(o.blocks);
	accept("-p 1 --sizes", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_SIZES));
	assert_false(o.blocks);
	accept("-p 1 -f folded --view peak", &o);
	accept("-p 1 -i 1 --delta --view alloc,temp", &o);
}

static void resident_memory(void **state)
{
	struct options o;

	accept("-p 1 --view rss", &o);
	assert_int_equal(o.sample_bytes, 64 << 10);
	assert_true(o.max_overhead == 0);
	accept("-p 1 --view rss --sample 1 -f folded", &o);
	assert_int_equal(o.sample_bytes, 1);
	refuse("-p 1 --view rss,alloc", "--view rss", "cannot be combined");
	refuse("-p 1 --view rss --leaks", "--view rss", "cannot be combined");
	refuse("-p 1 --view rss --max-overhead 5", "--view rss", "--max-overhead");
	refuse("-p 1 --view rss --attach perf", "--view rss", "--attach");
	refuse("-p 1 --view rss --min-size 8", "--view rss", "--min-size");
	refuse("-p 1 --view rss --unwind fp", "--view rss", "--unwind fp");
	refuse("-p 1 --view rss --by goroutine", "--view rss", "goroutines");
	refuse("-p 1 --view rss -f benchfmt", "--view rss", "benchfmt");
}

static void what_programs_map(void **state)
{
	struct options o;

	accept("-p 1 --mmap", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_MAPPED) | VIEW_BIT(VIEW_MAPPINGS));
	assert_true(o.mmap && !o.no_heap && o.max_overhead == 0 && !o.blocks);
	accept("-p 1 --mmap --leaks", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_LEAKS) | VIEW_BIT(VIEW_MAPPED) | VIEW_BIT(VIEW_MAPPINGS));
	accept("-p 1 --view mappings -f folded", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_MAPPINGS));
	assert_true(o.mmap && o.no_heap);
	accept("-p 1 --mmap --view mapped -f folded", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_MAPPED));
	accept("-p 1 --mmap -i 1 --delta", &o);
	assert_int_equal(o.views, VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_MAPPED));
	accept("-p 1", &o);
	assert_true(!o.mmap && !o.no_heap);
	refuse("-p 1 --mmap -f folded", "--format folded takes one --view", "--view mapped");
	refuse("-p 1 --view mapped,mappings -f folded", "--format folded", "one --view");
	refuse("-p 1 --mmap --view rss", "--view rss", "cannot be combined");
	refuse("-p 1 --mmap --unwind fp", "--mmap", "--unwind fp");
	refuse("-p 1 --view mappings -i 1 --delta", "--delta", "--view mappings");
	refuse("-p 1 --view mapped -f benchfmt", "--view mapped", "benchfmt");
	refuse("-p 1 --mmap -d 0", "--duration 0", "--view live");
}

static void kernel_memory(void **state)
{
	struct options o;

	accept("-p 1 --kernel", &o);
	assert_true(o.kernel && !o.blocks && o.views == VIEW_BIT(VIEW_ALLOC));
	assert_int_equal(o.sample_bytes, 64 << 10);
	assert_true(o.max_overhead == 0);
	accept("-a --kernel --by cache,site --view alloc,live,peak,temp,lifetimes,sizes --min-size 8 --sample 1", &o);
	assert_true(o.blocks);
	assert_int_equal(o.sample_bytes, 1);
	accept("--kernel --leaks -f folded -- true", &o);
	refuse("-p 1 --kernel --view rss", "--view rss", "cannot be combined");
	refuse("-p 1 --kernel --mmap", "--kernel", "cannot be combined");
	refuse("-p 1 --kernel --max-overhead 5", "--kernel", "--max-overhead");
	refuse("-p 1 --kernel --attach perf", "--kernel", "--attach");
	refuse("-p 1 --kernel --unwind fp", "--kernel", "--unwind");
	refuse("-p 1 --kernel --alloc-fn f(size=1)", "--kernel", "--alloc-fn");
	refuse("-p 1 --kernel --by goroutine", "--kernel", "goroutines");
	refuse("-p 1 --kernel --list x", "--kernel", "--list");
	refuse("-p 1 --kernel --no-names -o x.pb.gz", "--kernel", "--no-names");
	refuse("-p 1 --kernel --leaks -d 0", "--kernel", "--duration 0");
}

static void views_that_contradict(void **state)
{
	refuse("-p 1 --view alloc,x", "--view x is unknown", "alloc, live, leaks, peak, temp, lifetimes, sizes, rss");
	refuse("-p 1 --view alloc,", "--view  is unknown", "leaks");
	refuse("-p 1 --view=", "--view  is unknown", "leaks");
	refuse("-p 1 --view aller", "--view aller is unknown", "alloc");
	refuse("-p 1 --min-age 5", "--min-age", "--leaks");
	refuse("-p 1 --suppress f", "--suppress", "--leaks");
	refuse("-p 1 --view live --temp-age 5", "--temp-age", "--view temp");
	refuse("-p 1 --view peak --mark", "--mark", "--view live or --leaks");
	refuse("-p 1 -i 1 --delta --view live", "--delta", "show growth");
	refuse("-p 1 -i 1 --delta --view peak,alloc", "--delta", "--view peak");
	refuse("-p 1 -i 1 --delta --sizes", "--delta", "--view sizes");
	refuse("-p 1 --cum --lifetimes", "--cum", "--view lifetimes");
	refuse("-p 1 -f folded --view alloc,live", "--format folded", "one --view");
	refuse("-p 1 -f folded --sizes", "--view sizes", "--format folded");
	refuse("-p 1 --list f --lifetimes", "--view lifetimes", "--list");
	refuse("-p 1 --list f --leaks --view peak", "--list", "one --view");
	refuse("-p 1 --sample 0", "--sample 0", "1 to 64M, or auto");
	refuse("-p 1 --sample 65M", "--sample 65M", "1 to 64M, or auto");
	refuse("-p 1 --sample x", "--sample x", "or auto");
	refuse("-p 1 --max-overhead 0", "--max-overhead 0", "0.1 to 100, or off");
	refuse("-p 1 --max-overhead 101", "--max-overhead 101", "0.1 to 100, or off");
	refuse("-p 1 --max-overhead 1e1", "--max-overhead 1e1", "percentage");
	refuse("-p 1 --max-overhead -5", "--max-overhead -5", "percentage");
	refuse("-p 1 --max-overhead 5%%", "--max-overhead 5%%", "percentage");
	refuse("-p 1 --max-overhead nan", "--max-overhead nan", "percentage");
	refuse("-p 1 --max-overhead=", "--max-overhead ", "percentage");
}

static int free_said(void **state)
{
	free(said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_option),
		cmocka_unit_test(the_command_ends_options),
		cmocka_unit_test(check_command),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(nothing_to_trace),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(has_time),
		cmocka_unit_test(views),
		cmocka_unit_test(resident_memory),
		cmocka_unit_test(what_programs_map),
		cmocka_unit_test(kernel_memory),
		cmocka_unit_test(views_that_contradict),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, free_said);
}
