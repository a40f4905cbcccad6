/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in a function its uprobe goes: a crash course.
 *
 * A uprobe is an int3 in place of an instruction's first byte. After the trap the kernel must still do what the
 * instruction did. A few it emulates at once (insn_probe() knows which); of every other it single-steps a copy, which
 * costs a second trap and, in a virtual machine, twenty times the first. Compilers seldom start a function with an
 * emulated instruction, but nearly always have one a few bytes on:
 *
 *     free:    test %rdi,%rdi             stepped
 *              je   ...                   emulated: here
 *     malloc:  mov  0xb449(%rip),%rax     stepped            holds: rdi {size}
 *              mov  %rdi,%rsi             stepped                   rdi {size} rsi {size}
 *              mov  %fs:(%rax),%rdi       stepped                   rsi {size}
 *              cmp  $0x400,%rsi           stepped
 *              ja   ...                   emulated: here, and the size is in rsi
 *
 * So the function is decoded from its entry along the straight line, which every call runs exactly once, up to and
 * including the first branch. On the way it is tracked which registers hold each wanted argument (`mov reg,reg`
 * copies it; any other write to a register, in part or on a condition, loses what it held), how far rsp has moved
 * (the return address is found at the stack pointer) and whether rbp is still the caller's. The first emulated
 * instruction at which all wanted arguments are still in registers is the site.
 *
 * A site must not run twice in a call: no branch in the function's whole body may land between the entry and the
 * site. A branch back to the entry itself repeats any site there is, with one exception: Go's functions start
 *
 *     entry:   cmp  0x10(%r14),%rsp
 *              jbe  more
 *              push %rbp                  here: once per call
 *              ...
 *     more:    (save arguments)  call runtime.morestack  (restore arguments)  jmp entry
 *
 * where a call that must grow its stack passes the jbe twice. A conditional branch whose target only leads back to
 * the entry is therefore walked past. So is one that only calls with NULL take, in a function that frees: they are no
 * events, and need not pay for a trap.
 *
 *     free:    test %rdi,%rdi
 *              je   ...                   emulated, but where the walk ends without a better one it will do
 *              push %rbp                  here: rdi is a block
 */
#include "probe/site.h"

#include <errno.h>
#include <string.h>

#include "arch/insn.h"

/* A block that restarts the function: longer ones are not looked at. */
#define RESTART_MAX_INSNS 64

/* Where the function's own branches land. */
struct landings {
	uint64_t first;		/* the lowest offset after the entry that is a target; UINT64_MAX: none is */
	bool entry;		/* a jump leads back to the entry */
};

struct track {
	uint8_t holds[ARCH_REGS];	/* bit i: the register holds argument i */
	int64_t pushed;			/* entry sp - sp */
	bool fp_intact;
};

/*
 * Decodes everything in a row. Bytes that are no instruction are data or the end of what can be known: from there on
 * every offset is tried, so that no real branch is missed, at the price of some that are none.
 */
static struct landings find_landings(const struct site_request *req)
{
	struct landings l = {.first = UINT64_MAX};
	bool damaged = false;
	struct insn in;
	uint64_t target;

	for (size_t off = 0; off < req->size;) {
		if (!insn_decode(req->code + off, req->size - off, req->vaddr + off, &in)) {
			damaged = true;
			off++;
			continue;
		}
		if (insn_is_jump(&in, &target) || insn_is_call(&in, &target)) {
			uint64_t rel = target - req->vaddr;

			if (rel == 0 && in.class != INSN_CALL)
				l.entry = true;
			else if (rel > 0 && rel < req->size && rel < l.first)
				l.first = rel;
		}
		off += damaged ? 1 : in.len;
	}
	return l;
}

/* Does the code at target do nothing but come back to the entry? */
static bool restarts(const struct site_request *req, uint64_t target)
{
	struct insn in;
	uint64_t to;

	for (int i = 0; i < RESTART_MAX_INSNS; i++) {
		uint64_t off = target - req->vaddr;

		if (off >= req->size || !insn_decode(req->code + off, req->size - off, target, &in))
			return false;
		if (in.class == INSN_JUMP)
			return insn_is_jump(&in, &to) && to == req->vaddr;
		if (insn_ends_line(&in) && in.class != INSN_CALL)
			return false;
		target += in.len;
	}
	return false;
}

static void track_start(struct track *t, const struct site_request *req)
{
	memset(t, 0, sizeof(*t));
	t->fp_intact = true;
	for (int i = 0; i < SITE_MAX_ARGS; i++)
		if (req->arg_reg[i] < ARCH_REGS)
			t->holds[req->arg_reg[i]] |= 1u << i;
}

/* NULL, or why the line cannot be followed past this instruction. */
static const char *track_step(struct track *t, const struct insn *in)
{
	int dst, src;
	uint8_t copied = 0;

	if (!in->sp_known)
		return "entry: the stack pointer changes by an unknown amount";
	t->pushed -= in->sp_delta;
	if (t->pushed < 0 || t->pushed > UINT16_MAX)
		return "entry: the stack pointer leaves the frame";
	if (in->writes & 1u << ARCH_REG_FP)
		t->fp_intact = false;
	if (insn_is_exchange(in, &dst, &src)) {
		copied = t->holds[dst];
		t->holds[dst] = t->holds[src];
		t->holds[src] = copied;
		return NULL;
	}
	if (insn_is_copy(in, &dst, &src))
		copied = t->holds[src];
	for (int r = 0; r < ARCH_REGS; r++)
		if (in->writes & 1u << r)
			t->holds[r] = 0;
	if (copied)
		t->holds[dst] = copied;
	return NULL;
}

