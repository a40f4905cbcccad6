/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction, as the site chooser and the flow walk need it: what it does, in terms that machines have in common.
 * What none of them needs (shifts, vectors, …) is INSN_OTHER, with the registers that it reads and writes. Bytes may be
 * anything.
 */
#ifndef ALLOCTRACE_ARCH_INSN_H
#define ALLOCTRACE_ARCH_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

/* Where it leads. */
enum insn_class {
	INSN_PLAIN,	/* to the next one */
	INSN_CALL,
	INSN_JUMP,
	INSN_BRANCH,	/* a jump on a condition */
	INSN_RETURN,
	INSN_SYSCALL,
	INSN_STOPS,	/* not surely on: a trap, or for the system alone */
};

/* What it does with its operands a = op[0] and b = op[1]. */
enum insn_op {
	INSN_OTHER,
	INSN_MOVE,		/* a = b */
	INSN_ADDRESS,		/* a = the address of b */
	INSN_CLEAR,		/* a = 0, whatever it was: its registers are not read */
	INSN_MULTIPLY,		/* a *= b */
	INSN_MULTIPLY_WIDE,	/* b, a register, and another one for the upper half = b * a */
	INSN_ADD_CARRY,		/* a += b + carry */
	INSN_SELECT,		/* a = b on a condition */
	INSN_COMPARE,		/* flags of a - b */
	INSN_TEST,		/* flags of a & b */
	INSN_EXCHANGE,
	INSN_PUSH,
	INSN_POP,
	INSN_LEAVE,		/* sp = fp, then pops fp */
	INSN_NOP,
	INSN_BREAK,
	INSN_LANDING,		/* marks where indirect calls and jumps may land */
};

/* Of an INSN_BRANCH: on what the comparison of unsigned numbers before it says. */
enum insn_cond {
	COND_OTHER,
	COND_EQUAL, COND_NOT_EQUAL,
	COND_BELOW, COND_NOT_BELOW,
	COND_ABOVE, COND_NOT_ABOVE,
};

enum insn_operand_kind {
	OPERAND_NONE,
	OPERAND_REG,
	OPERAND_MEM,
	OPERAND_CONST,
};

struct insn_operand {
	uint8_t kind;	/* enum insn_operand_kind */
	bool written;
	bool indexed;	/* MEM: an index is added */
	bool apart;	/* MEM: of a segment, as what belongs to a thread */
	bool fixed;	/* MEM: at an address that depends on no register: value */
	int8_t reg;	/* REG: the whole register or a part of it; MEM: the base. -1: none that has a number */
	uint16_t bits;	/* of what is read or written */
	int64_t value;	/* CONST; MEM: displacement */
};

struct insn {
	uint64_t vaddr;
	uint64_t target;	/* of a call, jump or branch, if it has one in it */
	uint32_t reads, writes;	/* registers, wholly, in part or on a condition */
	int64_t sp_delta;	/* bytes (push: -8), if sp_known */
	uint8_t len;
	uint8_t class, kind, cond;	/* enum insn_class, insn_op, insn_cond */
	uint8_t width;		/* bits of the operation: of what push and pop move */
	bool has_target;
	bool sp_known;		/* by how much it moves the stack pointer is in it */
	bool flags;		/* it may change flags */
	bool is_switch;		/* a jump that a compiler has made of a switch */
	struct insn_operand op[2];
	uint8_t bytes[ARCH_INSN_MAX];
};

/* What the kernel does with a uprobe on an instruction. */
enum insn_probe {
	INSN_EMULATED,	/* one trap */
	INSN_STEPPED,	/* two: a copy is single-stepped */
	INSN_REFUSED,	/* it registers none */
};

/* false if the bytes are no instruction, or one that does not fit in size. */
bool insn_decode(const uint8_t *code, size_t size, uint64_t vaddr, struct insn *in);
/* Of a decoded one. nops_emulated: the kernel emulates the long ones, too. */
enum insn_probe insn_probe(const struct insn *in, bool nops_emulated);
/* Disassembled (x86-64: AT&T), cut to size; "?" if that fails. */
void insn_text(const struct insn *in, char *text, size_t size);
/* The bytes begin with an instruction that clears the frame pointer, as start code does. */
bool insn_clears_fp(const uint8_t *code, size_t size);

/* How a function of Go has made its frame, `depth` bytes below the return address: the frame pointer saved as the first
 * word of it, and then set to where that is. */
struct insn_go_frame {
	uint8_t saved;	/* bytes of code from where SP is so low on, after which it is saved */
	uint8_t set;	/* after which it is set; 0: it is not */
};

#define INSN_GO_FRAME 17	/* bytes of code that are looked at: one before SP is so low, and from there on */
/* False: it has not saved it there. */
bool insn_go_frame(const uint8_t code[INSN_GO_FRAME], uint64_t depth, struct insn_go_frame *frame);

/* `mov` of whole registers. */
bool insn_is_copy(const struct insn *in, int *dst, int *src);
/* The two registers that it exchanges, both whole. */
bool insn_is_exchange(const struct insn *in, int *a, int *b);
/* The whole register that it compares with 0 (`test %reg,%reg`); -1: another instruction. */
int insn_tested(const struct insn *in);
/* A jump or branch with its target in the instruction. */
bool insn_is_jump(const struct insn *in, uint64_t *target);
/* A call with its target in the instruction. */
bool insn_is_call(const struct insn *in, uint64_t *target);
/* A call or jump through memory at a fixed address: that address. */
bool insn_is_indirect(const struct insn *in, uint64_t *slot);
/* Ends a straight line: the next instruction is not always the one after it (or, for a call, registers are lost). */
bool insn_ends_line(const struct insn *in);
/* What a compiler puts between functions, or before what a jump leads to. */
bool insn_is_padding(const struct insn *in);

#endif
