/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the paths through a function lead: a crash course.
 *
 * An allocator function that calls another is one event. To tell which of two probes is to speak, it has to be known
 * what the first function does on its own and when it leaves the work to the second:
 *
 *     operator new:  ... call malloc@plt; test %rax,%rax; je ...        every path calls malloc
 *     reallocarray:  mul; jo overflow; jmp realloc                      every path ends in realloc, or returns 0
 *     realloc:       test %rdi,%rdi; je 1f; ...   1: jmp malloc         jumps to malloc where the 1st argument is 0
 *     memalign:      ... cmp $0x10,%rdi; jbe 1f; ...   1: jmp malloc    ... where it is at most 16
 *
 * So the code is run with values that are only known in part: an argument as it came in, a constant, an address in
 * the own frame, or anything. Copies between registers and the frame keep them. A conditional branch forks the path;
 * where it compares an argument with a constant, each side limits the range of that argument. A path ends at a call
 * or jump to a known function, at a return, or where it can be followed no further. Calls of anything else are
 * stepped over. States already seen at a branch target are not visited again, shorter paths come first, and there is
 * a limit.
 */
#include <string.h>

#include "probe/flow_code.h"

#define FRAME_SLOTS 32		/* 8 bytes each, downwards from the return address */
#define REACH 4096		/* how far a function of unknown size is taken to extend */
#define MAX_HELPERS 64
#define INNER_INSNS 300		/* to see whether a helper returns */

/* V_PRODUCT: of two arguments, a | b << 8; V_FRAME: entry rsp + v */
enum { V_ANY, V_ARG, V_CONST, V_PRODUCT, V_FRAME };

struct value {
	uint64_t kind, v;
};

/* Made of 64-bit fields only: it is hashed as a whole. */
struct state {
	uint64_t pc;
	struct value reg[ARCH_REGS];
	struct value frame[FRAME_SLOTS];
	struct flow_range arg[SITE_MAX_ARGS];
	uint64_t compared;	/* 1 + the argument that the flags compare with `with`; 0: not known */
	uint64_t with;
};

struct walk {
	struct flow_file *ff;
	uint64_t entry;
	bool inner;	/* of a function called by one that is being walked */
	struct flow_result *out;
	vec_of(struct state) queue;
	struct u64map seen;
};

static struct flow_passed passed_value(const struct value *v)
{
	switch (v->kind) {
	case V_ARG:
		return (struct flow_passed){.kind = FLOW_PASSES_ARG, .a = (uint8_t)v->v};
	case V_PRODUCT:
		return (struct flow_passed){.kind = FLOW_PASSES_PRODUCT, .a = (uint8_t)v->v, .b = (uint8_t)(v->v >> 8)};
	case V_CONST:
		return (struct flow_passed){.kind = FLOW_PASSES_CONST, .value = v->v};
	default:
		return (struct flow_passed){.kind = FLOW_PASSES_ANY};
	}
}

static void end_path(struct walk *w, const struct state *st, enum flow_kind kind, int id, uint64_t len)
{
	struct flow_end e;

	memset(&e, 0, sizeof(e));
	e.kind = kind;
	e.id = id;
	e.vaddr = st->pc;
	e.next = st->pc + len;
	if (kind == FLOW_CONST)
		e.value = st->reg[abi_c.result].v;
	memcpy(e.arg, st->arg, sizeof(e.arg));
	for (int i = 0; i < SITE_MAX_ARGS; i++)
		e.passed[i] = passed_value(&st->reg[abi_c.arg[i]]);
	vec_push(&w->out->ends, e);
}

static void visit(struct walk *w, const struct state *st, uint64_t pc)
{
	struct state next = *st;
	uint64_t hash = 0, word;
	bool is_new;

	next.pc = pc;
	for (size_t i = 0; i < sizeof(next) / 8; i++) {
		memcpy(&word, (const uint8_t *)&next + 8 * i, 8);
		hash = mix64(hash ^ word);
	}
	u64map_put(&w->seen, hash, &is_new);
	if (is_new)
		vec_push(&w->queue, next);
}

