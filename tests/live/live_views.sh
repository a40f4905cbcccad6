#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several views of one run, the columns of a live table, histograms by size and by lifetime.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

section() {	# NAME: of the table
	sed -n "/^$1 /,/^\$/p" <<<"$TABLES"
}

row() {	# SECTION FUNCTION REGEX
	grep -Eq -- "$3.* $2( |\+|\$)" <<<"$(section "$1")" || { section "$1"; fail "$1: no row of $2 like: $3"; }
}

no_row() {	# SECTION FUNCTION
	! grep -Eq " $2( \(|\+)" <<<"$(section "$1")" || { section "$1"; fail "$1: a row of $2"; }
}

# What follows the summary, which has lines of the same names.
tables() {
	TABLES=$(sed '1,/^$/d' "$DIR/table")
}

run "${EXACT[@]}" --view alloc,live,peak,temp --leaks --lifetimes --sizes -T 0 -o "$DIR/table" -- "$W/heap" -j
expect_status 0
tables
for view in alloc live leaks peak temp lifetimes sizes; do
	[[ -n $(section $view) ]] || { cat "$DIR/table"; fail "no table of $view"; }
done
# Bytes, %, cumulative %, calls or blocks.
row alloc kept '^99\.5 KiB +[0-9.]+ +[0-9.]+ +101 '
row alloc freed '^6\.14 KiB +[0-9.]+ +[0-9.]+ +103 '
# Bytes, blocks, age of the oldest, allocated, freed, mean.
age='[0-9.]+ (s|ms|us|ns|m[0-9.]+s)'
row live kept "^99\.5 KiB +[0-9.]+ +[0-9.]+ +101 +$age +99\.5 KiB +0 B +1009 B"
row live half_freed "^22\.0 KiB +[0-9.]+ +[0-9.]+ +107 +$age +44\.1 KiB +22\.0 KiB +211 B"
row live grown "^ *181 KiB +[0-9.]+ +[0-9.]+ +37 +$age +181 KiB +0 B"
row live big_grown "^4\.29 MiB +[0-9.]+ +[0-9.]+ +3 "
no_row live freed
no_row live seed_grown
row leaks kept '^99\.5 KiB +[0-9.]+ +[0-9.]+ +101 '
no_row leaks freed
row temp reuse_same '^ *125 KiB +[0-9.]+ +[0-9.]+ +(1009|1\.01k) +99\.9'
no_row temp kept
# A power of two above the size.
row sizes kept '101 +<(1\.00 KiB|1024 B) '
row sizes good_align '71 +<256 B '
row sizes zero_kept '19 +<1 B '
row sizes big_grown '3 +<2\.00 MiB '

# One view of a run that has several is what it is alone.
for metric in bytes calls; do
	run "${EXACT[@]}" --view alloc -f folded -m $metric -o "$DIR/folded" -- "$W/leak" 100
	expect_status 0
	expect_heap "$DIR/folded" "$DIR/out" alloc $metric
done

# How long blocks live: the median's power of two is that of what the workload has measured.
run "${EXACT[@]}" --lifetimes -T 0 -o "$DIR/table" -- "$W/temp"
expect_status 0
TABLES=$(sed '1,/^$/d' "$DIR/table")
for name in kept_60ms kept_180ms other_thread; do
	median=$(section lifetimes | sed -nE "s/.* <([0-9.]+ (s|ms|us|ns)) .* ${name}[ +].*/\1/p")
	awk -v name=$name -v median="$median" '
		$1 == name && NF == 6 {
			split(median, m, " ")
			ns = m[1] * (m[2] == "s" ? 1e9 : m[2] == "ms" ? 1e6 : m[2] == "us" ? 1e3 : 1)
			# Rounded to three digits; the block lived for less, and for at least half of it.
			ok = ns * 1.01 > $5 && ns * 0.99 < 2 * $6
		}
		END { exit !ok }' "$DIR/out" ||
		{ section lifetimes; fail "$name: half of its blocks lived for less than '$median'"; }
	calls=$(awk -v name=$name '$1 == name { print $4 }' "$DIR/out")
	row lifetimes $name "^ *[0-9.]+ [KM]?i?B +[0-9.]+ +$calls "
done
no_row lifetimes never

# What can't be.
for args in '--view nothing' '--view live,nothing' '--view' '--temp-age 1ms' '--min-age 1s' '--sample 0' \
	'--sample often' '--max-overhead 0' '--max-overhead much' '--max-blocks 0' \
	'--view live,alloc -f folded' '--sizes -f folded'; do
	# shellcheck disable=SC2086 # they are several
	run $args -- true
	expect_status 2
	expect_one_error "${args%% *}|--format"
done
no_probe_left
