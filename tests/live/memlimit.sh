#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that claim more than there is: one bound over all of them holds, and is said.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# Libraries with 400 MiB of .debug_info and .strtab each that take no room on the disk.
sparse() {	# FILE SECTION
	$PYTHON - "$1" "$2" <<-'END'
	import struct, sys
	path, want = sys.argv[1:]
	d = bytearray(open(path, "rb").read())
	shoff, = struct.unpack_from("<Q", d, 40)
	size, n, strndx = struct.unpack_from("<HHH", d, 58)
	names, = struct.unpack_from("<Q", d, shoff + strndx * size + 24)
	for i in range(n):
	    at = shoff + i * size
	    name, = struct.unpack_from("<I", d, at)
	    if d[names + name:d.index(b"\0", names + name)] == want.encode():
	        struct.pack_into("<QQ", d, at + 24, (len(d) + 4095) & ~4095, 400 << 20)
	f = open(path, "r+b")
	f.write(d)
	f.truncate(((len(d) + 4095) & ~4095) + (400 << 20))
	END
}

libs=
for i in 1 2 3 4; do
	for section in .strtab .debug_info; do
		cp "$W/plugin.so" "$DIR/lib$i$section.so"
		sparse "$DIR/lib$i$section.so" "$section"
		libs+=" $DIR/lib$i$section.so"
	done
done
# shellcheck disable=SC2086
/usr/bin/time -f '%M' -o "$DIR/kib" timeout 90 "$ALLOCTRACE" "${EXACT[@]}" --max-memory 200M -f folded \
	-o "$DIR/folded" -- "$W/dlopener" $libs >"$DIR/out" 2>"$DIR/err" </dev/null
STATUS=$?
expect_status 0
expect_err '--max-memory, 200 MiB, is exhausted' \
	'^not read +[0-9]+ parts? of files: no memory left'
[[ $(tail -1 "$DIR/kib") -lt 300000 ]] || fail "it took $(tail -1 "$DIR/kib") KiB"
# Where there was no memory for the unwind table of a library, when its turn came, its stacks end in it, and say so.
expect_equal "bytes" "$(folded_sum "$DIR/folded" '\[truncated: |call_plugin')" \
	"$(awk '$1 == "plugin_work" { print $2 }' "$DIR/out")"
no_probe_left