/* Fills arg_reg; false if a wanted argument is in no register. */
static bool locate_args(const struct track *t, const struct site_request *req, uint8_t arg_reg[SITE_MAX_ARGS])
{
	for (int i = 0; i < SITE_MAX_ARGS; i++) {
		arg_reg[i] = SITE_NO_REG;
		if (req->arg_reg[i] >= ARCH_REGS)
			continue;
		if (t->holds[req->arg_reg[i]] & 1u << i) {
			arg_reg[i] = req->arg_reg[i];
			continue;
		}
		for (int r = 0; r < ARCH_REGS && arg_reg[i] == SITE_NO_REG; r++)
			if (t->holds[r] & 1u << i)
				arg_reg[i] = (uint8_t)r;
		if (arg_reg[i] == SITE_NO_REG)
			return false;
	}
	return true;
}

static void site_set(struct site *s, const struct track *t, const struct insn *in, uint32_t offset,
		     const uint8_t arg_reg[SITE_MAX_ARGS], enum site_cost cost)
{
	s->offset = offset;
	s->cost = cost;
	memcpy(s->arg_reg, arg_reg, SITE_MAX_ARGS);
	s->pushed = (uint16_t)t->pushed;
	s->fp_intact = t->fp_intact;
	insn_text(in, s->insn, sizeof(s->insn));
}

/* A jump that only calls take that need not be seen; tested: by the instruction before it. */
static bool is_null_jump(const struct site_request *req, const struct track *t, int tested, const struct insn *in)
{
	return in->cond == COND_EQUAL && tested >= 0 && (t->holds[tested] & req->null_args);
}

/* The sites that the walk along the line has found, best first. */
struct found {
	struct site once, repeated, stepped;
	bool has_once, has_repeated, has_stepped;
};

/* Returns why the walk ended. `looping`: a jump leads back to the entry, and what it repeats is not yet passed. */
static const char *walk_line(const struct site_request *req, struct landings land, struct found *f)
{
	uint8_t arg_reg[SITE_MAX_ARGS];
	bool looping = land.entry;
	struct track t;
	struct insn in;
	uint64_t target;
	const char *why;
	int tested = -1;

	track_start(&t, req);
	for (size_t off = 0; off < req->size && off <= UINT32_MAX; off += in.len) {
		enum insn_probe probe;

		if (off >= land.first)
			return "entry: a branch lands in the prologue";
		if (!insn_decode(req->code + off, req->size - off, req->vaddr + off, &in))
			return "entry: undecodable code after it";
		if (!locate_args(&t, req, arg_reg))
			return "entry: an argument is overwritten first";
		probe = insn_probe(&in, req->nops_emulated);
		if (req->keep_sp && t.pushed)
			probe = INSN_REFUSED;
		if (probe == INSN_EMULATED && !looping) {
			site_set(&f->once, &t, &in, (uint32_t)off, arg_reg, SITE_EMULATED);
			f->has_once = true;
			if (!is_null_jump(req, &t, tested, &in))
				return NULL;
			tested = -1;
			continue;
		}
		if (probe == INSN_EMULATED && !f->has_repeated) {
			site_set(&f->repeated, &t, &in, (uint32_t)off, arg_reg, SITE_EMULATED);
			f->has_repeated = true;
		}
		if (probe == INSN_STEPPED && !f->has_stepped) {
			site_set(&f->stepped, &t, &in, (uint32_t)off, arg_reg, SITE_STEPPED);
			f->has_stepped = true;
		}
		if (insn_ends_line(&in)) {
			if (in.class != INSN_BRANCH || !insn_is_jump(&in, &target) ||
			    !restarts(req, target))
				return "entry: nothing emulated before the first branch";
			looping = false;
			continue;
		}
		why = track_step(&t, &in);
		if (why)
			return why;
		tested = insn_tested(&in);
	}
	return "entry: nothing emulated in it";
}

int site_choose(const struct site_request *req, struct site *out)
{
	struct found f = {0};
	struct insn first;
	const char *ended;

	if (!insn_decode(req->code, req->size, req->vaddr, &first))
		return -EINVAL;
	struct landings land = find_landings(req);

	ended = walk_line(req, land, &f);
	if (f.has_once) {
		*out = f.once;
		out->why = out->offset ? "first emulated instruction" : "entry, emulated";
	} else if (f.has_repeated) {
		*out = f.repeated;
		out->why = "first emulated instruction; a jump leads back to the entry";
	} else if (f.has_stepped) {
		*out = f.stepped;
		out->why = ended;
	} else {
		return -ENOTSUP;
	}
	out->repeats = land.entry && !f.has_once;
	return 0;
}

static bool edge_of(const struct insn *in, uint64_t vaddr, size_t size, struct site_edge *e)
{
	uint64_t target;

	*e = (struct site_edge){
		.offset = (uint32_t)(in->vaddr - vaddr),
		.next = (uint32_t)(in->vaddr - vaddr + in->len),
		.is_call = in->class == INSN_CALL,
	};
	if (insn_is_indirect(in, &target))
		e->indirect = true;
	else if (!insn_is_call(in, &target) && !(insn_is_jump(in, &target) && target - vaddr >= size))
		return false;
	e->target = target;
	return true;
}

size_t site_edges(const uint8_t *code, size_t size, uint64_t vaddr, struct site_edge *edges, size_t max)
{
	struct site_edge e;
	struct insn in;
	size_t n = 0;

	if (size > UINT32_MAX)
		size = UINT32_MAX;
	for (size_t off = 0; off < size;) {
		if (!insn_decode(code + off, size - off, vaddr + off, &in)) {
			off++;
			continue;
		}
		off += in.len;
		if (!edge_of(&in, vaddr, size, &e))
			continue;
		if (n < max)
			edges[n] = e;
		n++;
	}
	return n;
}
