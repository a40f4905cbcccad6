// SPDX-License-Identifier: GPL-2.0-or-later
/* Branches as hooks write them: where each leads, and how long it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kern/livecode.h"

#define AT 0x7f0000001000ull
#define ADDR "\x88\x77\x66\x55\x44\x33\x22\x11"
#define TO 0x1122334455667788

static const struct {
	const char *name, *code;
	size_t n;
	char kind;
	uint64_t to;
	bool indirect;
	size_t len;
} cases[] = {
	{"jmp rel32", "\xe9\x10\x00\x00\x00", 5, 'j', AT + 5 + 0x10, false, 5},
	{"jmp rel32, backwards", "\xe9\xfb\xff\xff\xff", 5, 'j', AT, false, 5},
	{"bnd jmp rel32", "\xf2\xe9\x10\x00\x00\x00", 6, 'j', AT + 6 + 0x10, false, 6},
	{"jmp rel8", "\xeb\xf9", 2, 'j', AT + 2 - 7, false, 2},
	{"call rel32", "\xe8\x10\x00\x00\x00", 5, 'c', AT + 5 + 0x10, false, 5},
	{"jmp *(%rip)", "\xff\x25\x00\x00\x00\x00", 6, 'j', AT + 6, true, 6},
	{"jmp *-16(%rip)", "\xff\x25\xf0\xff\xff\xff", 6, 'j', AT + 6 - 16, true, 6},
	{"call *(%rip)", "\xff\x15\x02\x00\x00\x00", 6, 'c', AT + 8, true, 6},
	{"movabs, jmp *%rax", "\x48\xb8" ADDR "\xff\xe0", 12, 'j', TO, false, 12},
	{"movabs, call *%rax", "\x48\xb8" ADDR "\xff\xd0", 12, 'c', TO, false, 12},
	{"movabs, jmp *%r11", "\x49\xbb" ADDR "\x41\xff\xe3", 13, 'j', TO, false, 13},
	{"movabs, push, ret", "\x48\xb8" ADDR "\x50\xc3", 12, 'j', TO, false, 12},
	{"movabs, jmp of another", "\x48\xb8" ADDR "\xff\xe1", 12, 0, 0, false, 0},
	{"movabs of r11, jmp *%rbx", "\x49\xbb" ADDR "\xff\xe3\x90", 13, 0, 0, false, 0},
	{"push, ret", "\x68\x78\x56\x34\x12\xc3", 6, 'j', 0x12345678, false, 6},
	{"push, ret, sign", "\x68\x00\x00\x00\x80\xc3", 6, 'j', 0xffffffff80000000, false, 6},
	{"push, movl, ret", "\x68\x00\x00\x00\x80\xc7\x44\x24\x04\x34\x12\x00\x00\xc3", 14, 'j', 0x123480000000, false,
	 14},
	{"push alone", "\x68\x78\x56\x34\x12\x90\x90", 7, 0, 0, false, 0},
	{"cut off", "\xe9\x10\x00\x00", 4, 0, 0, false, 0},
	{"cut off, rel8", "\xeb", 1, 0, 0, false, 0},
	{"cut off, bnd", "\xf2", 1, 0, 0, false, 0},
	{"cut off, movabs", "\x49\xbb" ADDR "\x41\xff", 12, 0, 0, false, 0},
	{"nothing", "", 0, 0, 0, false, 0},
	{"another instruction", "\x41\x54\x55\x53", 4, 0, 0, false, 0},
};

static void test_branch(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Of exactly that size, so that AddressSanitizer sees a byte too far. */
		uint8_t *code = malloc(cases[i].n ? cases[i].n : 1);
		uint64_t to = 0;
		bool indirect = false;
		size_t len = 0;
		char kind;

		assert_non_null(code);
		memcpy(code, cases[i].code, cases[i].n);
		kind = livecode_branch(code, cases[i].n, AT, &to, &indirect, &len);
		if (kind != cases[i].kind)
			fail_msg("%s: kind '%c'", cases[i].name, kind ? kind : '0');
		if (kind && (to != cases[i].to || indirect != cases[i].indirect || len != cases[i].len))
			fail_msg("%s: to 0x%llx, indirect %d, %zu bytes", cases[i].name, (unsigned long long)to,
				 indirect, len);
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_branch)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
