/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What options that have choices choose from, and what their choices set. Inside options*.c only. */
/* Part of cli/options_table.h. */
#ifndef ALLOCTRACE_CLI_OPTIONS_CHOICES_H
#define ALLOCTRACE_CLI_OPTIONS_CHOICES_H

#include "cli/options_table.h"

/* Each ends with a NULL name. */
extern const struct choice option_metric_choices[];
extern const struct choice option_sort_choices[];
extern const struct choice option_attach_choices[];
extern const struct choice option_unwind_choices[];
extern const struct choice option_normalize_choices[];
extern const struct choice option_bench_choices[];
extern const struct choice option_generate_choices[];

/* i: the row of the table that the option has (option_rows[]). */
void option_set_metric(struct options *o, size_t i);
void option_set_sort(struct options *o, size_t i);
void option_add_view(struct options *o, size_t i);
void option_set_by(struct options *o, size_t i);
void option_set_then(struct options *o, size_t i);
void option_set_normalize(struct options *o, size_t i);
void option_set_format(struct options *o, size_t i);
void option_set_attach(struct options *o, size_t i);
void option_set_unwind(struct options *o, size_t i);
void option_set_bench(struct options *o, size_t i);
void option_set_generate(struct options *o, size_t i);

#endif
