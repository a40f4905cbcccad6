/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help and the completion for bash, made from the option table. */
#include "cli/options_table.h"

#include <string.h>

#define SECTION_COLUMNS 8
#define SPELLING_COLUMNS 23
#define TEXT_COLUMNS (80 - SECTION_COLUMNS - SPELLING_COLUMNS)

/*
 *     Time    -d, --duration TIME   stop after TIME: 10s, 1m30s, 250ms; 10 is seconds
 *             -i, --interval TIME   report every TIME (refreshed in place on a tty)
 *
 * The section stands beside its first option, so that everything fits a screen of 24 lines.
 */
/* As many choices as leave room for so many columns more; the man page has all. */
static void put_choices(FILE *f, const struct option_row *row, size_t more)
{
	static const char cut[] = "|...";
	struct buf names = {0};
	size_t len;

	option_choice_names(row, "|", &names);
	len = names.len;
	while (len + more > TEXT_COLUMNS - (len < names.len ? sizeof(cut) - 1 : 0) && len > 1)
		for (len--; len > 1 && names.data[len] != '|';)
			len--;
	fprintf(f, "%.*s%s", (int)len, buf_cstr(&names), len < names.len ? cut : "");
	buf_free(&names);
}

static void help_row(FILE *f, const struct option_row *row, bool first)
{
	struct buf spelling = {0}, rest = {0};
	const char *mark = strstr(row->help, "%s");

	if (row->letter)
		buf_printf(&spelling, "-%c, ", row->letter);
	else
		buf_str(&spelling, "    ");
	buf_printf(&spelling, "--%s%s%s", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
	fprintf(f, "%-*s%-*s", SECTION_COLUMNS, first ? option_sections[row->section] : "", SPELLING_COLUMNS,
		spelling.data);
	buf_str(&rest, mark ? mark + 2 : row->help);
	if (row->fallback)
		buf_printf(&rest, " [%s]", row->fallback);
	if (mark) {
		fprintf(f, "%.*s", (int)(mark - row->help), row->help);
		put_choices(f, row, (size_t)(mark - row->help) + rest.len);
	}
	fputs(buf_cstr(&rest), f);
	fputc('\n', f);
	buf_free(&spelling);
	buf_free(&rest);
}

void options_help(FILE *f)
{
	int section = -1;

	for (size_t i = 0; i < n_commands; i++)
		if (commands[i].usage)
			fprintf(f, "%s%s%s%s%s%s", commands[i].joined ? " | " : i ? "\n       " : "Usage: ",
				commands[i].joined ? "" : "alloctrace ", commands[i].name ? commands[i].name : "",
				commands[i].name ? " " : "", commands[i].usage, i + 1 < n_commands ? "" : "\n");
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->section == SECTION_HIDDEN || row->man_only)
			continue;
		help_row(f, row, (int)row->section != section);
		section = row->section;
	}
}

/* The parts of the completion that depend on no option. */
static const char completion_head[] =
	"# bash completion for alloctrace, made from its option table\n"
	"_alloctrace_pids()\n"
	"{\n"
	"\t# LIST is PIDs and names with commas between: only what follows the last comma is completed.\n"
	"\tlocal head=\"\" tail=$1\n"
	"\tif [[ $1 == *,* ]]; then head=${1%,*},; tail=${1##*,}; fi\n"
	"\tmapfile -t COMPREPLY < <(compgen -P \"$head\" -W \"$(ps -eo pid=,comm= 2>/dev/null |\n"
	"\t\tawk '{ print $1; if ($2 ~ /^[A-Za-z0-9_.+-]+$/) print $2 }')\" -- \"$tail\")\n"
	"}\n"
	"\n"
	"_alloctrace()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i word sub=\"\" own=\"\"\n"
	"\tCOMPREPLY=()\n"
	"\t# --option=value comes as three words.\n"
	"\tif [[ $cur == \"=\" ]]; then\n"
	"\t\tcur=\"\"\n"
	"\telif [[ $prev == \"=\" ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\tfi\n";

static const char completion_command[] =
	"\t# Behind the first word that is no option and no option's value, the command's own completion takes over.\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t--) ((i++)); break ;;\n";

static const char completion_tail[] =
	"\t\t-*) ;;\n"
	"\t\t*) break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif ((i < COMP_CWORD)) && [[ -z $own ]]; then\n"
	"\t\tif declare -F _command_offset >/dev/null; then\n"
	"\t\t\t_command_offset \"$i\"\n"
	"\t\telse\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\tfi\n"
	"\t\treturn\n"
	"\tfi\n";

