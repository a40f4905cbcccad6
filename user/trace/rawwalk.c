// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The steps of the BPF side, on a copy of the stack, with what was mapped when it was taken. In the copy, the return
 * addresses that uretprobes had replaced are the original ones again (bpf/retprobe.bpf.h).
 */
#include "trace/rawwalk.h"

#include <string.h>

#include "model/unwind.h"

static bool read_stack(void *ctx, uint64_t addr, uint64_t *value)
{
	const struct stack_raw *raw = ctx;
	uint64_t offset = addr - (raw->sp & ~(uint64_t)(RAW_PAGE_BYTES - 1));

	if (addr < raw->sp || (addr & 7) || offset >= raw->n_stack || offset >= RAW_PAGES * RAW_PAGE_BYTES ||
	    !(raw->present[offset / RAW_PAGE_BYTES / 64] >> offset / RAW_PAGE_BYTES % 64 & 1))
		return false;
	memcpy(value, raw->stack + offset, sizeof(*value));
	return true;
}

/* *end is how the walk ends if there is no caller, and stays so if what is found is no code. */
static bool step_fp(struct unwind_regs *regs, struct stack_raw *raw, bool jit, uint64_t start_stack, enum walk_end *end)
{
	enum unwind_result result = unwind_by_fp(start_stack, jit, regs, read_stack, raw);

	*end = result == UNWIND_END ? WALK_COMPLETE : result == UNWIND_ROOT ? WALK_ROOT_BY_FP :
	       jit ? WALK_JIT : WALK_NO_RULE;
	return result == UNWIND_OK;
}

static bool step_row(struct unwind_regs *regs, struct stack_raw *raw, const struct unwind_rule *rule,
	enum walk_end *end)
{
	static const uint8_t ends[] = {
		[UNWIND_END] = WALK_COMPLETE,
		[UNWIND_NO_ROW] = WALK_NO_RULE,
		[UNWIND_UNSUPPORTED] = WALK_UNSUPPORTED,
		[UNWIND_UNREADABLE] = WALK_UNREADABLE,
		[UNWIND_STUCK] = WALK_UNSUPPORTED,
	};
	enum unwind_result result = unwind_step(&rule->row, &rule->wide, regs, read_stack, raw);

	*end = result == UNWIND_OK ? WALK_UNMAPPED : (enum walk_end)ends[result];
	return result == UNWIND_OK;
}

enum walk_end rawwalk(const struct rawwalk *w, const struct stack_raw *raw, __u64 *frames, size_t *n)
{
	struct unwind_regs regs = {
		.pc = raw->pc, .sp = raw->sp, .fp = raw->fp, .fp_known = raw->fp_known, .pc_exact = true,
	};
	const uint64_t start_stack = w->process->start_stack;
	enum walk_end end = WALK_UNMAPPED;
	struct stack_raw *memory = (struct stack_raw *)raw;	/* which is only read */
	bool goes_on = true;
	uint64_t mark = 0;

	*n = raw->rec.n < w->max_frames ? raw->rec.n : w->max_frames;
	memcpy(frames, raw->rec.frames, *n * sizeof(*frames));
	/* The last of these is where it goes on. */
	*n -= *n > 0;
	while (goes_on) {
		uint64_t pc = unwind_lookup_pc(&regs), offset;
		struct unwind_rule rule;
		uint32_t module;

		if (!process_resolve(w->process, w->modules, pc, raw->rec.time_ns, &module, &offset))
			return end;
		if (pc == raw->pc && !unwind_met(w->unwind, module, &raw->file)) {
			frames[(*n)++] = FRAME_LOST;
			return end;
		}
		if (*n == w->max_frames)
			return WALK_DEPTH;
		frames[(*n)++] = (pc + 1) | mark;
		mark = 0;
		offset = w->to_vaddr(w->arg, module, offset);
		if (unwind_rule_at(w->unwind, module, offset, &rule))
			goes_on = step_row(&regs, memory, &rule, &end);
		else if (unwind_rule_at(w->unwind, module, offset + 1, &rule))
			return WALK_COMPLETE;
		else {
			bool jit = modules_get(w->modules, module)->kind == MODULE_JIT;

			goes_on = step_fp(&regs, memory, jit, start_stack, &end);
			mark = jit ? 0 : FRAME_BY_FP;
		}
	}
	return end;
}
