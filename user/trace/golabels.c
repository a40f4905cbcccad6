// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/golabels.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/profile.h"

#define CUT "\u2026"
#define OURS "labels"	/* key of what we have to say */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Padded with zeros, so that a key comes before the longer ones that begin with it. */
static int compare_labels(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	int c = memcmp(x->key, y->key, sizeof(x->key));

	return c ? c : memcmp(x->value, y->value, sizeof(x->value));
}

static void put_text(const char *text, uint32_t len, uint32_t room, struct buf *out)
{
	text_escape(out, text, least(len, room));
	if (len > room)
		buf_str(out, CUT);
}

void golabels_text(const struct label_set *set, struct buf *out)
{
	const uint32_t n = least(set->n, LABELS_KEPT);
	struct label sorted[LABELS_KEPT];

	memcpy(sorted, set->at, sizeof(sorted));
	qsort(sorted, n, sizeof(sorted[0]), compare_labels);
	for (uint32_t i = 0; i < n; i++) {
		put_text(sorted[i].key, sorted[i].key_len, LABEL_KEY_BYTES, out);
		buf_char(out, PROFILE_LABEL_IS);
		put_text(sorted[i].value, sorted[i].value_len, LABEL_VALUE_BYTES, out);
		buf_char(out, PROFILE_LABEL_END);
	}
	if (set->all > n)
		buf_printf(out, OURS "%c%u, %u of them kept%c", PROFILE_LABEL_IS, set->all, n, PROFILE_LABEL_END);
	if (set->unreadable)
		buf_printf(out, OURS "%cnot readable%c", PROFILE_LABEL_IS, PROFILE_LABEL_END);
}
