/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "base/parse.h"
#include "base/text.h"
#include "options_table.h"

#define MAX_ROWS 63	/* bits of parser.given, and room for getopt's tables */
#define FIRST_LONG 256	/* what getopt_long returns for row 0; above every letter */

struct parser {
	struct options *o;
	uint64_t given;		/* bit i: row i was on the command line */
	char letters[2 * MAX_ROWS + 3];
	struct option longs[MAX_ROWS + 1];
};

static int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int usage_error(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	fail(-EINVAL, "%s (see alloctrace --help)", text);
	free(text);
	return -EINVAL;
}

static int parse_value(enum option_kind kind, const char *s, uint64_t *out)
{
	switch (kind) {
	case OPTION_SIZE:
		return parse_size(s, out);
	case OPTION_TIME:
		return parse_duration(s, out);
	default:
		return parse_u64(s, out);
	}
}

static const char *kind_name(enum option_kind kind)
{
	return kind == OPTION_SIZE ? "size" : kind == OPTION_TIME ? "time" : "number";
}

static int set_value(const struct option_row *row, const char *arg, uint64_t *to)
{
	const char *what = row->power_of_two ? "power of two" : kind_name(row->kind);
	uint64_t least = 0, most = 0, v = 0;
	int err = parse_value(row->kind, arg, &v);

	parse_value(row->kind, row->least, &least);
	parse_value(row->kind, row->most, &most);
	if (err == -EINVAL)
		return usage_error("--%s %s is not a %s; a %s from %s to %s is accepted", row->name, arg,
				   kind_name(row->kind), what, row->least, row->most);
	if (err || v < least || v > most || (row->power_of_two && (v & (v - 1))))
		return usage_error("--%s %s is not a %s from %s to %s", row->name, arg, what, row->least, row->most);
	*to = v;
	return 0;
}

static int set_choice(const struct option_row *row, const char *arg, struct options *o)
{
	const struct choice *c;
	struct buf names = {0};

	for (size_t i = 0; (c = option_choice(row, i)); i++) {
		if (!strcmp(c->name, arg)) {
			row->set_choice(o, i);
			return 0;
		}
	}
	option_choice_names(row, ", ", &names);
	usage_error("--%s %s is unknown; one of %s is accepted", row->name, arg, buf_cstr(&names));
	buf_free(&names);
	return -EINVAL;
}

static int add_string(const struct option_row *row, const char *arg, const char **to)
{
	size_t n = 0;

	while (to[n])
		n++;
	if (!*arg)
		return usage_error("--%s needs a %s that is not empty", row->name, row->arg);
	if (n == OPTIONS_STRINGS_MAX)
		return usage_error("--%s is given more than %d times", row->name, OPTIONS_STRINGS_MAX);
	to[n] = arg;
	return 0;
}

static int set_option(const struct option_row *row, const char *arg, struct options *o)
{
	void *to = (char *)o + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return 0;
	case OPTION_FLAG_OFF:
		*(bool *)to = false;
		return 0;
	case OPTION_STRINGS:
		return add_string(row, arg, to);
	case OPTION_STRING:
		if (!*arg)
			return usage_error("--%s needs a %s that is not empty", row->name, row->arg);
		*(const char **)to = arg;
		return 0;
	case OPTION_CHOICE:
		return set_choice(row, arg, o);
	default:
		return set_value(row, arg, to);
	}
}

static void set_defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->max_size = UINT64_MAX;
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->fallback)
			set_option(row, row->fallback, o);
}

/* What getopt_long wants: "+" ends the options at the first other word, ":" tells a missing argument apart. */
static void make_getopt_tables(struct parser *p)
{
	char *at = p->letters;
	size_t i;

	*at++ = '+';
	*at++ = ':';
	for (i = 0; option_rows[i].name && i < MAX_ROWS; i++) {
		const struct option_row *row = &option_rows[i];

		p->longs[i] = (struct option){
			row->name, row->arg ? required_argument : no_argument, NULL, FIRST_LONG + i
		};
		if (!row->letter)
			continue;
		*at++ = row->letter;
		if (row->arg)
			*at++ = ':';
	}
	*at = '\0';
	p->longs[i] = (struct option){0};
}

