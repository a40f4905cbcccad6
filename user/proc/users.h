/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and home directories of users, as this machine has them: those of a container are not its own. No messages
 * here. */
#ifndef ALLOCTRACE_PROC_USERS_H
#define ALLOCTRACE_PROC_USERS_H

#include <sys/types.h>

struct users;	/* what was asked for; single-threaded */

struct users *users_new(void);
/* For tests: of the file ROOT/etc/passwd alone. */
struct users *users_new_below(const char *root);
/* NULL is a no-op. */
void users_free(struct users *u);
/* "www-data"; the number as text if no user has it, or the database cannot be read. Valid until users_free(). Whom
 * /etc/passwd does not have may be a server's (LDAP), which this may wait for the first time. */
const char *users_name(struct users *u, uid_t uid);
/* An absolute path, by /etc/passwd alone; NULL: not known. Likewise. */
const char *users_home(struct users *u, uid_t uid);

#endif
