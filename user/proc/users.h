/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of users, as this machine has them: those of a container are not its own. No messages here. */
#ifndef ALLOCTRACE_PROC_USERS_H
#define ALLOCTRACE_PROC_USERS_H

#include <sys/types.h>

struct users;	/* what was asked for; single-threaded */

struct users *users_new(void);
/* NULL is a no-op. */
void users_free(struct users *u);
/* "www-data"; the number as text if no user has it, or the database cannot be read. Valid until users_free(). The first
 * time that a user is asked for, this may wait for a server (LDAP). */
const char *users_name(struct users *u, uid_t uid);

#endif
