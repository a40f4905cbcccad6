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

/* One of the outputs. */
struct place {
	const struct output *output;
	struct outfile *file;	/* opened ahead; NULL: opened for each report */
};

struct present {
	const struct options *o;
	pid_t first_pid;	/* what %p stands for */
	time_t time;		/* what %t stands for: of one report, in the names of all its files */
	struct place places[OPTIONS_STRINGS_MAX];
	const struct recording *base;
	bool to_stderr;		/* the command owns stdout */
	size_t drawn;		/* lines on the terminal that the next refresh replaces */
};

static int open_file(const struct present *p, struct place *place)
{
	const char *pattern = place->output->pattern;
	char pid[16], *path = NULL;
	int err;

	if (!pattern)
		return outfile_open(NULL, &place->file);
	snprintf(pid, sizeof(pid), "%d", (int)p->first_pid);
	err = outfile_expand(pattern, pid, p->time, &path);
	if (!err)
		err = outfile_open(path, &place->file);
	free(path);
	return err;
}

static bool has_time(const struct present *p)
{
	for (size_t i = 0; i < p->o->n_outputs; i++)
		if (p->o->outputs[i].pattern && options_output_has_time(p->o->outputs[i].pattern))
			return true;
	return false;
}

/* %t counts seconds: two reports of one second must not be one file. */
static void set_time(struct present *p)
{
	time_t now = time(NULL);

	while (now == p->time && has_time(p)) {
		usleep(10000);
		now = time(NULL);
	}
	p->time = now;
}

int present_open(const struct options *o, pid_t first_pid, struct present **out)
{
	struct present *p = xcalloc(1, sizeof(*p));
	int err = 0;

	p->o = o;
	p->first_pid = first_pid;
	p->to_stderr = o->argv && !o->output[0];
	if (!o->interval_ns)
		set_time(p);
	for (size_t i = 0; i < o->n_outputs; i++) {
		p->places[i].output = &o->outputs[i];
		if (!err && o->outputs[i].pattern && !o->interval_ns)
			err = open_file(p, &p->places[i]);
	}
	if (err) {
		present_close(p);
		return err;
	}
	*out = p;
	return 0;
}

void present_compare(struct present *p, const struct recording *base)
{
	p->base = base;
}

void present_close(struct present *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->o->n_outputs; i++)
		outfile_abort(p->places[i].file);
	free(p);
}

bool present_terminal_size(int fd, size_t *width, size_t *height)
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
static int draw(struct present *p, FILE *f, const struct report_format *format, const struct recording *rec,
		const struct report_options *ro)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);

	int err = mem ? format->write(mem, rec, ro) : -ENOMEM;

	if (mem && fclose(mem))
		err = -ENOMEM;
	if (err) {
		free(text);
		return fail(err, "cannot write a report: %s", strerror(-err));
	}
	if (p->drawn)
		fprintf(f, "\033[%zuA\r\033[J", p->drawn);
	fwrite(text, 1, len, f);
	fflush(f);
	p->drawn = p->o->interval_ns && rec->interval ? text_lines(text, len) : 0;
	free(text);
	return 0;
}

/* An error of the stream stays with it: outfile_commit() logs it, with the file's name. */
static int write_to(struct present *p, struct place *place, const struct recording *rec, struct report_options *ro)
{
	const struct report_format *format = place->output->format;
	const bool refreshed = p->o->interval_ns && rec->interval;
	FILE *f = p->to_stderr ? stderr : outfile_stream(place->file);
	bool terminal = present_terminal_size(fileno(f), &ro->width, &ro->height);
	size_t height = ro->height;

	if (terminal && format->binary)
		return fail(-EINVAL, "--format %s cannot be written to a terminal: use --output FILE", format->name);
	ro->colour = terminal && !getenv("NO_COLOR") && (!getenv("TERM") || strcmp(getenv("TERM"), "dumb"));
	ro->height = refreshed && height > 1 ? height - 1 : 0;
	names_start(rec->names);
	if (p->base)
		names_start(p->base->names);
	if (terminal && !format->machine && (refreshed || p->drawn))
		return draw(p, f, format, rec, ro);
	format->write(f, rec, ro);
	if (refreshed && !format->machine)
		fputc('\n', f);
	return 0;
}

static int write_place(struct present *p, struct place *place, const struct recording *rec, struct report_options *ro)
{
	int err = place->file ? 0 : open_file(p, place);

	/* Nobody may wait for the disk while there is something to trace. */
	if (!err && p->o->interval_ns && rec->interval)
		outfile_no_sync(place->file);
	if (!err)
		err = write_to(p, place, rec, ro);
	if (err)
		outfile_abort(place->file);
	else
		err = outfile_commit(place->file);
	place->file = NULL;
	return err;
}

/* Beside what is for programs; once. */
static void write_summary(const struct present *p, const struct recording *rec, struct report_options ro)
{
	if (p->base)
		return;
	for (size_t i = 0; i < p->o->n_outputs; i++)
		if (!p->o->outputs[i].format->machine || p->o->outputs[i].format->facts)
			return;
	if (p->o->quiet || (p->o->interval_ns && rec->interval))
		return;
	present_terminal_size(STDERR_FILENO, &ro.width, &ro.height);
	ro.colour = false;
	report_summary(stderr, rec, &ro);
}

int present_write(struct present *p, const struct recording *rec, uint32_t views, const struct rights *rights,
		  bool *reader_gone)
{
	struct report_options ro = {
		.views = views, .by = p->o->by, .then = p->o->then, .metric = p->o->metric, .cum = p->o->cum,
		.top = p->o->top, .base = p->base,
		.peek = p->o->peek ? p->o->peek : p->o->callers ? p->o->callers : p->o->callees,
		.callers = !p->o->peek && p->o->callers, .callees = !p->o->peek && !p->o->callers && p->o->callees,
		.list = p->o->list, .rights = rights, .source_path = p->o->source_path,
	};
	bool gone = false;
	int err = 0;

	if (p->o->interval_ns)
		set_time(p);
	for (size_t i = 0; i < p->o->n_outputs && !err; i++) {
		err = write_place(p, &p->places[i], rec, &ro);
		gone |= err == -EPIPE;
		err = err == -EPIPE ? 0 : err;
	}
	*reader_gone |= gone;
	if (!err && !gone)
		write_summary(p, rec, ro);
	return err;
}
