/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside view/: the headings of view_kinds[]. Each appends what view_kind.heading says. */
#ifndef ALLOCTRACE_VIEW_HEADINGS_H
#define ALLOCTRACE_VIEW_HEADINGS_H

#include "view/sheet.h"

void heading_alloc(const struct sheet *s, struct buf *out);
void heading_rss(const struct sheet *s, struct buf *out);
void heading_mapped(const struct sheet *s, struct buf *out);
void heading_mappings(const struct sheet *s, struct buf *out);
void heading_live(const struct sheet *s, struct buf *out);
void heading_leaks(const struct sheet *s, struct buf *out);
void heading_peak(const struct sheet *s, struct buf *out);
void heading_temp(const struct sheet *s, struct buf *out);
void heading_lifetimes(const struct sheet *s, struct buf *out);
void heading_sizes(const struct sheet *s, struct buf *out);
void heading_since_mark(const struct sheet *s, struct buf *out);

#endif
