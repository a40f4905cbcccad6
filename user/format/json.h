/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: what reports in JSON are made of. */
/* Part of format/report.h. */
#ifndef ALLOCTRACE_FORMAT_JSON_H
#define ALLOCTRACE_FORMAT_JSON_H

#include "base/jsonout.h"
#include "format/render.h"

/* Of doc/formats.md. It grows when a key changes its meaning or goes, not when one is added. */
#define JSON_REPORT_VERSION 1

/* A name as every format has it, and as it is in recordings: escaped so that nothing in it controls a terminal. */
void json_put_name(struct json_out *j, const char *key, const char *name);
/* {"bytes":512,"bytes_error":12.5,"calls":3}; no errors where the numbers are exact. */
void json_put_counters(struct json_out *j, const char *key, const struct recording *r, struct counters c);
/* What the summary says, as an object: what was traced, lost, left out, estimated, what it cost. */
void json_put_facts(struct json_out *j, const char *key, const struct recording *r, const struct report_options *o);

#endif
