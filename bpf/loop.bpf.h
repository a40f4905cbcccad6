/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loops over what a walk has found, and the hash of it. */
#ifndef ALLOCTRACE_LOOP_BPF_H
#define ALLOCTRACE_LOOP_BPF_H

#include <bpf/bpf_core_read.h>

#include "scratch.bpf.h"

/* Frames without bpf_loop(), and one: the verifier then follows each of them, and gives up at a million steps. */
#define PLAIN_LOOP 65

/* Linux 5.17. */
static __always_inline bool has_loop(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop);
}

/* Calls f(0 … n - 1, &s). */
static __always_inline void for_frames(struct scratch *s, __u32 n, long (*f)(__u32 i, void *arg))
{
	if (has_loop())
		bpf_loop(n, f, &s, 0);
	else
		for (__u32 i = 0; i < PLAIN_LOOP && i < n; i++)
			f(i, &s);
}

/*
 * A traced program chooses the addresses of its frames. Were the factors known, or were there only one, it could choose
 * differences that cancel out in the next step, whatever the hash began with.
 */
static __always_inline __u64 hash_step(__u64 h, __u64 x)
{
	h = (h ^ x) * hash_keys[0];
	h = (h ^ (h >> 32)) * hash_keys[1];
	return h ^ (h >> 29);
}

#endif