/* Where in the frame a memory operand is, as an offset from the return address; 0: not in what is tracked of it. */
static int64_t frame_offset(const struct state *st, const struct insn_operand *op)
{
	int64_t at;

	if (op->kind != OPERAND_MEM || op->reg < 0 || st->reg[op->reg].kind != V_FRAME || op->indexed)
		return 0;
	at = (int64_t)(st->reg[op->reg].v + (uint64_t)op->value);
	return at < 0 ? at : 0;
}

/* The whole slot at that offset, NULL if there is none. */
static struct value *frame_slot(struct state *st, int64_t at)
{
	const uint64_t slot = -(uint64_t)at / 8 - 1;

	return !(at & 7) && slot < FRAME_SLOTS ? &st->frame[slot] : NULL;
}

/* So many bytes are written at the offset: the value, if they are a slot; nothing is known of others they touch. */
static void frame_store(struct state *st, int64_t at, int64_t bytes, struct value value)
{
	for (int64_t i = 0, slot = -8; at < 0 && i < FRAME_SLOTS; i++, slot -= 8)
		if (slot < at + bytes && at < slot + 8)
			st->frame[i] = bytes == 8 && at == slot ? value : (struct value){V_ANY, 0};
}

static struct value operand_value(struct state *st, const struct insn_operand *op)
{
	struct value any = {V_ANY, 0}, *slot;

	switch (op->kind) {
	case OPERAND_CONST:
		return (struct value){V_CONST, (uint64_t)op->value};
	case OPERAND_REG:
		if (op->reg < 0 || (op->bits != 64 && st->reg[op->reg].kind != V_CONST))
			return any;
		return st->reg[op->reg];
	case OPERAND_MEM:
		slot = op->bits == 64 ? frame_slot(st, frame_offset(st, op)) : NULL;
		return slot ? *slot : any;
	default:
		return any;
	}
}

static struct value product(struct value a, struct value b)
{
	if (a.kind != V_ARG || b.kind != V_ARG)
		return (struct value){V_ANY, 0};
	return (struct value){V_PRODUCT, a.v | b.v << 8};
}

/* One of two on a condition. An allocator takes 0 bytes for 1: that is the argument still. */
static struct value either(struct value a, struct value b)
{
	if (a.kind == b.kind && a.v == b.v)
		return a;
	if (a.kind == V_ARG && b.kind == V_CONST && b.v == 1)
		return a;
	if (b.kind == V_ARG && a.kind == V_CONST && a.v == 1)
		return b;
	return (struct value){V_ANY, 0};
}

/* The value that the instruction leaves in its first operand. */
static struct value result_value(struct state *st, const struct insn *in)
{
	struct value v = {V_ANY, 0};
	const struct insn_operand *dst = &in->op[0], *src = &in->op[1];

	switch (in->kind) {
	case INSN_MOVE:
		v = operand_value(st, src);
		break;
	case INSN_CLEAR:
		v = (struct value){V_CONST, 0};
		break;
	case INSN_ADDRESS:
		if (!src->indexed && src->reg >= 0 && st->reg[src->reg].kind == V_FRAME)
			v = (struct value){V_FRAME, st->reg[src->reg].v + (uint64_t)src->value};
		break;
	case INSN_MULTIPLY:
		v = product(operand_value(st, dst), operand_value(st, src));
		break;
	case INSN_ADD_CARRY:
		/* cmp $1,%arg; adc $0,%arg */
		v = operand_value(st, dst);
		if (v.kind != V_ARG || st->compared != v.v + 1 || st->with != 1 ||
		    src->kind != OPERAND_CONST || src->value)
			v = (struct value){V_ANY, 0};
		break;
	case INSN_SELECT:
		v = either(operand_value(st, dst), operand_value(st, src));
		break;
	default:
		break;
	}
	if (dst->bits == 32 && v.kind == V_CONST)
		v.v = (uint32_t)v.v;
	if (dst->bits < 32 || (dst->bits == 32 && v.kind != V_CONST))
		v = (struct value){V_ANY, 0};
	return v;
}

