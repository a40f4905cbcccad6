/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vDSO: one image for every 64-bit process of the kernel, so our own tells the names of all. */
#ifndef ALLOCTRACE_SYM_VDSO_H
#define ALLOCTRACE_SYM_VDSO_H

#include <stddef.h>

/* The image as it is mapped in this process, and its size; NULL where there is none. */
const void *vdso_image(size_t *size);

#endif
