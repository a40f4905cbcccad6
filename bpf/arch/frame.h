/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What unwinding has to know of the machine; both sides include it. */
#ifndef ALLOCTRACE_BPF_ARCH_FRAME_H
#define ALLOCTRACE_BPF_ARCH_FRAME_H

#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#include "x86_64_frame.h"
#else
#error "alloctrace is built for x86-64 only"
#endif

#endif
