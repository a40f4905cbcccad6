/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/gzip.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define PIECE 65536
#define LEVEL 6
#define GZIP_FORMAT 16		/* added to the window's bits (zlib.h, deflateInit2 and inflateInit2) */

int gzip_write(FILE *f, const void *data, size_t size)
{
	unsigned char piece[PIECE] = {0};
	z_stream z = {.next_in = (unsigned char *)data};
	int state = Z_OK, err = 0;

	/* The header that zlib writes has no time and no name. */
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	while (!err && state != Z_STREAM_END) {
		if (!z.avail_in) {
			z.avail_in = size < (1U << 30) ? size : 1U << 30;
			size -= z.avail_in;
		}
		z.next_out = piece;
		z.avail_out = sizeof(piece);
		state = deflate(&z, size ? Z_NO_FLUSH : Z_FINISH);
		errno = 0;
		if (fwrite(piece, 1, sizeof(piece) - z.avail_out, f) != sizeof(piece) - z.avail_out)
			err = errno ? -errno : -EIO;
	}
	deflateEnd(&z);
	return err;
}

struct source {
	FILE *f;
	unsigned char piece[PIECE];
};

/* The next bytes of the file; 0 at its end. */
static int refill(struct source *s, z_stream *z)
{
	errno = 0;
	z->next_in = s->piece;
	z->avail_in = fread(s->piece, 1, sizeof(s->piece), s->f);
	return ferror(s->f) ? (errno ? -errno : -EIO) : 0;
}

static int add(struct buf *out, const void *data, size_t size, size_t most)
{
	if (size > most || out->len > most - size)
		return -EFBIG;
	buf_add(out, data, size);
	return 0;
}

static int read_plain(struct source *s, z_stream *z, size_t most, struct buf *out)
{
	int err = 0;

	while (!err && z->avail_in) {
		err = add(out, z->next_in, z->avail_in, most);
		if (!err)
			err = refill(s, z);
	}
	return err;
}

static int read_members(struct source *s, z_stream *z, size_t most, struct buf *out)
{
	unsigned char piece[PIECE];
	int state = Z_STREAM_END, err = 0;

	while (!err) {
		if (!z->avail_in) {
			err = refill(s, z);
			if (err || !z->avail_in)
				break;
		}
		if (state == Z_STREAM_END)
			inflateReset(z);
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		state = inflate(z, Z_NO_FLUSH);
		if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
			return -EBADMSG;
		err = add(out, piece, sizeof(piece) - z->avail_out, most);
	}
	return err ? err : state == Z_STREAM_END ? 0 : -EBADMSG;
}

int gzip_read(FILE *f, size_t most, struct buf *out)
{
	struct source s = {.f = f};
	z_stream z = {0};
	int err;

	if (inflateInit2(&z, MAX_WBITS + GZIP_FORMAT) != Z_OK)
		return -ENOMEM;
	err = refill(&s, &z);
	if (!err && z.avail_in >= 2 && z.next_in[0] == 0x1f && z.next_in[1] == 0x8b)
		err = read_members(&s, &z, most, out);
	else if (!err)
		err = read_plain(&s, &z, most, out);
	inflateEnd(&z);
	return err;
}
