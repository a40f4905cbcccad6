#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that copy their own text: refused where the allocator is in it, since the probes would be copied along;
# traced where it is in a library.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

said() { grep -q "$1" "$DIR/target.$N_TARGETS"; }
lives() {
	go
	wait_until 10 said '^done' || fail "the target does not live: $(cat "$DIR/target.$N_TARGETS")"
}

# Where libc has allocator functions too, those are traced: of its own they are refused all the same.
for program in selfcopy-static selfcopy-own; do
	refused=1 launched=1
	[[ $program == selfcopy-static ]] || refused=3 launched=0
	target_start "$W/$program"
	run -d 0.1 -p "$TARGET"
	expect_status $refused
	expect_err 'its allocator is in its own text, which it seems to copy \(mremap\(M.*--force'
	run check -p "$TARGET"
	expect_out 'refused without --force: it seems to copy its own text \(m'
	lives
	run -d 0.1 -p "$TARGET"
	expect_status $refused
	expect_err 'has copied the text of .* into anonymous memory'
	go
	target_end
	expect_status 0
	# Launched it runs to its end.
	run -o /dev/null -- "$W/$program"
	expect_status $launched
	expect_err 'which it seems to copy'
	expect_out '^done'
	# By force, as long as it does not copy.
	target_start "$W/$program"
	run -d 0.1 --force -o /dev/null -p "$TARGET"
	expect_status 3
	lives
	go
	target_end
	expect_status 0
done

# As HHVM does it, by mmap; and by its name alone. Neither is ever called.
for how in 'mmap(h, n, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)' 'hugifyText(h, n)'; do
	name=none
	[[ $how != hugify* ]] || name=hugifyText
	cat >"$DIR/other.c" <<-END
	#include <stdlib.h>
	#include <sys/mman.h>
	#include <unistd.h>
	__attribute__((noinline)) void $name(char *h, size_t n) { __asm__ volatile("" : : "r"(h), "r"(n)); }
	int main(int n, char **h)
	{
		if (n > 9)
			$how;
		free(malloc(n));
		return write(1, "ready\\n", 6) + read(0, h, 1) == 0;
	}
	END
	gcc -O1 -w -static -o "$DIR/other" "$DIR/other.c" || fail "$how: the program can't be built"
	target_start "$DIR/other"
	run -d 0.1 -p "$TARGET"
	expect_status 1
	expect_err 'which it seems to copy \((mmap\(MAP_FIXED\) of executable memory|hugifyText)\)'
	go
done

# The allocator is libc's, which stays where it is.
target_start "$W/selfcopy"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
lives
trace_stop
expect_status 0
expect_equal "bytes" "$(folded_sum "$DIR/folded" ';use_malloc')" 13117

# Static programs that do nothing of the kind are traced.
run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/primes-static"
expect_status 0
# node carries such a function, and runs it only if told; its allocator is libc's in Debian's package.
if command -v node >/dev/null; then
	run -o /dev/null -- node -e 0
	expect_status 0
fi
no_probe_left
