/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <linux/types.h>

#include "kern/codenames.h"
#include "kern/filekey.h"
#include "shared.h"

static void every_byte_has_one_name(void **state)
{
	struct codenames c = {0};
	uint32_t module;
	uint64_t vaddr, a = codenames_add(&c, 3, 0x1000, 0x200), b = codenames_add(&c, 4, 0x1000, 1);

	assert_true(a & FRAME_FILE);
	assert_true(b > a + 0x200);
	assert_true(codenames_find(&c, a, &module, &vaddr));
	assert_int_equal(module, 3);
	assert_int_equal(vaddr, 0x1000);
	assert_true(codenames_find(&c, a + 0x1ff, &module, &vaddr));
	assert_int_equal(vaddr, 0x11ff);
	assert_false(codenames_find(&c, a + 0x200, &module, &vaddr));
	assert_true(codenames_find(&c, b, &module, &vaddr));
	assert_int_equal(module, 4);
	assert_false(codenames_find(&c, b + 1, &module, &vaddr));
	assert_false(codenames_find(&c, a - 1, &module, &vaddr));
	vec_free(&c.at);
}

static void too_many_have_none(void **state)
{
	struct codenames c = {0};
	uint32_t module;
	uint64_t vaddr, last = 0;

	assert_int_equal(codenames_add(&c, 1, 0, 0), 0);
	assert_int_equal(codenames_add(&c, 1, 0, CODE_BYTES_MAX + 1), 0);
	assert_int_equal(codenames_add(&c, 1, 0, UINT64_MAX), 0);
	assert_false(codenames_find(&c, FRAME_FILE, &module, &vaddr));
	/* They end before they would be taken for something else. */
	for (uint64_t name; (name = codenames_add(&c, 1, 0, CODE_BYTES_MAX)); last = name)
		assert_true(name > last && name + CODE_BYTES_MAX < FRAME_LOST);
	assert_true(c.at.n > 1000000);
	assert_false(codenames_find(&c, FRAME_LOST - 1, &module, &vaddr));
	vec_free(&c.at);
}

static struct unwind_file parts_of(struct elf_segment seg, uint64_t base, uint64_t end)
{
	struct code_file f = {.segs = &seg, .n_segs = 1, .name = FRAME_FILE + 0x5000,
			      .place = {.first = 7, .key = 9, .shift = 8, .base = base, .end = end}};
	struct unwind_file out;

	assert_true(code_range(f.segs, 1, &f.range));
	assert_int_equal(file_parts(&f, &out), 0);
	assert_int_equal(out.index, 7);
	assert_int_equal(out.kind, UNWIND_KIND_BARE);
	return out;
}

static void a_segment_around_its_table(void **state)
{
	const struct elf_segment seg = {.vaddr = 0x3000, .offset = 0x1000, .filesz = 0x1000, .memsz = 0x1000,
					.flags = PF_R | PF_X};
	struct unwind_file f = parts_of(seg, 0x3400, 0x3800);

	assert_int_equal(f.at[0].kind, UNWIND_KIND_TABLE);
	assert_int_equal(f.at[0].from, 0x1400);
	assert_int_equal(f.at[0].to, 0x1800);
	assert_int_equal(f.at[0].rel, 0);
	assert_int_equal(f.at[0].name, FRAME_FILE + 0x5400);
	assert_int_equal(f.at[1].kind, UNWIND_KIND_BARE);
	assert_int_equal(f.at[1].to, 0x1400);
	assert_int_equal(f.at[1].name, FRAME_FILE + 0x5000);
	assert_int_equal(f.at[2].from, 0x1800);
	assert_int_equal(f.at[2].to, 0x2000);
	assert_int_equal(f.at[3].to, 0);
	/* A table that begins before it, and one that is elsewhere. */
	f = parts_of(seg, 0x2000, 0x9000);
	assert_int_equal(f.at[0].rel, 0x1000);
	assert_int_equal(f.at[0].to - f.at[0].from, 0x1000);
	assert_int_equal(f.at[1].to, 0);
	f = parts_of(seg, 0x9000, 0x9000);
	assert_int_equal(f.at[0].kind, UNWIND_KIND_BARE);
	assert_int_equal(f.at[0].to - f.at[0].from, 0x1000);
	assert_int_equal(f.at[1].to, 0);
}

static void what_has_no_room_is_counted(void **state)
{
	struct elf_segment segs[UNWIND_PARTS + 5];
	struct code_file f = {.segs = segs, .n_segs = UNWIND_PARTS + 5, .name = FRAME_FILE};
	struct unwind_file out;

	for (size_t i = 0; i < f.n_segs; i++)
		segs[i] = (struct elf_segment){.vaddr = i << 16, .offset = i << 16, .filesz = 16, .flags = PF_X};
	/* None of these is code. */
	segs[0].flags = PF_R;
	segs[1].filesz = 0;
	segs[2].filesz = UINT64_MAX;
	segs[2].offset = 2;
	assert_true(code_range(segs, f.n_segs, &f.range));
	assert_int_equal(f.range.low, 3 << 16);
	assert_int_equal(file_parts(&f, &out), 2);
	assert_int_equal(out.at[UNWIND_PARTS - 1].from, (UNWIND_PARTS + 2) << 16);
	assert_false(code_range(segs, 3, &f.range));
	/* Without names there is no code that could be told of. */
	f.name = 0;
	assert_int_equal(file_parts(&f, &out), 0);
	assert_int_equal(out.at[0].to, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_has_one_name),
		cmocka_unit_test(too_many_have_none),
		cmocka_unit_test(a_segment_around_its_table),
		cmocka_unit_test(what_has_no_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
