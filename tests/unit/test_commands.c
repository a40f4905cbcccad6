/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/commands.h: record and report, and what several outputs come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options_fixture.h"

static void outputs(void **state)
{
	struct options o;

	accept("-o a.pb.gz -o b.txt -o c -p 1", &o);
	assert_int_equal(o.n_outputs, 3);
	assert_string_equal(o.outputs[0].format->name, "pprof");
	assert_string_equal(o.outputs[1].format->name, "table");
	assert_string_equal(o.outputs[2].pattern, "c");
	assert_true(options_has_machine(&o));
	accept("-o a.pb.gz -f folded -p 1", &o);
	assert_string_equal(o.outputs[0].format->name, "folded");
	accept("record -p 1", &o);
	assert_string_equal(o.outputs[0].pattern, "alloctrace.pb.gz");
	assert_string_equal(o.outputs[0].format->name, "pprof");
	accept("record -o x prog report", &o);
	assert_string_equal(o.outputs[0].format->name, "pprof");
	assert_string_equal(o.argv[0], "prog");
	assert_string_equal(o.argv[1], "report");
	refuse("-p 1 --no-names", "--no-names", "--format pprof");
	refuse("-p 1 --list x -o y.pb.gz", "--list", "pprof");
}

static void report_command(void **state)
{
	struct options o;

	accept("report a.pb.gz --by function b.pb.gz --cum", &o);
	assert_ptr_equal(o.command, command_find("report"));
	assert_string_equal(o.files[0], "a.pb.gz");
	assert_string_equal(o.files[1], "b.pb.gz");
	assert_null(o.files[2]);
	assert_string_equal(o.by->name, "function");
	assert_true(o.cum);
	assert_int_equal(o.views, 0);
	accept("report -- -x y", &o);
	assert_string_equal(o.files[0], "-x");
	assert_string_equal(o.files[1], "y");
	accept("-v report a", &o);
	assert_string_equal(o.files[0], "a");
	accept("-- report a", &o);
	assert_string_equal(o.argv[0], "report");
	refuse("report", "report", "needs a file");
	refuse("report a -p 1", "report", "--pid");
	refuse("report a -i 1", "report", "--interval");
	refuse("check a", "check", "alloctrace -- check");
	refuse("--symbol-path x -p 1", "tracing", "--symbol-path");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs),
		cmocka_unit_test(report_command),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