static void print_spellings(FILE *f, const struct option_row *row, const char *between)
{
	if (row->letter)
		fprintf(f, "-%c%s", row->letter, between);
	fprintf(f, "--%s", row->name);
}

static void completion_of_value(FILE *f, const struct option_row *row)
{
	struct buf names = {0};

	fputs("\t", f);
	print_spellings(f, row, "|");
	if (row->choices) {
		option_choice_names(row, " ", &names);
		fprintf(f, ")\n\t\tmapfile -t COMPREPLY < <(compgen -W \"%s\" -- \"$cur\"); return ;;\n",
			buf_cstr(&names));
		buf_free(&names);
	} else if (row->offset == offsetof(struct options, pids)) {
		fputs(")\n\t\t_alloctrace_pids \"$cur\"; return ;;\n", f);
	} else if (row->kind == OPTION_STRING || row->kind == OPTION_STRINGS) {
		fputs(")\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n", f);
	} else {
		fputs(")\n\t\treturn ;;\n", f);
	}
}

/* "\t-d|--duration|-i|--interval" : every option that takes a value as its next word. */
static void print_valued(FILE *f)
{
	const char *between = "\t\t";

	for (const struct option_row *row = option_rows; row->name; row++) {
		if (!row->arg || row->section == SECTION_HIDDEN)
			continue;
		fputs(between, f);
		print_spellings(f, row, "|");
		between = "|";
	}
	fputs(") ((i++)); if [[ ${COMP_WORDS[i]} == \"=\" ]]; then ((i++)); fi ;;\n", f);
}

static void print_words(FILE *f, const struct command *c)
{
	for (const struct option_row *row = option_rows; row->name; row++) {
		if (row->section == SECTION_HIDDEN || !option_is_for(row, c))
			continue;
		print_spellings(f, row, " ");
		fputc(' ', f);
	}
}

/* A command that launches a program reads on; what follows another one's name are its own words. */
static void print_commands(FILE *f)
{
	for (size_t i = 0; i < n_commands; i++)
		if (commands[i].name && commands[i].operands == OPERANDS_PROGRAM)
			fprintf(f, "\t\t%s) if [[ -n $sub ]]; then break; fi; sub=$word ;;\n", commands[i].name);
		else if (commands[i].name)
			fprintf(f, "\t\t%s) if [[ -z $sub ]]; then sub=$word own=$word; fi; break ;;\n",
				commands[i].name);
}

/* The words of the command in $own: its options, and files where it takes them. */
static void print_own_words(FILE *f)
{
	fputs("\tcase $own in\n", f);
	for (size_t i = 0; i < n_commands; i++) {
		if (!commands[i].name || commands[i].operands == OPERANDS_PROGRAM)
			continue;
		fprintf(f, "\t%s)\n\t\tmapfile -t COMPREPLY < <(compgen ", commands[i].name);
		if (commands[i].operands == OPERANDS_FILES)
			fputs("-f -- \"$cur\")\n\t\tif [[ $cur != -* ]]; then return; fi\n"
			      "\t\tmapfile -t COMPREPLY < <(compgen ", f);
		fputs("-W \"", f);
		print_words(f, &commands[i]);
		fputs("\" -- \"$cur\"); return ;;\n", f);
	}
	fputs("\tesac\n", f);
}

void options_completion(FILE *f)
{
	fputs(completion_head, f);
	fputs(completion_command, f);
	print_commands(f);
	print_valued(f);
	fputs(completion_tail, f);
	fputs("\tcase $prev in\n", f);
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->arg && row->section != SECTION_HIDDEN)
			completion_of_value(f, row);
	fputs("\tesac\n", f);
	print_own_words(f);
	fputs("\tif [[ $cur == -* ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W \"", f);
	print_words(f, &commands[0]);
	fputs("\" -- \"$cur\")\n\telif [[ -n $sub ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	      "\telse\n\t\tmapfile -t COMPREPLY < <(compgen -W \"", f);
	for (size_t i = 0; i < n_commands; i++)
		if (commands[i].name)
			fprintf(f, "%s ", commands[i].name);
	fputs("\" -c -- \"$cur\")\n\tfi\n}\ncomplete -o filenames -F _alloctrace alloctrace\n", f);
}
