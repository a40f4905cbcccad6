// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ids are the thread's in Linux: the system calls themselves change no other thread, unlike libc's setgroups(). With an
 * fsuid other than 0 the capabilities are out of effect that ask for no permissions (cap_task_fix_setuid()).
 */
#include "base/rights.h"

#include <limits.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Owns nothing, as far as anybody knows. */
#define NOBODY ((uid_t)-2)

static struct {
	bool taken;
	int n_groups;
	gid_t groups[NGROUPS_MAX];
} own;

bool rights_equal(const struct rights *a, const struct rights *b)
{
	if (!a->known || !b->known)
		return a->known == b->known;
	return a->uid == b->uid && a->gid == b->gid && a->n_groups == b->n_groups &&
	       !memcmp(a->groups, b->groups, a->n_groups * sizeof(a->groups[0]));
}

static bool set_ids(uid_t uid, gid_t gid)
{
	setfsgid(gid);
	setfsuid(uid);
	/* They return what was there before, and no error. */
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

bool rights_take(const struct rights *r)
{
	const struct rights nobody = {.uid = NOBODY, .gid = NOBODY};
	const struct rights *to = r && r->known ? r : &nobody;

	if (to != &nobody && geteuid() && r->uid == geteuid() && r->gid == getegid())
		return true;
	own.n_groups = getgroups(NGROUPS_MAX, own.groups);
	if (own.n_groups < 0 || syscall(SYS_setgroups, to->n_groups, to->groups))
		return false;
	own.taken = true;
	if (set_ids(to->uid, to->gid))
		return true;
	rights_restore();
	return false;
}

void rights_restore(void)
{
	if (!own.taken)
		return;
	own.taken = false;
	set_ids(geteuid(), getegid());
	syscall(SYS_setgroups, (size_t)own.n_groups, own.groups);
}
