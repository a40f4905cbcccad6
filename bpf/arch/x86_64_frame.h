/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86-64: DWARF's numbers of registers, where a return address is, and signal frames. */
#ifndef ALLOCTRACE_BPF_ARCH_X86_64_FRAME_H
#define ALLOCTRACE_BPF_ARCH_X86_64_FRAME_H

#define UNWIND_REG_FP 6	/* rbp */
#define UNWIND_REG_SP 7	/* rsp */
#define UNWIND_REGS 16	/* the return address, which is no register, is the next */

/* From the CFA, in bytes: a call pushes it. */
#define UNWIND_RA_AT (-8)

/* Bytes from the stack pointer at a signal frame: struct rt_sigframe of the kernel without its return address. */
#define UNWIND_SIGNAL_FP 120
#define UNWIND_SIGNAL_SP 160
#define UNWIND_SIGNAL_PC 168
/* The same of all registers, by DWARF number, in 8 bytes. */
#define UNWIND_SIGNAL_AT {18, 17, 19, 16, 14, 13, 15, 20, 5, 6, 7, 8, 9, 10, 11, 12}

#endif
