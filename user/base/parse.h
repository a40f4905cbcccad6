/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as users write them. All return 0, -EINVAL (not a number of that kind) or -ERANGE; *out is set only on 0. */
#ifndef ALLOCTRACE_BASE_PARSE_H
#define ALLOCTRACE_BASE_PARSE_H

#include <stdint.h>

/* Decimal digits only, nothing before or after. */
int parse_u64(const char *s, uint64_t *out);
/* 4096, 64k, 1.5M, 2G, 1T, with an optional B, KiB, MB…; powers of 1024; upper or lower case. */
int parse_size(const char *s, uint64_t *bytes);
/* 10 (seconds), 0.5, 250ms, 10s, 5m, 2h, 1d, 1m30s. */
int parse_duration(const char *s, uint64_t *ns);

#endif
