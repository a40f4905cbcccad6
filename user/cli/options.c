/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/options_table.h"

#define FIRST_LONG 256	/* what getopt_long returns for row 0; above every letter */

struct parser {
	struct options *o;
	options_given given;
	char letters[2 * OPTIONS_MAX + 3];
	struct option longs[OPTIONS_MAX + 1];
	char **files;		/* room for as many as there are words, and a NULL */
};

int option_error(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
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

/* ", or auto" */
static const char *or_word(const struct option_row *row, char *room, size_t size)
{
	snprintf(room, size, "%s%s", row->word ? ", or " : "", row->word ? row->word : "");
	return room;
}

static int set_value(const struct option_row *row, const char *arg, uint64_t *to)
{
	char word[32];
	const char *what = row->power_of_two ? "power of two" : kind_name(row->kind);
	uint64_t least = 0, most = 0, v = 0;
	int err;

	*to = 0;
	if (row->word && !strcmp(arg, row->word))
		return 0;
	err = parse_value(row->kind, arg, &v);
	parse_value(row->kind, row->least, &least);
	parse_value(row->kind, row->most, &most);
	or_word(row, word, sizeof(word));
	if (err == -EINVAL)
		return option_error("--%s %s is not a %s; a %s from %s to %s%s is accepted", row->name, arg,
				    kind_name(row->kind), what, row->least, row->most, word);
	if (err || v < least || v > most || (row->power_of_two && (v & (v - 1))))
		return option_error("--%s %s is not a %s from %s to %s%s", row->name, arg, what, row->least, row->most,
				   word);
	*to = v;
	return 0;
}

/* Digits and one point, whatever the locale: strtod() alone takes more than that. */
static int set_decimal(const struct option_row *row, const char *arg, double *to)
{
	size_t digits = strspn(arg, "0123456789"), rest = digits;
	char word[32];
	double v;

	*to = 0;
	if (row->word && !strcmp(arg, row->word))
		return 0;
	if (arg[rest] == '.')
		rest += 1 + strspn(arg + rest + 1, "0123456789");
	v = strtod(arg, NULL);
	if (row->kind == OPTION_PERCENT && !strcmp(arg + rest, "%"))
		rest++;
	if (!digits || arg[rest] || v < strtod(row->least, NULL) || v > strtod(row->most, NULL))
		return option_error("--%s %s is not a %s from %s to %s%s", row->name, arg,
				    row->kind == OPTION_PERCENT ? "percentage" : "number", row->least, row->most,
				    or_word(row, word, sizeof(word)));
	*to = v;
	return 0;
}

/* arg: its first len bytes. */
static int set_choice(const struct option_row *row, const char *arg, size_t len, struct options *o,
		      void (*set)(struct options *o, size_t i))
{
	const struct choice *c;
	struct buf names = {0};

	for (size_t i = 0; (c = option_choice(row, i)); i++) {
		if (strlen(c->name) == len && !strncmp(c->name, arg, len)) {
			set(o, i);
			return 0;
		}
	}
	option_choice_names(row, ", ", &names);
	option_error("--%s %.*s is unknown; one of %s is accepted%s", row->name, (int)len, arg, buf_cstr(&names),
		     row->letter == 'f' && strchr(arg, '.') ? ": a recording is named without an option" : "");
	buf_free(&names);
	return -EINVAL;
}

static int set_choices(const struct option_row *row, const char *arg, struct options *o)
{
	int err;

	for (;; arg++) {
		size_t len = strcspn(arg, ",");

		err = set_choice(row, arg, len, o, row->set_choice);
		arg += len;
		if (err || !*arg)
			return err;
	}
}

static int set_pair(const struct option_row *row, const char *arg, struct options *o)
{
	const size_t len = strcspn(arg, ",");
	int err;

	if (arg[len] && strchr(arg + len + 1, ','))
		return option_error("--%s %s: it takes one or two", row->name, arg);
	err = set_choice(row, arg, len, o, row->set_choice);
	if (err || !arg[len])
		return err;
	return set_choice(row, arg + len + 1, strlen(arg + len + 1), o, row->set_second);
}

static int add_string(const struct option_row *row, const char *arg, const char **to)
{
	size_t n = 0;

	while (to[n])
		n++;
	if (!*arg)
		return option_error("--%s needs a non-empty %s", row->name, row->arg);
	if (n == OPTIONS_STRINGS_MAX)
		return option_error("--%s is given more than %d times", row->name, OPTIONS_STRINGS_MAX);
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
			return option_error("--%s needs a non-empty %s", row->name, row->arg);
		*(const char **)to = arg;
		return 0;
	case OPTION_CHOICE:
		return set_choice(row, arg, strlen(arg), o, row->set_choice);
	case OPTION_CHOICES:
		return set_choices(row, arg, o);
	case OPTION_PAIR:
		return set_pair(row, arg, o);
	case OPTION_PERCENT:
	case OPTION_DECIMAL:
		return set_decimal(row, arg, to);
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
	for (i = 0; option_rows[i].name && i < OPTIONS_MAX; i++) {
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
		return option_error("--%s needs a %s", option_rows[i].name, option_rows[i].arg);
	if (i >= 0)	/* only "--flag=value" is left */
		return option_error("--%s takes no value: %s", option_rows[i].name, word);
	if (optopt)
		return option_error("unknown option -%c", optopt);
	return option_error("%s option %s", begins_a_name(word) ? "ambiguous" : "unknown", word);
}

/* What others mean by an option that a command of ours does not take. */
static const char *hint_of(const struct command *c, const struct option_row *row)
{
	if (c->bit != FOR_REPORT)
		return "";
	if (row->letter == 'i')
		return ": recordings are named without an option: alloctrace report FILE";
	if (row->letter == 'd')
		return ": to select by file, use --focus FILE, or --by module";
	return "";
}

static int refuse_option(const struct command *c, const struct option_row *row)
{
	return option_error("%s%sdoes not take --%s%s", c->name ? c->name : "tracing ", c->name ? " " : "", row->name,
			    hint_of(c, row));
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
			return option_error("--pid is given twice; separate the items by commas: -p %s,%s",
					    p->o->pids, optarg);
		/* Before its value is looked at: what another program takes may be none. */
		if (p->o->command && !option_is_for(&option_rows[i], p->o->command))
			return refuse_option(p->o->command, &option_rows[i]);
		err = set_option(&option_rows[i], optarg, p->o);
		if (err)
			return err;
		p->given |= (options_given)1 << i;
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

/* Options of another command are none of this one. */
static int check_options(const struct parser *p)
{
	const struct command *c = p->o->command;

	for (int i = 0; option_rows[i].name; i++)
		if (p->given >> i & 1 && !option_is_for(&option_rows[i], c))
			return refuse_option(c, &option_rows[i]);
	return 0;
}

static int refuse_operand(const struct command *c, const char *word)
{
	return option_error("%s takes no argument %s; to trace a program called %s: alloctrace -- %s", c->name, word,
			   c->name, c->name);
}

/* What follows the command's name: files with options between them, or options alone. */
static int read_files(struct parser *p, int argc, char **argv)
{
	const struct command *c = p->o->command;
	int n = 0, at, err = 0;
	bool dashes = false;

	while (!err && argc > 1) {
		err = read_options(p, argc, argv, &at, &dashes);
		if (err || at >= argc)
			break;
		if (c->operands == OPERANDS_NONE)
			return refuse_operand(c, argv[at]);
		/* Between two lists of files it separates them, and ends no options. */
		if (dashes && c->bit == FOR_DIFF && n && !p->o->files_before) {
			p->o->files_before = n;
			dashes = false;
		}
		do
			p->files[n++] = argv[at++];
		while (dashes && at < argc);
		argc -= at - 1;
		argv += at - 1;
	}
	p->files[n] = NULL;
	p->o->files = p->files;
	if (!err && c->operands == OPERANDS_FILES && !n)
		return option_error("%s needs a file", c->name);
	return err;
}

static int read_command_line(struct parser *p, int argc, char **argv)
{
	struct options *o = p->o;
	const struct command *named;
	bool dashes;
	int at, err = read_options(p, argc, argv, &at, &dashes);

	o->command = &commands[0];
	if (err)
		return err;
	named = at < argc && !dashes ? command_find(argv[at]) : NULL;
	if (named) {
		o->command = named;
		argc -= at;
		argv += at;
		if (named->operands == OPERANDS_PROGRAM)
			err = read_options(p, argc, argv, &at, &dashes);
		else
			err = read_files(p, argc, argv);
	}
	if (!err && o->command->operands == OPERANDS_PROGRAM && at < argc)
		o->argv = argv + at;
	if (!err)
		err = check_options(p);
	return err ? err : o->command->check(o, p->given);
}

int options_parse(int argc, char **argv, struct options *o)
{
	struct parser p = { .o = o };
	int err;

	p.files = xcalloc(argc + 1, sizeof(*p.files));
	set_defaults(o);
	make_getopt_tables(&p);
	err = read_command_line(&p, argc, argv);
	if (!o->files)
		free(p.files);
	return err == 1 ? print_instead(o) : err;
}
