# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests of --view rss share beyond tests/lib.sh, which they source first.

expect_explained() {	# FILE
	grep -q '; 100.00 % explained' "$1" || { cat "$1"; fail "the kernel counted other pages"; }
}

# Within 16 pages, since not all is read at one moment.
expect_json_explained() {	# JSON
	$PYTHON - "$1" <<'PY' || fail "the totals are not what the kernel counted"
import json, sys
resident = json.load(open(sys.argv[1]))["facts"]["resident"]
left = resident["end_bytes"] - resident["start_bytes"] - resident["not_counted_bytes"]
assert abs(left - resident["grown_bytes"] + resident["shrunk_bytes"] - resident["by_others_bytes"]) < 65536, resident
PY
}

# What the workload said of each function ("NAME<TAB>BYTES") is what is there.
expect_resident() {	# FOLDED SAID
	local name bytes

	[[ -s $2 ]] || fail "the workload said nothing"
	while IFS=$'\t' read -r name bytes; do
		expect_equal "$name" "$(folded_sum "$1" ";$name;")" "$bytes"
	done <"$2"
}

# All of what the function touched is of the class; unless the workload said nothing of the function.
expect_class() {	# FOLDED FUNCTION CLASS [SAID]
	[[ -z ${4-} ]] || grep -q "^$2"$'\t' "$4" || return 0
	grep ";$2;" "$1" >"$DIR/rows" || fail "$2 has no row"
	! grep -vqF ";[$3] " "$DIR/rows" || { cat "$DIR/rows"; fail "$2 is not all of [$3]"; }
}
