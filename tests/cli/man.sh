#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The man page is made from the option table and renders without a warning.
. "$(dirname "$0")/../lib.sh"
need man groff

run --generate man
expect_status 0
cp "$DIR/out" "$DIR/alloctrace.8"
groff -man -Tutf8 -ww -z "$DIR/alloctrace.8" >"$DIR/out" 2>"$DIR/err" || fail "groff fails"
[[ ! -s $DIR/err ]] || fail "groff warns"
MANWIDTH=80 man -l "$DIR/alloctrace.8" 2>"$DIR/err" | col -b >"$DIR/out"
[[ ! -s $DIR/err ]] || fail "man complains"
expect_out 'NAME' 'SYNOPSIS' 'OPTIONS' 'EXIT STATUS'
# Every option of --help, under its own name.
{
	"$ALLOCTRACE" --help | grep -Eo -- '--[a-z-]+' | sort -u
	printf -- '--%s\n' max-depth ring-size attach unwind source-path inline no-inline no-demangle max-stacks \
		max-blocks lifetimes sizes temp-age mark suppress max-size no-names symbol-path ops
} >"$DIR/options"
[[ -s $DIR/options ]] || fail "--help has no options"
while read -r option; do
	grep -q -- "$option" "$DIR/out" || fail "the man page does not have $option"
done <"$DIR/options"
# whatis can read its NAME.
command -v lexgrog >/dev/null && { lexgrog -m "$DIR/alloctrace.8" >"$DIR/out" || fail "lexgrog finds no NAME"; }
true
