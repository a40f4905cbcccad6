#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Code of a file that was copied into anonymous memory has the file's names and unwind rules.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

CALLS=503
expect_copied() {	# FOLDED
	expect_equal "bytes below copied code" \
		"$(folded_sum "$1" '^copied;_start;.*;main;in_copied_code;take;malloc ')" $((CALLS * 211))
	! grep -q '\[anon\]' "$1" || fail "code without a name"
}

# The copy was made before: what lies around it tells. Launched: the record of it, which mremap() makes none of.
for how in mremap mprotect; do
	target_start "$W/copied" $how $CALLS
	trace_start "${EXACT[@]}" -p "$TARGET" -f folded -o "$DIR/folded"
	go
	target_end
	trace_end
	expect_copied "$DIR/folded"
done
# Until the record was read, it is anonymous code as any other.
{ sleep 1; echo; } | timeout 60 "$ALLOCTRACE" "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/copied" mprotect $CALLS \
	>"$DIR/out" 2>"$DIR/err" || fail "exit status $?"
expect_copied "$DIR/folded"
no_probe_left