/* Flags: a comparison of a whole argument with a constant is remembered, any other change forgets it. */
static void step_flags(struct state *st, const struct insn *in)
{
	struct value a, b;

	if (!in->flags)
		return;
	st->compared = st->with = 0;
	if ((in->kind != INSN_COMPARE && in->kind != INSN_TEST) || in->op[0].bits != 64)
		return;
	a = operand_value(st, &in->op[0]);
	b = operand_value(st, &in->op[1]);
	if (a.kind != V_ARG)
		return;
	if (in->kind == INSN_TEST) {
		if (b.kind != V_ARG || a.v != b.v)
			return;
		b = (struct value){V_CONST, 0};
	}
	if (b.kind == V_CONST) {
		st->compared = a.v + 1;
		st->with = b.v;
	}
}

/* The stack pointer after the instruction, which leaves `result` in its first operand. */
static struct value stack_pointer(const struct state *st, const struct insn *in, struct value result)
{
	struct value sp = st->reg[ARCH_REG_SP];

	if (in->kind == INSN_LEAVE)
		sp = (struct value){st->reg[ARCH_REG_FP].kind, st->reg[ARCH_REG_FP].v + 8};
	else if (!in->sp_known)
		sp = in->kind == INSN_MOVE || in->kind == INSN_ADDRESS ? result : (struct value){V_ANY, 0};
	else
		sp.v += (uint64_t)in->sp_delta;
	return sp.kind == V_FRAME ? sp : (struct value){V_ANY, 0};
}

static void step(struct state *st, const struct insn *in)
{
	static const struct value any = {V_ANY, 0};
	const struct insn_operand *dst = &in->op[0];
	struct value result = result_value(st, in), sp = st->reg[ARCH_REG_SP], wide = any;

	step_flags(st, in);
	if (in->kind == INSN_MULTIPLY_WIDE && dst->bits == 64)
		wide = product(operand_value(st, &in->op[1]), operand_value(st, dst));
	if (in->kind == INSN_PUSH)
		result = in->width == 64 ? operand_value(st, dst) : any;
	else if (in->kind == INSN_POP && in->width == 64 && sp.kind == V_FRAME && frame_slot(st, (int64_t)sp.v))
		result = *frame_slot(st, (int64_t)sp.v);
	sp = stack_pointer(st, in, result);

	for (int r = 0; r < ARCH_REGS; r++)
		if ((in->writes & 1u << r) && r != ARCH_REG_SP)
			st->reg[r] = any;
	st->reg[ARCH_REG_SP] = sp;
	if (wide.kind != V_ANY)
		st->reg[in->op[1].reg] = wide;
	if (in->kind == INSN_PUSH) {
		if (sp.kind == V_FRAME)
			frame_store(st, (int64_t)sp.v, in->width / 8, result);
		return;
	}
	if (!dst->written)
		return;
	if (dst->kind == OPERAND_MEM)
		frame_store(st, frame_offset(st, dst), dst->bits / 8, in->kind == INSN_MOVE ? result : any);
	else if (dst->kind == OPERAND_REG && dst->reg >= 0 && dst->reg != ARCH_REG_SP)
		st->reg[dst->reg] = result;
}

/* What a call may change. */
static void step_call(struct state *st)
{
	for (int r = 0; r < ARCH_REGS; r++)
		if (!(abi_c.kept & 1u << r))
			st->reg[r] = (struct value){V_ANY, 0};
	st->compared = st->with = 0;
}

