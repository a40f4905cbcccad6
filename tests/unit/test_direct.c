/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "kern/direct.h"

static uint64_t end_of(const char *text)
{
	char path[] = "/tmp/alloctrace-iomem-XXXXXX";
	int fd = mkstemp(path);
	uint64_t end;

	assert_true(fd >= 0);
	assert_int_equal(dprintf(fd, "%s", text) >= 0, 1);
	close(fd);
	end = direct_memory_end(path);
	unlink(path);
	return end;
}

static void where_memory_ends(void **state)
{
	assert_int_equal(end_of("00001000-0009fbff : System RAM\n000a0000-000bffff : PCI Bus 0000:00\n"
				"00100000-bfffffff : System RAM\n  01000000-02000000 : Kernel code\n"
				"100000000-63fffffff : System RAM\n800000000-87fffffff : PCI Bus 0000:00\n"),
			 0x640000000);
	/* In no order, and for who may not see it. */
	assert_int_equal(end_of("100000000-13fffffff : System RAM\n00001000-0009fbff : System RAM\n"), 0x140000000);
	assert_int_equal(end_of("00000000-00000000 : System RAM\n00000000-00000000 : System RAM\n"), 0);
	assert_int_equal(end_of(""), 0);
	assert_int_equal(direct_memory_end("/nonexistent"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(where_memory_ends)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
