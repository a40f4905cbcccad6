/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine that the programs run on: its registers and page tables. */
#ifndef ALLOCTRACE_ARCH_ARCH_BPF_H
#define ALLOCTRACE_ARCH_ARCH_BPF_H

#ifdef __TARGET_ARCH_x86
#include "x86_64.bpf.h"
#else
#error "alloctrace is built for x86-64 only"
#endif

#endif
