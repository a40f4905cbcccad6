/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share. */
#ifndef ALLOCTRACE_TESTS_FUZZ_H
#define ALLOCTRACE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant. libFuzzer keeps the input that breaks it. */
#define require(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

/* A copy in a block of exactly that size, so that AddressSanitizer sees a read past its end. The caller frees it. */
__attribute__((unused)) static uint8_t *exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	require(copy);
	return memcpy(copy, data, size);
}

/* An empty file in memory. */
__attribute__((unused)) static int memory_file(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0);
	return fd;
}

__attribute__((unused)) static void append(int fd, const uint8_t *data, size_t size)
{
	require(write(fd, data, size) == (ssize_t)size);
}

#endif
