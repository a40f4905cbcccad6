/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules by which processes are taken (struct select_rules), as users write them: bpf/select.bpf.h goes by them, and
 * user space by the same.
 */
#ifndef ALLOCTRACE_KERN_RULES_H
#define ALLOCTRACE_KERN_RULES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "kern/kern.h"

/*
 * Adds a rule: a glob (*, ?, [a-z], [!a-z]; \ before a character takes it as it is) for names and paths, a user name or
 * number for SELECT_USER. A path's pattern without a slash is compared with its last part. "!" before it: those are
 * not taken. Returns 0 or -EINVAL, and *why says what is wrong.
 */
int rules_add(struct select_rules *r, enum select_kind kind, const char *text, struct buf *why);
/* What they say of a process. exe: path; NULL: not known, and no pattern matches it. */
bool rules_take(const struct select_rules *r, const char *comm, const char *exe, uid_t uid);
/* The same of patterns alone (SELECT_COMM), for something that goes by n texts, some of which may be NULL: one of them
 * has to match a pattern, if there are any but negated ones; and none a negated one. */
bool rules_take_texts(const struct select_rules *r, const char *const *texts, size_t n);

#endif
