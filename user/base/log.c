/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static enum log_level log_level = LOG_NORMAL;
static FILE *log_stream;
static _Thread_local struct buf *caught;

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_verbose(void)
{
	return log_level >= LOG_VERBOSE;
}

void log_set_stream(FILE *f)
{
	log_stream = f;
}

void log_catch(struct buf *text)
{
	caught = text;
}

static void keep(const char *fmt, va_list ap)
{
	char *text;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0)
		return;
	if (caught->len)
		buf_char(caught, '\n');
	text_escape(caught, text, n);	/* so that a newline ends a message; printing escapes nothing twice */
	free(text);
}

/* One write a line, so that the lines of two processes on one terminal do not mix. errno stays as it was. */
static void say(const char *fmt, va_list ap)
{
	FILE *f = log_stream ? log_stream : stderr;
	int saved = errno, n;
	struct buf line = {0};
	char *text;

	n = vasprintf(&text, fmt, ap);
	if (n < 0)
		return;
	buf_str(&line, "alloctrace: ");
	text_escape(&line, text, n);
	buf_char(&line, '\n');
	if (!text_is_utf8())
		text_to_ascii(&line);
	fwrite(line.data, 1, line.len, f);
	fflush(f);
	free(text);
	buf_free(&line);
	errno = saved;
}

void log_caught(const struct buf *text)
{
	for (size_t at = 0, len; at < text->len; at += len + 1) {
		len = strcspn(text->data + at, "\n");
		fail(0, "%.*s", (int)len, text->data + at);
	}
}

int fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (caught)
		keep(fmt, ap);
	else
		say(fmt, ap);
	va_end(ap);
	return err;
}

void warn(const char *fmt, ...)
{
	va_list ap;

	if (log_level < LOG_NORMAL)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void note(const char *fmt, ...)
{
	va_list ap;

	if (log_level < LOG_VERBOSE)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}
