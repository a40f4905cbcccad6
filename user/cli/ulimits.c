/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/ulimits.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/log.h"

/* Sets the limit to what is wanted, or as near to it as may be. Returns what holds then. */
static rlim_t raise_limit(int which, rlim_t want)
{
	struct rlimit lim, more;

	if (getrlimit(which, &lim))
		return want;
	if (lim.rlim_cur >= want)
		return lim.rlim_cur;
	more = (struct rlimit){want, lim.rlim_max > want ? lim.rlim_max : want};
	if (!setrlimit(which, &more))
		return want;
	more = (struct rlimit){lim.rlim_max < want ? lim.rlim_max : want, lim.rlim_max};
	return setrlimit(which, &more) ? lim.rlim_cur : more.rlim_cur;
}

#define WANT_FILES 524288	/* every file that targets have mapped is kept open */
#define NEED_FILES 128
#define WANT_STACK ((rlim_t)8 << 20)
#define NEED_STACK ((rlim_t)1 << 20)
#define NEED_SPACE ((rlim_t)256 << 20)

int limits_raise(void)
{
	rlim_t files = raise_limit(RLIMIT_NOFILE, WANT_FILES), stack = raise_limit(RLIMIT_STACK, WANT_STACK);
	struct rlimit space;

	if (files < NEED_FILES)
		return fail(-EMFILE, "the limit on open files is too low: %llu (ulimit -n); at least %d are needed",
			    (unsigned long long)files, NEED_FILES);
	if (stack < NEED_STACK)
		return fail(-ENOMEM, "the stack limit is too low: %llu KiB (ulimit -s); at least %llu are needed",
			    (unsigned long long)stack >> 10, (unsigned long long)NEED_STACK >> 10);
	if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur < NEED_SPACE)
		return fail(-ENOMEM, "the memory limit is too low: %llu KiB (ulimit -v); at least %llu are needed",
			    (unsigned long long)space.rlim_cur >> 10, (unsigned long long)NEED_SPACE >> 10);
	return 0;
}
