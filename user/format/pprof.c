/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording: a gzipped pprof profile, which `alloctrace report` and go tool pprof read. */
#include "format/render.h"
#include "record/record.h"

int report_write_pprof(FILE *f, const struct recording *r, const struct report_options *o)
{
	return render_end(f, record_write(f, r, __builtin_ctz(o->views), o->metric));
}