/* Limits the compared argument to where the condition holds; false if it cannot hold. */
static bool limit(struct state *st, enum insn_cond cond)
{
	struct flow_range *r = st->compared ? &st->arg[st->compared - 1] : NULL;
	uint64_t c = st->with;

	if (!r)
		return true;
	switch (cond) {
	case COND_EQUAL:
		if (c < r->lo || c > r->hi)
			return false;
		r->lo = r->hi = c;
		return true;
	case COND_NOT_EQUAL:
		if (r->lo == c && r->hi == c)
			return false;
		r->lo += r->lo == c;
		r->hi -= r->hi == c;
		return true;
	case COND_ABOVE:
		if (r->hi <= c)
			return false;
		r->lo = r->lo > c ? r->lo : c + 1;
		return true;
	case COND_NOT_BELOW:
		if (r->hi < c)
			return false;
		r->lo = r->lo > c ? r->lo : c;
		return true;
	case COND_BELOW:
		if (r->lo >= c)
			return false;
		r->hi = r->hi < c ? r->hi : c - 1;
		return true;
	case COND_NOT_ABOVE:
		if (r->lo > c)
			return false;
		r->hi = r->hi < c ? r->hi : c;
		return true;
	default:
		return true;
	}
}

static enum insn_cond opposite(enum insn_cond cond)
{
	static const uint8_t of[] = {
		[COND_OTHER] = COND_OTHER,
		[COND_EQUAL] = COND_NOT_EQUAL, [COND_NOT_EQUAL] = COND_EQUAL,
		[COND_BELOW] = COND_NOT_BELOW, [COND_NOT_BELOW] = COND_BELOW,
		[COND_ABOVE] = COND_NOT_ABOVE, [COND_NOT_ABOVE] = COND_ABOVE,
	};

	return of[cond];
}

static void add_helper(struct walk *w, uint64_t vaddr)
{
	for (size_t i = 0; i < w->out->helpers.n; i++)
		if (w->out->helpers.at[i] == vaddr)
			return;
	if (w->out->helpers.n < MAX_HELPERS)
		vec_push(&w->out->helpers, vaddr);
}

static struct target branch_target(struct walk *w, const struct insn *in)
{
	struct target unknown = {.id = -1};
	uint64_t at;

	if (insn_is_indirect(in, &at))
		return flow_target_in_slot(w->ff, at);
	if (insn_is_call(in, &at) || insn_is_jump(in, &at))
		return flow_target_at(w->ff, at);
	return unknown;
}

static void run(struct walk *w, size_t max_insns);

/* Is a path found through the function that returns? Inside it, a call with padding behind it is believed not to. */
bool flow_returns(struct flow_file *ff, uint64_t vaddr)
{
	struct flow_result r;
	struct walk w = {.ff = ff, .entry = vaddr, .inner = true, .out = &r};
	bool is_new, returns = false;
	uint64_t *known = u64map_put(&ff->returning, vaddr, &is_new);

	if (!is_new)
		return *known;
	run(&w, INNER_INSNS);
	for (size_t i = 0; i < r.ends.n; i++)
		returns |= r.ends.at[i].kind != FLOW_LOST;
	flow_result_free(&r);
	*u64map_put(&ff->returning, vaddr, NULL) = returns;
	return returns;
}

/*
 * A stripped file does not name its functions that never return (glibc's __libc_message, where it is told to abort).
 * Behind a call of one a compiler puts nothing but the padding of what follows. Padding may also align a loop that
 * the call does come back to: that doubt is noted where the callee is seen to return.
 */
static bool never_returns(struct walk *w, const struct insn *in, uint64_t callee)
{
	struct insn next;

	if (flow_decode(w->ff, in->vaddr + in->len, &next) && !insn_is_padding(&next))
		return false;
	if (!w->inner && flow_returns(w->ff, callee))
		w->out->doubt = true;
	return true;
}

