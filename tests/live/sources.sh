#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --list shows the sources that the target's user may read, and no others: the path is the target's word.
. "$(dirname "$0")/../lib.sh"
need_root
need setpriv unshare
remember_probes

mkdir -m 755 "$DIR/bin"
mkdir -m 700 "$DIR/src"
chmod 755 "$DIR"
cat >"$DIR/src/secret.c" <<'END'
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
	for (int i = 0; i < 100; i++)
		free(malloc(33)); /* SECRET */
	return 0;
}
END
gcc -g -O0 -fno-builtin -o "$DIR/bin/prog" "$DIR/src/secret.c" || fail "cannot build"
chmod 644 "$DIR/src/secret.c"
chmod 755 "$DIR/bin/prog"

shown() {	# yes|no CMD...
	local want=$1 got=no

	shift
	run "${EXACT[@]}" --list main -o "$DIR/table" -- "$@"
	grep -q 'main in prog' "$DIR/table" || fail "main is not in the report: $*"
	! grep -q SECRET "$DIR/table" || got=yes
	expect_equal "source is shown for $*" $got "$want"
}

other=(setpriv --reuid=4711 --regid=4711 --clear-groups)
member=(setpriv --reuid=4711 --regid=4711 --groups=4712)
shown yes "$DIR/bin/prog"
shown no "${other[@]}" "$DIR/bin/prog"
shown no "${member[@]}" "$DIR/bin/prog"
chgrp 4712 "$DIR/src"
chmod 750 "$DIR/src"
shown no "${other[@]}" "$DIR/bin/prog"
shown yes "${member[@]}" "$DIR/bin/prog"
chown 4711 "$DIR/src"
shown yes "${other[@]}" "$DIR/bin/prog"
# Root without root's rights, and one whose paths are others.
chown 4711:4711 "$DIR/src"
chmod 700 "$DIR/src"
shown yes "$DIR/bin/prog"
shown no setpriv --bounding-set=-all --inh-caps=-all "$DIR/bin/prog"
shown no unshare -m "$DIR/bin/prog"

# One that gives its rights up as it runs.
cat >"$DIR/drop.c" <<'END'
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
	free(malloc(33)); /* SECRET */
	return setgroups(0, NULL) || setgid(4713) || setuid(4713);
}
END
sed -i '1i #include <grp.h>' "$DIR/drop.c"
mv "$DIR/drop.c" "$DIR/src/secret.c"
gcc -g -O0 -fno-builtin -o "$DIR/bin/prog" "$DIR/src/secret.c" || fail "cannot build"
shown no "$DIR/bin/prog"
no_probe_left
