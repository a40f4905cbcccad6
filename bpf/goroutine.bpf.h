/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which goroutine a Go program allocates in. Its struct g is where a register says, or the thread's memory; what lies
 * where in it differs by version, and the probe's row has it (elf/goroutine.h finds it).
 *
 *     g ── m ──> the thread ── curg ──> the goroutine that the thread runs: g itself, or, where the runtime is on the
 *                                       thread's own stack (g is g0, whose number is 0), the one it left for that
 */
#ifndef ALLOCTRACE_GOROUTINE_BPF_H
#define ALLOCTRACE_GOROUTINE_BPF_H

#include "labels.bpf.h"

static __always_inline bool go_current(const struct pt_regs *ctx, const struct probe_info *info, __u64 *g)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if (info->g_place != NO_PLACE) {
		*g = reg_get(ctx, info->g_place);
		return *g;
	}
	return info->g.tls && go_word(arch_thread_base(task) + info->g.tls, g) && *g;
}

/* The goroutine on whose behalf the runtime is on the thread's own stack; 0: none. False: memory that can't be read. */
static __always_inline bool go_left(const struct probe_info *info, __u64 *g)
{
	return go_word(*g + info->g.m, g) && (!*g || go_word(*g + info->g.curg, g));
}

/* Fills s->rec.tag and s->rec.creator as far as they are asked for. */
static __noinline void goroutine(struct scratch *s, const struct pt_regs *ctx, __u64 cookie)
{
	const struct probe_info *info = cookie & COOKIE_TYPED ? probe_info(cookie) : NULL;
	const bool tags = by_goroutine || by_label;
	__u64 g, id, creator = 0;

	s->rec.creator = 0;
	s->rec.tag = cookie & COOKIE_TYPED && tags ? TAG_UNKNOWN : 0;
	if (!info || !info->g.goid || !go_current(ctx, info, &g) || !go_word(g + info->g.goid, &id))
		return;
	if (id && with_creator && id != 1 && go_word(g + info->g.gopc, &creator))
		s->rec.creator = creator;
	if (!tags || (!id && !go_left(info, &g)))
		return;
	if (!g)
		s->rec.tag = TAG_NONE;
	else if (by_label)
		s->rec.tag = labels_tag(s, info, g);
	else if (id || go_word(g + info->g.goid, &id))
		s->rec.tag = id;
}

#endif
