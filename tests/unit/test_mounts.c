/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/mounts.h"

static const char text[] =
	"22 28 0:21 / /sys rw,nosuid - sysfs sysfs rw\n"
	"28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
	"40 28 0:45 /a\\040-\\040b /mnt/with\\040blank rw shared:7 master:2 - fuse.sshfs host:/ rw,user_id=0\n"
	"41 28 8:1 / /ntfs rw - fuseblk /dev/sda1 rw\n"
	"42 28 0:50 / /home rw - nfs4 server:/home rw,vers=4.2\n"
	"43 28 0:51 / /new rw - ext44 x rw\n"
	"44 28 0:52 / /cut";

static void kinds(void **state)
{
	assert_int_equal(mounts_find(text, makedev(254, 1)), MOUNT_LOCAL);
	assert_int_equal(mounts_find(text, makedev(8, 1)), MOUNT_FUSE);
	assert_int_equal(mounts_find(text, makedev(0, 50)), MOUNT_SERVED);
	/* Names that begin as a known one does, and those that nobody knows. */
	assert_int_equal(mounts_find(text, makedev(0, 51)), MOUNT_FUSE);
	assert_int_equal(mounts_find(text, makedev(0, 52)), -1);
	assert_int_equal(mounts_find(text, makedev(0, 99)), -1);
	assert_int_equal(mounts_find("", makedev(254, 1)), -1);
}

static void by_path(void **state)
{
	static const char hidden[] = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:5 / /home rw - autofs x rw\n"
				     "3 1 0:6 / /home rw - nfs4 x rw\n4 1 0:7 / /h rw - xfs x rw\n";

	assert_int_equal(mounts_find_path(text, "/"), MOUNT_LOCAL);
	assert_int_equal(mounts_find_path(text, "/homes/a"), MOUNT_LOCAL);
	assert_int_equal(mounts_find_path(text, "/home"), MOUNT_SERVED);
	assert_int_equal(mounts_find_path(text, "/home/a"), MOUNT_SERVED);
	assert_int_equal(mounts_find_path(text, "/mnt/with blank/x"), MOUNT_FUSE);
	assert_int_equal(mounts_find_path(text, "/mnt/with"), MOUNT_LOCAL);
	/* The line of /cut has no type. */
	assert_int_equal(mounts_find_path(text, "/cut"), MOUNT_LOCAL);
	assert_int_equal(mounts_find_path("", "/"), -1);
	assert_int_equal(mounts_find_path(hidden, "/home/a"), MOUNT_SERVED);
	assert_int_equal(mounts_find_path(hidden, "/h/a"), MOUNT_LOCAL);
	assert_int_equal(mount_kind_of_path("/proc"), MOUNT_FUSE);
}

static void of_ourselves(void **state)
{
	assert_int_equal(mount_kind(getpid(), makedev(4000, 4000)), MOUNT_LOCAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(by_path),
		cmocka_unit_test(of_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
