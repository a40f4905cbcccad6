// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/present.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/outfile.h"
#include "base/text.h"
#include "format/report.h"

struct present {
	const struct options *o;
	pid_t first_pid;	/* what %p stands for */
	char *last_path;	/* of the report before */
	struct outfile *file;	/* opened ahead; NULL: opened for each report */
	bool to_stderr;		/* the command owns stdout */
	size_t drawn;		/* lines on the terminal that the next refresh replaces */
};

static int open_file(struct present *r, struct outfile **file)
{
	char pid[16], *path = NULL;
	int err;

	if (!r->o->output)
		return outfile_open(NULL, file);
	snprintf(pid, sizeof(pid), "%d", (int)r->first_pid);
	err = outfile_expand(r->o->output, pid, time(NULL), &path);
	/* %t counts seconds: two reports of one second must not be one file. */
	while (!err && r->last_path && !strcmp(path, r->last_path) && options_output_has_time(r->o->output)) {
		usleep(10000);
		free(path);
		path = NULL;
		err = outfile_expand(r->o->output, pid, time(NULL), &path);
	}
	if (!err)
		err = outfile_open(path, file);
	free(r->last_path);
	r->last_path = path;
	return err;
}

int present_open(const struct options *o, pid_t first_pid, struct present **out)
{
	struct present *r = xcalloc(1, sizeof(*r));
	int err = 0;

	r->o = o;
	r->first_pid = first_pid;
	r->to_stderr = o->argv && !o->output;
	if (o->output && !o->interval_ns)
		err = open_file(r, &r->file);
	if (err) {
		present_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void present_close(struct present *r)
{
	if (!r)
		return;
	outfile_abort(r->file);
	free(r->last_path);
	free(r);
}

/* The size of the terminal that the report goes to; width 0 if it is none. */
static bool terminal_size(int fd, size_t *width, size_t *height)
{
	struct winsize ws;

	*width = *height = 0;
	if (!isatty(fd))
		return false;
	*width = 80;
	*height = 24;
	if (!ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_col > 0 && ws.ws_row > 0) {
		*width = ws.ws_col;
		*height = ws.ws_row;
	}
	return true;
}

/* On a terminal a refresh takes the place of the one before: rendered to memory first, to be drawn in one go. */
static int draw(struct present *r, FILE *f, const struct recording *rec, const struct report_options *ro)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);

	int err = mem ? r->o->format->write(mem, rec, ro) : -ENOMEM;

	if (mem && fclose(mem))
		err = -ENOMEM;
	if (err) {
		free(text);
		return fail(err, "cannot make a report: %s", strerror(-err));
	}
	if (r->drawn)
		fprintf(f, "\033[%zuA\r\033[J", r->drawn);
	fwrite(text, 1, len, f);
	fflush(f);
	r->drawn = rec->interval ? text_lines(text, len) : 0;
	free(text);
	return 0;
}

/* An error of the stream stays with it: outfile_commit() says it, with the file's name. */
static int write_report(struct present *r, struct outfile *file, const struct recording *rec, struct report_options *ro)
{
	FILE *f = r->to_stderr ? stderr : outfile_stream(file);
	bool terminal = terminal_size(fileno(f), &ro->width, &ro->height);
	size_t height = ro->height;

	ro->colour = terminal && !getenv("NO_COLOR") && (!getenv("TERM") || strcmp(getenv("TERM"), "dumb"));
	ro->height = rec->interval && height > 1 ? height - 1 : 0;
	if (terminal && !r->o->format->machine && (rec->interval || r->drawn))
		return draw(r, f, rec, ro);
	r->o->format->write(f, rec, ro);
	if (rec->interval && !r->o->format->machine)
		fputc('\n', f);
	return 0;
}

static void write_summary(const struct present *r, const struct recording *rec, struct report_options ro)
{
	if (!r->o->format->machine || r->o->quiet)
		return;
	terminal_size(STDERR_FILENO, &ro.width, &ro.height);
	ro.colour = false;
	report_summary(stderr, rec, &ro);
}

int present_write(struct present *r, const struct recording *rec, const struct rights *rights, bool *reader_gone)
{
	struct report_options ro = {
		.views = r->o->views, .by = r->o->by, .metric = r->o->metric, .cum = r->o->cum, .top = r->o->top,
		.list = r->o->list, .rights = rights, .source_path = r->o->source_path,
	};
	struct outfile *file = r->file;
	int err = 0;

	if (!file)
		err = open_file(r, &file);
	r->file = NULL;
	/* Nobody may wait for the disk while there is something to trace. */
	if (!err && rec->interval)
		outfile_no_sync(file);
	names_start(rec->names);
	if (!err)
		err = write_report(r, file, rec, &ro);
	if (err)
		outfile_abort(file);
	else
		err = outfile_commit(file);
	if (err == -EPIPE) {
		*reader_gone = true;
		err = 0;
	} else if (!err && !rec->interval) {
		write_summary(r, rec, ro);
	}
	return err;
}
