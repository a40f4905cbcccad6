/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace/attachment.h: what is known of a process under trace, until it is freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace/attachment.h"

static void test_files(void **state)
{
	struct attachments all = {0};
	struct process p = {.pid = 4711}, q = {.pid = 4712};
	struct attachment *a = attachments_add(&all, &p), *b = attachments_add(&all, &q);

	assert_ptr_equal(attachments_find(&all, 4711), a);
	assert_ptr_equal(attachments_find(&all, 4712), b);
	assert_null(attachments_find(&all, 4713));
	assert_int_equal(attachment_state(a, 7), NOT_ATTACHED);
	assert_false(attachment_has(a, 7));
	assert_null(attachment_placement(a, 7));
	attachment_file(a, 7)->state = ATTACHED;
	attachment_file(a, 8)->state = REFUSED;
	assert_true(attachment_has(a, 7));
	assert_false(attachment_has(a, 8));
	assert_int_equal(attachment_state(b, 7), NOT_ATTACHED);
	attachment_place(a, 7, 3)->left_out[2] = true;
	assert_true(attachment_placement(a, 7)->left_out[2]);
	assert_ptr_equal(attachment_place(a, 7, 3), attachment_placement(a, 7));
	attachments_free(&all);
}

/* Only what is attached is to be put back. */
static void test_pause(void **state)
{
	struct attachments all = {0};
	struct process p = {.pid = 1};
	struct attachment *a = attachments_add(&all, &p);

	assert_true(a->untold && a->incomplete);
	attachment_file(a, 1)->state = attachment_file(a, 2)->state = ATTACHED;
	attachment_file(a, 3)->state = REFUSED;
	*attachment_chosen(a, 1, 0x10) = ATTACHED;
	*attachment_chosen(a, 2, 0x10) = ATTACHED;
	a->untold = a->incomplete = false;
	attachment_pause(a, 1);
	assert_true(!a->untold && a->incomplete);
	assert_int_equal(attachment_state(a, 1), PAUSED);
	assert_true(attachment_has(a, 1));
	assert_int_equal(attachment_state(a, 2), ATTACHED);
	assert_int_equal(*attachment_chosen(a, 1, 0x10), PAUSED);
	assert_int_equal(*attachment_chosen(a, 2, 0x10), ATTACHED);
	attachment_pause_all(a);
	assert_int_equal(attachment_state(a, 2), PAUSED);
	assert_int_equal(attachment_state(a, 3), REFUSED);
	assert_int_equal(*attachment_chosen(a, 2, 0x10), PAUSED);
	attachment_file(a, 2)->hooked = true;
	attachment_reset(a);
	assert_int_equal(attachment_state(a, 3), NOT_ATTACHED);
	assert_int_equal(*attachment_chosen(a, 2, 0x10), NOT_ATTACHED);
	assert_false(attachment_file(a, 2)->hooked);
	attachments_free(&all);
}

/* A pid comes again, as another process or as the same one. */
static void test_drop(void **state)
{
	struct attachments all = {0};
	struct process p = {.pid = 1}, again = {.pid = 1};
	struct attachment *a = attachments_add(&all, &p);

	attachment_place(a, 5, 2);
	assert_ptr_equal(attachments_add(&all, &p), a);
	attachments_drop(&all, 0);
	attachments_drop(&all, 0);
	assert_null(attachments_find(&all, 1));
	a = attachments_add(&all, &again);
	assert_ptr_equal(a->process, &again);
	assert_null(attachment_placement(a, 5));
	assert_int_equal(all.list.n, 1);
	attachments_free(&all);
}

/* The others stay what they are. */
static void test_forget_file(void **state)
{
	struct attachments all = {0};
	struct process p = {.pid = 1};
	struct attachment *a = attachments_add(&all, &p);

	for (uint32_t m = 1; m <= 3; m++)
		attachment_place(a, m, 1);
	attachment_file(a, 1)->state = ATTACHED;
	attachment_file(a, 3)->state = REFUSED;
	attachment_forget_file(a, 1);
	attachment_forget_file(a, 1);
	attachment_forget_file(a, 4);
	assert_int_equal(a->files.n, 2);
	assert_int_equal(attachment_state(a, 1), NOT_ATTACHED);
	assert_null(attachment_placement(a, 1));
	assert_int_equal(attachment_state(a, 3), REFUSED);
	assert_non_null(attachment_placement(a, 2));
	attachment_forget_file(a, 2);
	attachment_forget_file(a, 3);
	assert_int_equal(a->files.n, 0);
	attachments_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files), cmocka_unit_test(test_pause), cmocka_unit_test(test_drop),
		cmocka_unit_test(test_forget_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
