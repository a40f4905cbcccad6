#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Patterns, as the BPF side compares them, against those of bash; when it is decided: after an exec anew, and for a
# control group that comes while alloctrace runs; the names of those that have gone again. In a pid namespace of its
# own.
[[ $EUID -ne 0 || -n ${GLOBS_INSIDE-} ]] ||
	GLOBS_INSIDE=1 exec unshare -p -f --mount-proc --kill-child bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
need_root
RANDOM=4711
mkdir "$DIR/n" "$DIR/n/sub"
cp "$W/script" "$DIR/steps"

# --- names

ATOMS=(a b c '?' '*' '[ab]' '[!a]' '[b-c]' '[]b]' '\c' '[\a-b]')
names=()
for ((i = 0; i < 30; i++)); do
	name=
	for ((k = RANDOM % 9 + 1; k > 0; k--)); do name+=${ATOMS[RANDOM % 3]}; done
	[[ -e $DIR/n/$name || -e $DIR/n/sub/$name ]] && continue
	names+=("$name")
	ln "$DIR/steps" "$DIR/n/$([[ $((RANDOM % 3)) -gt 0 ]] || echo sub/)$name"
done

some_glob() {	# to $glob
	local k

	glob=
	for ((k = RANDOM % 5 + 1; k > 0; k--)); do glob+=${ATOMS[RANDOM % ${#ATOMS[@]}]}; done
	[[ $((RANDOM % 2)) -eq 0 ]] || glob+='*'
}

takes() {	# NAME PATH: do the rules of $comms, $exes and those that are negated?
	local glob yes=0

	for glob in "${not_comms[@]}"; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $1 != $glob ]] || return 1
	done
	for glob in "${comms[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 != $glob ]] || yes=1
	done
	[[ $yes -eq 1 ]] || return 1
	for glob in "${exes[@]}"; do
		# shellcheck disable=SC2053
		[[ $2 != $glob ]] || return 0
	done
	return 1
}

check_globs() {
	local args=() comms=() not_comms=() exes=("$DIR"'/n/*[!a]' '*/sub/?[a]*') i path

	for ((i = 0; i < 6; i++)); do
		some_glob
		if [[ $i -lt 4 ]]; then
			comms+=("$glob")
			args+=(--comm "$glob")
		else
			not_comms+=("$glob?bc")
			args+=(--comm "!$glob?bc")
		fi
	done
	for glob in "${exes[@]}"; do args+=(--exe "$glob"); done
	trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" "${args[@]}"
	for ((i = 0; i < ${#names[@]}; i++)); do
		path=$(ls "$DIR/n/${names[i]}" "$DIR/n/sub/${names[i]}" 2>/dev/null)
		"$path" "a24:$((i + 2))" || fail "$path"
		takes "${names[i]}" "$path" && echo "${names[i]} $((i + 2))"
	done | sort >"$DIR/want"
	trace_stop
	expect_status 0
	expect_err "^lost       nothing"
	sed -n 's/;.*;step;malloc / /p' "$DIR/folded" | sort >"$DIR/got"
	[[ -s $DIR/want ]] || fail "the patterns take nothing: ${args[*]}"
	cmp -s "$DIR/want" "$DIR/got" || fail "${args[*]}: $(diff "$DIR/want" "$DIR/got")"
}

check_globs
check_globs
check_globs

# --- an exec decides anew; what it had called before is the other program's

ln "$DIR/steps" "$DIR/before"
ln "$DIR/steps" "$DIR/after"
trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" --comm after
"$DIR/before" a24:100 "x$DIR/after" a24:3 "x$DIR/before" a24:200 "x$DIR/after" c4 a24:0 || fail "the chain of execs"
trace_stop
expect_status 0
expect_equal "calls of after" "$(folded_sum "$DIR/folded" '^after;.*;step;malloc [0-9]+$')" $((3 + 1 + 2 + 3 + 4))
expect_equal "calls of all" "$(folded_sum "$DIR/folded" ';step;malloc [0-9]+$')" $((3 + 1 + 2 + 3 + 4))

# --- a control group that is made while alloctrace runs: until it has said whether it is selected, calls are not
# recorded

UNIFIED=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
if [[ -n $UNIFIED ]] && GROUP=$(mktemp -d -u "$UNIFIED/alloctracetest.XXXXXX") && mkdir "$GROUP" 2>/dev/null; then
	rmdir "$GROUP"
	trace_start "${EXACT[@]}" -m bytes -f folded -o "$DIR/folded" --cgroup "/${GROUP##*/}"
	mkdir "$GROUP"
	bash -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$GROUP" "$DIR/after" a1:100 s500 a1000:20
	trace_stop
	rmdir "$GROUP"
	expect_status 0
	expect_equal "thousands of bytes of a new control group" \
		"$(($(folded_sum "$DIR/folded" ';step;malloc [0-9]+$') / 1000))" 20
fi

# --- those that are gone before the first stack is looked at have their names: they are asked for at the exec

if [[ -n $UNIFIED ]] && mkdir "$GROUP" 2>/dev/null; then
	mkdir "$GROUP/docker"
	trace_start "${EXACT[@]}" -m calls --comm after --by container -o "$DIR/table"
	mkfifo "$DIR/go"
	exec 9<>"$DIR/go"
	id=$(printf '%064d' 5)
	mkdir "$GROUP/docker/$id"
	bash -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$GROUP/docker/$id" "$DIR/after" w a24:5 <"$DIR/go" 9>&- &
	is_after() { [[ $(cat "/proc/$1/comm") == after ]]; }
	wait_until 10 is_after $! || fail "no exec in the container"
	sleep 0.5
	trace_freeze
	exec 9>&-
	wait $! || fail "the container's process"
	rmdir "$GROUP/docker/$id"
	kill -CONT "$TRACE"
	trace_stop
	rmdir "$GROUP/docker" "$GROUP"
	expect_status 0
	expect_equal "containers" \
		"$(sed -n 's/^ *\([0-9]*\) .* docker:\([0-9]*\) .*/\1 \2/p' "$DIR/table")" "5 000000000000"
fi