/* The row of what getopt_long returned, or of its optopt; -1: none. */
static int row_of(int c)
{
	for (int i = 0; option_rows[i].name; i++)
		if (c == FIRST_LONG + i || (c && c == option_rows[i].letter))
			return i;
	return -1;
}

/* getopt_long takes a beginning of a name if it is the beginning of no other. */
static bool begins_a_name(const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct option_row *row = option_rows; row->name; row++)
		if (len > 2 && !strncmp(row->name, word + 2, len - 2))
			return true;
	return false;
}

/* getopt_long found no option: c is '?' or ':'. word: what it looked at. */
static int bad_option(int c, const char *word)
{
	int i = row_of(optopt);

	if (c == ':' && i >= 0)
		return usage_error("--%s needs a %s", option_rows[i].name, option_rows[i].arg);
	if (i >= 0)	/* only "--flag=value" is left */
		return usage_error("--%s takes no value: %s", option_rows[i].name, word);
	if (optopt)
		return usage_error("unknown option -%c", optopt);
	return usage_error("%s option %s", begins_a_name(word) ? "ambiguous" : "unknown", word);
}

/* 0, 1 (something else is to be printed) or -EINVAL. *at is where the words that are no options begin; *dashes tells
 * that "--" came before them. */
static int read_options(struct parser *p, int argc, char **argv, int *at, bool *dashes)
{
	optind = 0;	/* glibc: start over */
	opterr = 0;
	for (;;) {
		int before = optind ? optind : 1;
		int c = getopt_long(argc, argv, p->letters, p->longs, NULL), i, err;

		if (c == -1) {
			*at = optind;
			*dashes = optind > before;
			return 0;
		}
		if (c == '?' || c == ':')
			return bad_option(c, argv[optind - 1]);
		i = row_of(c);
		if (option_rows[i].offset == offsetof(struct options, pids) && p->o->pids)
			return usage_error("--pid is given twice; put commas between: -p %s,%s", p->o->pids, optarg);
		err = set_option(&option_rows[i], optarg, p->o);
		if (err)
			return err;
		p->given |= 1ULL << i;
		if (p->o->help || p->o->version || p->o->generate)
			return 1;
	}
}

static int print_instead(const struct options *o)
{
	struct outfile *out;
	int err = outfile_open(NULL, &out);
	FILE *f;

	if (err)
		return err;
	signal(SIGPIPE, SIG_IGN);	/* the reader of --help | head has seen enough; that is told by -EPIPE */
	f = outfile_stream(out);
	if (o->help)
		options_help(f);
	else if (o->version)
		fprintf(f, "alloctrace %s\n", ALLOCTRACE_VERSION);
	else if (o->generate == GENERATE_MAN)
		options_man(f);
	else
		options_completion(f);
	err = outfile_commit(out);
	return err && err != -EPIPE ? err : 1;
}

bool options_output_has_time(const char *pattern)
{
	for (const char *p = pattern; (p = strchr(p, '%')) && p[1]; p += 2)
		if (p[1] == 't')
			return true;
	return false;
}

static int check_output(const struct options *o)
{
	char *path;
	int err = outfile_expand(o->output, "1", 0, &path);

	if (!err)
		free(path);
	return err;
}

static int check_list(struct options *o)
{
	regex_t regex;
	char why[256];
	int err;

	if (!o->list)
		return 0;
	if (o->format->machine)
		return usage_error("--list shows source, which --format %s has no place for", o->format->name);
	err = regcomp(&regex, o->list, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &regex, why, sizeof(why));
		return usage_error("--list %s is no regular expression: %s", o->list, why);
	}
	regfree(&regex);
	o->format = &report_format_list;
	return 0;
}

