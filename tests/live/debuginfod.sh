#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debug files from a server: only when DEBUGINFOD_URLS is set, in bounded time, cached, in no directory of another user.
. "$(dirname "$0")/../lib.sh"
need_root
need "$LIBDIR/libdebuginfod.so.1"
remember_probes

id=$(readelf -n "$W/primes-stripped" | sed -n 's/.*Build ID: //p')
[[ -n $id ]] || fail "primes-stripped has no build id"
cache=/run/alloctrace-test.$$	# nobody but root can change what is on the way to it
undo() { rm -rf "$cache"; cleanup; }
trap undo EXIT

serve() {	# SCRIPT: python's, which prints the port; to $port
	rm -f "$DIR/port"	# another server's
	"$PYTHON" -u -c "$1" >"$DIR/port" 2>"$DIR/requests" &
	SERVER=$!
	BACKGROUND+=("$SERVER")
	wait_until 10 test -s "$DIR/port" || fail "the server does not start"
	port=$(cat "$DIR/port")
}

files="import functools, http.server as h
s = h.HTTPServer(('127.0.0.1', 0), functools.partial(h.SimpleHTTPRequestHandler, directory='$DIR/www'))
print(s.server_port)
s.serve_forever()"
# Takes connections and never answers.
mute="import socket, time
s = socket.create_server(('127.0.0.1', 0))
print(s.getsockname()[1])
time.sleep(600)"

trace() {	# VARIABLE=VALUE...: traces primes-stripped
	( for each; do export "${each?}"; done
	timeout -k 5 60 "$ALLOCTRACE" -v "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/primes-stripped" \
		>"$DIR/out" 2>"$DIR/err" </dev/null )
	# shellcheck disable=SC2034 # expect_status looks at it
	STATUS=$?
	expect_status 0
}

named() {
	grep -q ';use_malloc;' "$DIR/folded"
}

mkdir -p "$DIR/www/buildid/$id" "$DIR/nobody"
objcopy --only-keep-debug "$W/primes" "$DIR/www/buildid/$id/debuginfo"
serve "$files"
url=http://127.0.0.1:$port

# Off.
trace "DEBUGINFOD_CACHE_PATH=$cache"
named && fail "a name without DEBUGINFOD_URLS"
trace DEBUGINFOD_URLS= "DEBUGINFOD_CACHE_PATH=$cache"
named && fail "a name with DEBUGINFOD_URLS empty"
[[ ! -s $DIR/requests && ! -e $cache ]] || fail "debuginfod was asked without DEBUGINFOD_URLS"

# On: everything has its name.
trace "DEBUGINFOD_URLS=$url" "DEBUGINFOD_CACHE_PATH=$cache"
expect_primes "$DIR/folded" "$DIR/out" bytes "primes[a-z-]*"
expect_err 'debuginfod: fetching debug files from .* at most 10 s per file, 30 s in all'
grep -q "GET /buildid/$id/debuginfo .* 200" "$DIR/requests" || fail "the server was not asked"

# What another build's file says is not believed.
cp "$DIR/www/buildid/$id/debuginfo" "$DIR/good"
objcopy --only-keep-debug "$W/chains" "$DIR/www/buildid/$id/debuginfo"
rm -rf "$cache"
trace "DEBUGINFOD_URLS=$url" "DEBUGINFOD_CACHE_PATH=$cache"
named && fail "names from another build"
expect_err 'not a debug file of that build'
head -c 3000 /dev/urandom >"$DIR/www/buildid/$id/debuginfo"
rm -rf "$cache"
trace "DEBUGINFOD_URLS=$url" "DEBUGINFOD_CACHE_PATH=$cache"
expect_err 'not a debug file of that build'
cp "$DIR/good" "$DIR/www/buildid/$id/debuginfo"

# root, with the HOME of another user (sudo -E): nothing is written there. It goes to root's own cache.
own=$(getent passwd 0 | cut -d: -f6)/.cache/debuginfod_client
had=no
[[ ! -e $own ]] || had=yes
chown 65534 "$DIR/nobody"
trace "DEBUGINFOD_URLS=$url" "HOME=$DIR/nobody"
expect_err "debuginfod: the cache is $own"
named || fail "no names with another user's HOME"
[[ -z $(ls -A "$DIR/nobody") ]] || fail "written to another user's home: $(find "$DIR/nobody")"
[[ -e $own/$id/debuginfo ]] || fail "not in root's cache"
trace "DEBUGINFOD_URLS=$url" "XDG_CACHE_HOME=$DIR/nobody"
[[ -z $(ls -A "$DIR/nobody") ]] || fail "written to another user's cache: $(find "$DIR/nobody")"
if [[ $had == yes ]]; then rm -rf "${own:?}/$id"; else rm -rf "$own"; fi

# The cache serves when the server is gone.
rm -rf "$cache"
trace "DEBUGINFOD_URLS=$url" "DEBUGINFOD_CACHE_PATH=$cache"
kill "$SERVER"
trace "DEBUGINFOD_URLS=$url" "DEBUGINFOD_CACHE_PATH=$cache"
named || fail "no names from the cache"

# A server that is not there, and one that never answers: a note, in time.
rm -rf "$cache"
trace "DEBUGINFOD_URLS=$url" "DEBUGINFOD_CACHE_PATH=$cache"
expect_err "debuginfod: no debug file for .*primes-stripped"
rm -rf "$cache"
serve "$mute"
began=$SECONDS
trace "DEBUGINFOD_URLS=http://127.0.0.1:$port" "DEBUGINFOD_CACHE_PATH=$cache" DEBUGINFOD_TIMEOUT=2
[[ $((SECONDS - began)) -le 20 ]] || fail "waited $((SECONDS - began)) s for a server that never answers"
expect_err "debuginfod: no debug file for .*primes-stripped"
[[ -s $DIR/folded ]] || fail "no report"
