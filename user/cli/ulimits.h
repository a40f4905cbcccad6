/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our own resource limits (setrlimit(2)). */
#ifndef ALLOCTRACE_CLI_ULIMITS_H
#define ALLOCTRACE_CLI_ULIMITS_H

/* Raises those that may be raised. Returns 0, or -errno after logging an error: what is left does not suffice. A
 * command that is launched is to have what alloctrace was started with: fork first. */
int limits_raise(void);

#endif