static int check_report(struct options *o)
{
	int err = check_list(o);

	if (err)
		return err;
	if (o->min_size > o->max_size)
		return usage_error("--min-size %llu is above --max-size %llu: nothing would be counted",
				   (unsigned long long)o->min_size, (unsigned long long)o->max_size);
	if (o->cum && !o->by->has_cum)
		return usage_error("--cum has no meaning with --by %s", o->by->name);
	if (o->quiet && o->verbose)
		return usage_error("--quiet and --verbose contradict each other");
	return o->output ? check_output(o) : 0;
}

static int check_time(const struct options *o)
{
	struct buf d = {0}, i = {0};

	if (o->delta && !o->interval_ns)
		return usage_error("--delta needs --interval TIME");
	if (o->duration_ns && o->interval_ns > o->duration_ns) {
		text_duration(&d, o->duration_ns);
		text_duration(&i, o->interval_ns);
		usage_error("--interval %s is longer than --duration %s", i.data, d.data);
		buf_free(&d);
		buf_free(&i);
		return -EINVAL;
	}
	if (o->interval_ns && o->format->machine && !(o->output && options_output_has_time(o->output)))
		return usage_error("--interval with --format %s needs a file for each interval: --output FILE with "
				   "%%t in its name", o->format->name);
	return 0;
}

static bool is_number(const char *s)
{
	uint64_t n;

	return !parse_u64(s, &n);
}

static int check_target(const struct options *o)
{
	if (o->pids && o->argv && is_number(o->argv[0]))
		return usage_error("--pid %s and a command, %s; for two processes put a comma between: -p %s,%s",
				   o->pids, o->argv[0], o->pids, o->argv[0]);
	if (o->pids && o->argv)
		return usage_error("--pid %s and a command, %s: give one of them", o->pids, o->argv[0]);
	if (!o->pids && !o->argv) {
		fail(-EINVAL, "nothing to trace: give -p PID or a command (see alloctrace --help)");
		fail(-EINVAL, "usage: alloctrace %s", command_rows[0].usage);
		return -EINVAL;
	}
	return 0;
}

/* `check` and what follows it: options again, and nothing else. */
static int read_check(struct parser *p, int argc, char **argv)
{
	int at, err;
	bool dashes;

	p->o->command = COMMAND_CHECK;
	err = read_options(p, argc, argv, &at, &dashes);
	if (err)
		return err;
	if (at < argc)
		return usage_error("check takes no argument %s; a program called check is traced by: "
				   "alloctrace -- check", argv[at]);
	for (int i = 0; option_rows[i].name; i++)
		if (p->given >> i & 1 && !option_rows[i].in_check)
			return usage_error("check does not take --%s", option_rows[i].name);
	return check_report(p->o);
}

static const struct command_row *find_command(const char *name)
{
	for (size_t i = 0; i < n_command_rows; i++)
		if (command_rows[i].name && !strcmp(command_rows[i].name, name))
			return &command_rows[i];
	return NULL;
}

static int read_command_line(struct parser *p, int argc, char **argv)
{
	struct options *o = p->o;
	bool dashes;
	int at, err = read_options(p, argc, argv, &at, &dashes);

	if (err)
		return err;
	if (at < argc && !dashes && find_command(argv[at]))
		return read_check(p, argc - at, argv + at);
	if (at < argc)
		o->argv = argv + at;
	err = check_target(o);
	if (!err)
		err = check_time(o);
	return err ? err : check_report(o);
}

int options_parse(int argc, char **argv, struct options *o)
{
	struct parser p = { .o = o };
	int err;

	set_defaults(o);
	make_getopt_tables(&p);
	err = read_command_line(&p, argc, argv);
	return err == 1 ? print_instead(o) : err;
}
