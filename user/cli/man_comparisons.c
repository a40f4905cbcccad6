/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page on diff and trend. */
#include <stddef.h>

#include "cli/options_table.h"

const char *const man_comparisons[] = {
	"alloctrace diff joins the rows of recordings by their names: functions of one name in several files are one "
	"row, and rows by process or thread have no PIDs. If builds differ (two build IDs of a file, or no program "
	"that is on both sides), offsets and lines are cut off names, so that what remains is the function. BEFORE "
	"and AFTER are medians of the recordings, with half the width of their confidence interval in per cent of the "
	"median, DELTA is the change of the median, CHANGE the same in bytes or calls. ~ stands for no evidence of a "
	"difference, new and gone for a row that the other side does not have. Rows with evidence come first, then "
	"those with the largest change; rows that are the same in all recordings are not shown. The last line is the "
	"geometric mean of the rows that are on both sides, and of their ratios.",
	"With several recordings on a side, P is that of the Mann-Whitney U test: exact up to 50 recordings a side "
	"(25 if some values are equal), a normal approximation beyond. The intervals come from order statistics. "
	"Neither assumes a distribution, and both agree with benchstat. It takes 4 recordings of each side to find a "
	"difference at all, 6 for an interval, and 10 are better. Sampling errors are part of what varies from one "
	"recording to the next. With one recording a side, their standard errors alone decide: what is exact differs "
	"if it is not equal, and how runs vary is not known. Heap profiles of other programs do not say how good they "
	"are: then nothing is tested.",
	"One in 20 rows that did not change has a P below 0.05. A star marks rows that are still evident if all rows "
	"of at least 0.1 % of the total are taken into account (Benjamini-Hochberg at --alpha); --fail-above counts "
	"no others, and has stricter limits of its own. It needs runs: of 6 a side, no P is below 0.002, which is not "
	"enough for a single row among more than 9; of 10, it is enough for one among 1,800.",
	"alloctrace trend takes at least 5 recordings with --view live or leaks, at most 1,000, of the same process "
	"at different times: alloctrace -p PID --view live -i 1h -o DIR/%t.pb.gz. PER HOUR is the slope of Theil and "
	"Sen, the median of the slopes of all pairs, LOW and HIGH its confidence interval, and P that of the "
	"Mann-Kendall test for a rise, adjusted for the number of rows; it is exact for up to 10 recordings without "
	"equal values, and beyond corrected for the autocorrelation of what remains without the slope (Hamed and "
	"Rao). A row is shown if P is at most --alpha, LOW is above 0, the last third of the recordings still "
	"rises, and the slope is above --min-growth: a warm-up that levels off is not shown. Only recordings of one "
	"process are compared with each other: where a row comes from other PIDs than before, or a new run of "
	"alloctrace begins, the series begins anew (RESTARTS), and evidence from its parts is added up. With -a, "
	"processes are not told apart unless recorded with --by process, and a restart is not seen. The "
	"correction finds part of the dependence of successive recordings: a random walk can still look like a rise. "
	"Give it more, and longer, time.",
	NULL
};
