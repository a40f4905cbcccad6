#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make install puts everything below DESTDIR, and what it puts there works.
. "$(dirname "$0")/../lib.sh"
need make

make -s -C "$ROOT" O="$O" DESTDIR="$DIR/root" PREFIX=/usr install >"$DIR/out" 2>"$DIR/err" || fail "make install fails"
for f in bin/alloctrace share/man/man8/alloctrace.8 share/bash-completion/completions/alloctrace; do
	[[ -s $DIR/root/usr/$f ]] || fail "no $f: $(cd "$DIR/root" && find .)"
done
[[ -x $DIR/root/usr/bin/alloctrace ]] || fail "not executable"
"$DIR/root/usr/bin/alloctrace" --version >"$DIR/out" || fail "it does not run"
expect_equal "files" "$(find "$DIR/root" -type f | wc -l)" 3
