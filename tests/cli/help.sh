#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --help fits a screen, --version is the version, and both are checked when they are written.
. "$(dirname "$0")/../lib.sh"

for option in --help -h; do
	run $option
	expect_status 0
	[[ ! -s $DIR/err ]] || fail "something on stderr"
	[[ $(wc -l <"$DIR/out") -le 24 ]] || fail "$(wc -l <"$DIR/out") lines"
	[[ $(wc -L <"$DIR/out") -le 80 ]] || fail "$(wc -L <"$DIR/out") columns"
	! grep -q '[[:space:]]$' "$DIR/out" || fail "trailing white space"
	expect_out '^Usage: alloctrace'
done
for option in pid all follow comm alloc-fn duration interval view leaks metric by top list format output \
	quiet verbose sample max-overhead help version; do
	grep -q -- "--$option\\b" "$DIR/out" || fail "--help does not have --$option"
done
# README shows the same.
sed -n '/^    Usage: alloctrace/,/^$/s/^    //p' "$ROOT/README.md" >"$DIR/readme"
diff "$DIR/out" "$DIR/readme" >"$DIR/diff" || fail "README has other options: $(cat "$DIR/diff")"

# Help wins over everything else that is right.
run -p 1 --help
expect_status 0
run check --help
expect_status 0

version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
for option in --version -V; do
	run $option
	expect_status 0
	expect_out "^alloctrace $version\$"
	expect_equal "lines" "$(wc -l <"$DIR/out")" 1
done

# A full disk is an error.
if [[ -c /dev/full ]]; then
	for option in --help --version check; do
		"$ALLOCTRACE" $option >/dev/full 2>"$DIR/err"
		STATUS=$?
		expect_status 1
		expect_err 'No space left'
	done
fi
# A reader that goes away is not.
"$ALLOCTRACE" --help 2>"$DIR/err" | true
[[ ! -s $DIR/err ]] || fail "it complains about a reader that goes away"