/* Returns true if the path goes on after the call. */
static bool take_call(struct walk *w, struct state *st, const struct insn *in)
{
	struct target t = branch_target(w, in);

	if (t.noreturn)
		return false;
	if (t.id >= 0) {
		end_path(w, st, FLOW_CALLS, t.id, in->len);
		return false;
	}
	if (t.code && never_returns(w, in, t.vaddr))
		return false;
	if (t.code)
		add_helper(w, t.vaddr);
	else if (!t.import)
		w->out->indirect = true;
	step_call(st);
	return true;
}

static void take_jump(struct walk *w, const struct state *st, const struct insn *in)
{
	struct target t = branch_target(w, in);
	uint64_t at;

	if (t.noreturn)
		return;
	if (t.id >= 0 && t.vaddr != w->entry)
		end_path(w, st, FLOW_TAIL, t.id, in->len);
	else if (t.code)
		visit(w, st, t.vaddr);
	else if (t.import || insn_is_indirect(in, &at))
		end_path(w, st, FLOW_RETURNS, -1, in->len);
	else
		end_path(w, st, FLOW_LOST, -1, in->len);
}

/* A conditional jump may be a tail call, too. */
static void fork_path(struct walk *w, const struct state *st, const struct insn *in)
{
	struct state side = *st;

	if (limit(&side, opposite(in->cond)))
		visit(w, &side, in->vaddr + in->len);
	side = *st;
	if (limit(&side, in->cond))
		take_jump(w, &side, in);
}

/* One instruction; false at the end of the straight line. */
static bool advance(struct walk *w, struct state *st)
{
	struct insn in;
	uint64_t target;

	if (!flow_decode(w->ff, st->pc, &in)) {
		end_path(w, st, FLOW_LOST, -1, 0);
		return false;
	}
	if (st->pc >= w->entry && st->pc - w->entry < REACH && st->pc + in.len > w->out->reached)
		w->out->reached = st->pc + in.len;
	switch (in.class) {
	case INSN_CALL:
		if (!take_call(w, st, &in))
			return false;
		break;
	case INSN_RETURN:
		end_path(w, st, st->reg[abi_c.result].kind == V_CONST ? FLOW_CONST : FLOW_RETURNS, -1, in.len);
		return false;
	case INSN_JUMP:
		take_jump(w, st, &in);
		return false;
	case INSN_BRANCH:
		if (insn_is_jump(&in, &target))
			fork_path(w, st, &in);
		return false;
	case INSN_SYSCALL:
		step_call(st);
		break;
	default:
		/* Stops the program: no call returns from here. */
		if (insn_ends_line(&in))
			return false;
		step(st, &in);
	}
	st->pc += in.len;
	return true;
}

static void run(struct walk *w, size_t max_insns)
{
	struct state st;
	size_t done = 0, next = 0;

	memset(w->out, 0, sizeof(*w->out));
	memset(&st, 0, sizeof(st));
	w->out->reached = w->entry;
	for (int i = 0; i < SITE_MAX_ARGS; i++) {
		st.reg[abi_c.arg[i]] = (struct value){V_ARG, (uint64_t)i};
		st.arg[i] = (struct flow_range){0, UINT64_MAX};
	}
	st.reg[ARCH_REG_SP] = (struct value){V_FRAME, 0};
	visit(w, &st, w->entry);
	while (next < w->queue.n) {
		st = w->queue.at[next++];
		while (done < max_insns && advance(w, &st))
			done++;
		/* What the limit leaves in the queue ends here, each under its own conditions. */
		if (++done > max_insns)
			end_path(w, &st, FLOW_LOST, -1, 0);
	}
	vec_free(&w->queue);
	u64map_free(&w->seen);
}

void flow_walk(struct flow_file *ff, uint64_t entry, size_t max_insns, struct flow_result *out)
{
	struct walk w = {.ff = ff, .entry = entry, .out = out};

	run(&w, max_insns);
}

void flow_result_free(struct flow_result *r)
{
	vec_free(&r->ends);
	vec_free(&r->helpers);
	memset(r, 0, sizeof(*r));
}
