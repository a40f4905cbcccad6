/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/decompress.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/memlimit.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2	/* glibc 2.37's elf.h */
#endif

/* What a byte of a stream can become at most: a larger claim only wants memory. */
#define ZLIB_RATIO 1032		/* deflate */
#define ZSTD_RATIO (32u << 10)	/* a block of one repeated byte: 128 KiB of 4 bytes */

/* .zdebug_*: the magic, how many bytes it is in 8 of them, a zlib stream. */
#define ZDEBUG_MAGIC "ZLIB"
#define ZDEBUG_HEADER 12

/* What xz -9 needs to decompress is 65 MiB; the tools that make .gnu_debugdata take plain xz, 9 MiB. */
#define XZ_MEMORY_MAX (80u << 20)
#define XZ_FIRST (256u << 10)

/* Inflates one zlib stream that must give exactly size bytes. */
static bool inflate_exactly(const uint8_t *in, size_t in_size, uint8_t *data, size_t size)
{
	z_stream z = {0};
	bool ok;

	if (in_size > UINT32_MAX || size > UINT32_MAX || inflateInit(&z) != Z_OK)
		return false;
	z.next_in = (Bytef *)in;
	z.avail_in = (uInt)in_size;
	z.next_out = data;
	z.avail_out = (uInt)size;
	ok = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0;
	inflateEnd(&z);
	return ok;
}

/* With the whole output in one place zstd needs no window, however large the frame says one is. */
static bool zstd_exactly(const uint8_t *in, size_t in_size, uint8_t *data, size_t size)
{
	size_t n = ZSTD_decompress(data, size, in, in_size);

	return !ZSTD_isError(n) && n == size;
}

/* One stream that is to give `want` bytes. */
static int decompress(uint64_t type, const uint8_t *raw, size_t raw_size, uint64_t want, size_t max_bytes,
		      uint8_t **data, size_t *size)
{
	uint8_t *p;
	bool ok;

	if (type != ELFCOMPRESS_ZLIB && type != ELFCOMPRESS_ZSTD)
		return -ENOEXEC;
	if (want / (type == ELFCOMPRESS_ZLIB ? ZLIB_RATIO : ZSTD_RATIO) > raw_size)
		return -ENOEXEC;
	if (want > max_bytes || !memlimit_has_room(want, "a compressed section"))
		return -EFBIG;
	p = xmalloc((size_t)want + 1);
	if (type == ELFCOMPRESS_ZLIB)
		ok = inflate_exactly(raw, raw_size, p, (size_t)want);
	else
		ok = zstd_exactly(raw, raw_size, p, (size_t)want);
	if (!ok) {
		free(p);
		return -ENOEXEC;
	}
	p[want] = 0;
	*data = p;
	*size = (size_t)want;
	return 0;
}

int decompress_section(int class, const uint8_t *raw, size_t raw_size, size_t max_bytes, uint8_t **data, size_t *size)
{
	size_t header = class == ELFCLASS64 ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
	uint64_t type, want;

	if (raw_size < header)
		return -ENOEXEC;
	if (class == ELFCLASS64) {
		Elf64_Chdr ch;

		memcpy(&ch, raw, sizeof(ch));
		type = ch.ch_type;
		want = ch.ch_size;
	} else {
		Elf32_Chdr ch;

		memcpy(&ch, raw, sizeof(ch));
		type = ch.ch_type;
		want = ch.ch_size;
	}
	return decompress(type, raw + header, raw_size - header, want, max_bytes, data, size);
}

int decompress_zdebug(const uint8_t *raw, size_t raw_size, size_t max_bytes, uint8_t **data, size_t *size)
{
	uint64_t want;

	if (raw_size < ZDEBUG_HEADER || memcmp(raw, ZDEBUG_MAGIC, sizeof(ZDEBUG_MAGIC) - 1))
		return -ENOEXEC;
	memcpy(&want, raw + sizeof(ZDEBUG_MAGIC) - 1, sizeof(want));
	return decompress(ELFCOMPRESS_ZLIB, raw + ZDEBUG_HEADER, raw_size - ZDEBUG_HEADER, be64toh(want), max_bytes,
		data,
			  size);
}

/* Runs the decoder to its end; *p grows by doubling, up to max_bytes. */
static int run_xz(lzma_stream *xz, size_t max_bytes, uint8_t **p)
{
	size_t room = max_bytes < XZ_FIRST ? max_bytes : XZ_FIRST;
	lzma_ret ret;

	*p = xmalloc(room + 1);
	xz->next_out = *p;
	xz->avail_out = room;
	for (;;) {
		ret = lzma_code(xz, LZMA_FINISH);
		if (ret == LZMA_STREAM_END)
			return 0;
		if (ret != LZMA_OK || xz->avail_out > 0)
			return -ENOEXEC;
		if (room == max_bytes)
			return -EFBIG;
		xz->avail_out = room < max_bytes - room ? room : max_bytes - room;
		*p = xrealloc_array(*p, room + xz->avail_out + 1, 1);
		xz->next_out = *p + room;
		room += xz->avail_out;
	}
}

int decompress_xz(const uint8_t *raw, size_t raw_size, size_t max_bytes, uint8_t **data, size_t *size)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	uint8_t *p = NULL;
	int err;

	if (lzma_stream_decoder(&xz, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return -ENOEXEC;
	xz.next_in = raw;
	xz.avail_in = raw_size;
	err = run_xz(&xz, max_bytes, &p);
	*size = (size_t)xz.total_out;
	lzma_end(&xz);
	if (err) {
		free(p);
		return err;
	}
	p[*size] = 0;
	*data = p;
	return 0;
}
