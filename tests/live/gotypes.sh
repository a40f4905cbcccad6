#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
# limit: 240
# Go: what is allocated by type, to the call and the byte; methods through wrappers; whole stacks. Stripped, and PIE.
. "$(dirname "$0")/../lib.sh"
need_root
go_env
remember_probes

cp -r "$ROOT/tests/workloads/gotypes" "$DIR/src" && cd "$DIR/src" || exit 1

build() {	# NAME ARGS...
	CGO_ENABLED=0 command go build -o "$DIR/$1" "${@:2}" . >"$DIR/out" 2>"$DIR/err" || fail "$1 does not build"
}

# "calls mean type" of each row, the mean as tables show it.
rows() {
	awk -F '  +' '/^ *CALLS/ { on = 1; next } on && NF > 5 { sub(/^ */, ""); print $1, $5, $6 }' "$DIR/err" | sort
}

wanted() {
	awk '{
		calls = $1; mean = $2 / $1; sub(/^[0-9]+ [0-9]+ /, "")
		if (mean >= 1024)
			mean = sprintf(mean / 1024 < 10 ? "%.2f KiB" : "%.1f KiB", mean / 1024)
		else
			mean = sprintf("%d B", mean)
		print calls, mean, $0
	}' "$DIR/out" | sort
}

check() {	# NAME
	run "${EXACT[@]}" --by type -m calls -T 0 -- "$DIR/$1"
	expect_status 0
	expect_err 'Go 1\.' '^lost +nothing'
	[[ $(wc -l <"$DIR/out") -eq 10 ]] || fail "$1 did not say what it does"
	comm -23 <(wanted) <(rows) >"$DIR/differ"
	[[ ! -s $DIR/differ ]] || fail "$1: not among the rows: $(cat "$DIR/differ")"
	! grep -q 'unknown type' "$DIR/err" || fail "$1: types are unknown"

	# The method, called through a wrapper that nobody sees; each stack from main on.
	run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$DIR/$1"
	expect_status 0
	expect_equal "$1: calls through the wrapper" \
		"$(folded_sum "$DIR/folded" ';runtime.goexit;runtime.main;main.main;main.wrapped;main.Inner.Name;')" 163
	expect_equal "$1: with the wrapper" "$(folded_sum "$DIR/folded" 'Outer')" 0
	expect_equal "$1: reports by line" "$(folded_sum "$DIR/folded" ';main.main;main.object;')" 101
}

# A recording keeps the types; one without names has them named by the report, from the file.
recorded() {	# NAME
	run "${EXACT[@]}" -q --by type -m calls -T 0 -o "$DIR/t.pb.gz" -o "$DIR/t.txt" -- "$DIR/$1"
	expect_status 0
	run report --by type -m calls -T 0 -o "$DIR/again.txt" "$DIR/t.pb.gz"
	expect_status 0
	cmp "$DIR/t.txt" "$DIR/again.txt" || fail "$1: a recording is another table"
	run "${EXACT[@]}" -q --no-names -o "$DIR/u.pb.gz" -- "$DIR/$1"
	expect_status 0
	wanted >"$DIR/wanted"
	run report --by type -m calls -T 0 "$DIR/u.pb.gz"
	expect_status 0
	cp "$DIR/out" "$DIR/err"
	comm -23 "$DIR/wanted" <(rows) >"$DIR/differ"
	[[ ! -s $DIR/differ ]] || fail "$1: not among the rows of a recording without names: $(cat "$DIR/differ")"
}

build plain -ldflags=-w
check plain
build stripped '-ldflags=-s -w'
check stripped
recorded stripped
# Without build information the runtime's own variable has the version.
LC_ALL=C sed 's/\xff Go buildinf:/\xff No buildinf:/' "$DIR/stripped" >"$DIR/bare"
! cmp -s "$DIR/stripped" "$DIR/bare" || fail "there was no build information"
chmod +x "$DIR/bare"
run -T 1 -- "$DIR/bare"
expect_err 'bare \(pid [0-9]+\), Go 1\.[0-9]+'
build pie -buildmode=pie '-ldflags=-s -w'
check pie
recorded pie
no_probe_left
