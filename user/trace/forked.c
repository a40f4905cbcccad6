// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/forked.h"

#include <stdlib.h>

#define CLEAN_AFTER_NS 200000000ULL

void forked_add(struct forked_list *l, pid_t pid, pid_t traced, uint64_t now_ns)
{
	vec_push(&l->all, ((struct forked){pid, traced, now_ns}));
}

const struct forked *forked_find(const struct forked_list *l, pid_t pid)
{
	for (size_t i = 0; i < l->all.n; i++)
		if (l->all.at[i].pid == pid)
			return &l->all.at[i];
	return NULL;
}

bool forked_any_of(const struct forked_list *l, pid_t traced)
{
	for (size_t i = 0; i < l->all.n; i++)
		if (l->all.at[i].traced == traced)
			return true;
	return false;
}

static void drop_at(struct forked_list *l, size_t i)
{
	l->all.at[i] = l->all.at[l->all.n - 1];
	l->all.n--;
}

void forked_drop(struct forked_list *l, pid_t pid)
{
	const struct forked *f = forked_find(l, pid);

	if (f)
		drop_at(l, f - l->all.at);
}

bool forked_take(struct forked_list *l, uint64_t now_ns, struct forked *out)
{
	for (size_t i = l->all.n; i-- > 0;) {
		if (now_ns < l->all.at[i].since_ns + CLEAN_AFTER_NS)
			continue;
		*out = l->all.at[i];
		drop_at(l, i);
		return true;
	}
	return false;
}

void forked_free(struct forked_list *l)
{
	vec_free(&l->all);
}
