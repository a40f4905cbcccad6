/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C++ and Rust names as people know them. */
#ifndef ALLOCTRACE_SYM_DEMANGLE_H
#define ALLOCTRACE_SYM_DEMANGLE_H

/* The longest mangled name that is tried, and the longest result; both in bytes. A symbol table may be hostile, and a
 * short mangled name can stand for one of gigabytes. */
#define DEMANGLE_IN_MAX 4096
#define DEMANGLE_OUT_MAX 16384

/* "ns::Class<int>::method" without parameters (as perf shows it), Rust without the hash. The caller frees it; NULL if
 * the name is not mangled, is damaged, or is over a limit: then the name itself is what can be shown. */
char *demangle(const char *name);

#endif
