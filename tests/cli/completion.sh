#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The bash completion: sources without a word, and completes options, values and commands.
. "$(dirname "$0")/../lib.sh"

run --generate completion
expect_status 0
cp "$DIR/out" "$DIR/completion"
bash -n "$DIR/completion" || fail "not bash"
# As bash calls it: COMP_WORDS, COMP_CWORD; the answer is COMPREPLY.
complete_words() {	# WORDS..., the last one is being typed
	bash -c '
		set -u
		source "$1" || exit 1
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		f=$(complete -p alloctrace | sed "s/.*-F \([^ ]*\).*/\1/")
		COMPREPLY=()
		"$f" alloctrace "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$DIR/completion" "$@" 2>"$DIR/err"
}

offers() {	# WANTED WORDS...
	local wanted=$1

	shift
	complete_words "$@" >"$DIR/out"
	[[ ! -s $DIR/err ]] || fail "an error while completing: $*"
	sed 's/ *$//' "$DIR/out" | grep -qxF -- "$wanted" || fail "no $wanted after: $*"
}

[[ -z $(bash "$DIR/completion" 2>&1) ]] || fail "it says something when it is sourced"
offers --duration alloctrace --du
offers --max-size alloctrace --max
offers check alloctrace ch
offers calls alloctrace -m ''
offers folded alloctrace --format ''
offers function alloctrace --by fu
offers perf alloctrace --attach p
offers $$ alloctrace -p ''
offers "1,$$" alloctrace -p "1,$$"
for option in $("$ALLOCTRACE" --help | grep -Eo -- '--[a-z-]+' | sort -u) --max-depth --ring-size --attach --unwind \
	--source-path --inline --no-inline --no-demangle --max-stacks --max-blocks --lifetimes --sizes --temp-age \
	--mark --suppress; do
	offers "$option" alloctrace "$option"
done
true
