#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Containers by runc, with glibc on two overlays of one directory and with musl, under a seccomp filter; and a chroot.
# Each call counts once, for the container that it is of, by the name that docker's file has. In a pid namespace of its
# own, so that every process means those of this test, and those of the containers are below it. And a machine of
# systemd-nspawn, where that is installed.
# limit: 180
[[ $EUID -ne 0 || -n ${CONTAINERS_INSIDE-} ]] ||
	CONTAINERS_INSIDE=1 exec unshare -p -f --mount-proc --kill-child bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
need_root
MUSL=/usr/lib/x86_64-linux-musl/libc.so
need runc jq musl-gcc "$MUSL"

GROUP=alloctracetest.${DIR##*.}	# control groups of the test are below it

clean_all() {
	local status=$?

	trap - EXIT
	umount -l "$DIR"/merged.* 2>/dev/null
	find /sys/fs/cgroup/{,*/}"$GROUP"/machine-* -depth -type d -exec rmdir {} + 2>/dev/null
	rmdir /sys/fs/cgroup/{,*/}"$GROUP"{/docker,} 2>/dev/null
	(exit "$status")
	cleanup
}
trap clean_all EXIT

# --- images, whose libraries nobody else maps

LD=/lib64/ld-linux-x86-64.so.2
mkdir -p "$DIR"/{glibc,musl}/{bin,proc,dev} "$DIR/glibc/lib64" "$DIR/glibc$LIBDIR" "$DIR/musl/lib"
cp "$W/script" "$DIR/glibc/bin/steps"
cp "$LD" "$DIR/glibc/lib64"
cp "$LIBDIR/libc.so.6" "$DIR/glibc$LIBDIR"
cp "$MUSL" "$DIR/musl/lib/ld-musl-x86_64.so.1"
musl-gcc -D_GNU_SOURCE -std=gnu11 -O2 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-builtin \
	-o "$DIR/musl/bin/steps" "${ROOT:?}/tests/workloads/script.c" || fail "cannot compile for musl"
cp -r "$DIR/glibc" "$DIR/late"

overlay() {	# N: what is below is the same
	mkdir "$DIR/upper.$1" "$DIR/work.$1" "$DIR/merged.$1"
	mount -t overlay overlay -o "lowerdir=$DIR/glibc,upperdir=$DIR/upper.$1,workdir=$DIR/work.$1" \
		"$DIR/merged.$1" 2>/dev/null || skip "cannot mount an overlay on $DIR"
}
overlay 1
overlay 2

# --- containers

CALLS="read write readv writev open openat close fstat newfstatat stat lstat mmap mprotect munmap mremap brk exit
	exit_group rt_sigaction rt_sigprocmask rt_sigreturn arch_prctl set_tid_address set_robust_list prlimit64
	getrandom rseq execve fork vfork clone clone3 wait4 nanosleep clock_nanosleep pread64 access faccessat
	faccessat2 ioctl futex gettid tkill tgkill getpid getppid fcntl lseek readlink getcwd chdir fchdir capget
	capset prctl setgroups setuid setgid setresuid setresgid getuid geteuid epoll_ctl epoll_pwait epoll_create1
	eventfd2 sched_yield sched_getaffinity mincore sigaltstack madvise getdents64 fstatfs statfs pipe2 close_range"

id_of() {	# NAME
	sha256sum <<<"$1" | cut -c -64
}

contain() {	# NAME ROOT ARGS...: runs steps in a container of the cgroup that docker would have for it
	local dir=$DIR/bundle.$1 name=$1 root=$2

	shift 2
	mkdir "$dir"
	runc spec -b "$dir"
	# shellcheck disable=SC2016 # jq's
	jq --arg root "$root" --arg group "/$GROUP/docker/$(id_of "$name")" \
		--arg calls "$(tr -s '\n\t' ' ' <<<"$CALLS")" '
		.process.terminal = false | .process.args = ["/bin/steps"] + $ARGS.positional |
		.root = {path: $root, readonly: false} | .linux.cgroupsPath = $group |
		.mounts |= map(select(.type == "proc" or .type == "tmpfs")) |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"],
			syscalls: [{action: "SCMP_ACT_ALLOW", names: ($calls / " " | map(select(. != "")))}]}
		' "$dir/config.json" --args "$@" >"$dir/new" && mv "$dir/new" "$dir/config.json"
	runc --root "$DIR/runc" run -b "$dir" "$name" >"$DIR/runc.out" 2>&1 </dev/null
	RUN_STATUS=$?
	rm -r "$dir"
	return "$RUN_STATUS"
}

contain try "$DIR/glibc" a24:1 || skip "runc does not run here: $(tail -1 "$DIR/runc.out")"

# Docker's own file, in this mount namespace alone.
mount -t tmpfs tmpfs /var/lib
docker_name() {	# ID NAME
	mkdir -p "/var/lib/docker/containers/$1"
	printf '{"ID":"%s","Name":"/%s"}' "$1" "$2" >"/var/lib/docker/containers/$1/config.v2.json"
}

all_containers() {
	docker_name "$(id_of web)" web
	contain web "$DIR/merged.1" a24:101 || fail "web: $(cat "$DIR/runc.out")"
	contain other "$DIR/merged.2" a24:211 c3 a24:100 || fail "other: $(cat "$DIR/runc.out")"
	contain api "$DIR/musl" a24:907 || fail "api: $(cat "$DIR/runc.out")"
	chroot "$DIR/glibc" /bin/steps a24:13 || fail "chroot"
	rm -r /var/lib/docker
}

# What is mapped when alloctrace starts has probes before a container's first call.
mkfifo "$DIR/go"
exec 9<>"$DIR/go"
for image in glibc musl; do
	chroot "$DIR/$image" /bin/steps w <"$DIR/go" 9>&- &
	BACKGROUND+=($!)
done
sleepers_wait() {
	local pid

	for pid in "${BACKGROUND[@]:0:2}"; do [[ $(cat "/proc/$pid/comm") == steps ]] || return 1; done
}
wait_until 10 sleepers_wait || fail "no steps in their chroots"

OTHER=$(id_of other) API=$(id_of api)

row() {	# NAME: calls
	awk -v name="$1" 'index($0, "  " name "  ") { print $1 }' "$DIR/table"
}

# --- by name, after they have gone

trace_start "${EXACT[@]}" --comm steps -m calls --by container -o "$DIR/table"
all_containers
trace_stop
expect_status 0
grep -q "^lost  *nothing" "$DIR/table" || fail "something was lost: $(head -9 "$DIR/table")"
! grep -q "^truncated" "$DIR/table" || fail "truncated stacks: $(head -9 "$DIR/table")"
expect_equal "calls of web" "$(row docker:web)" 101
expect_equal "calls of the other" "$(row "docker:${OTHER:0:12}")" 511
expect_equal "calls of api" "$(row "docker:${API:0:12}")" 907
expect_equal "calls of no container" "$(row "(no container)")" 13

# --- gone, and its cgroup too, before alloctrace has looked

trace_start "${EXACT[@]}" --comm steps -m calls --by container -o "$DIR/table"
trace_freeze
contain other "$DIR/merged.2" a24:211 || fail "other: $(cat "$DIR/runc.out")"
kill -CONT "$TRACE"
trace_stop
expect_status 0
expect_equal "calls of a container that is gone" "$(row "docker:${OTHER:0:12}")" 211

# --- every process, runc too; a file that nobody has mapped before: calls are seen from when its probes are there, and
# in the next container from the first on

trace_start "${EXACT[@]}" -a -m bytes -f folded -o "$DIR/folded"
all_containers
contain late "$DIR/late" a1:50 s700 a1:307 || fail "late: $(cat "$DIR/runc.out")"
contain again "$DIR/late" a10000:50 s1 a10000:307 || fail "again: $(cat "$DIR/runc.out")"
trace_stop
expect_status 0
expect_err "^lost       nothing"
glibc=$(folded_sum "$DIR/folded" '(^|;)steps;_start;__libc_start_main;[^;]*;main;run;allocate;step;malloc ')
late=$((glibc - 24 * (101 + 511 + 13) - 10000 * 357))
[[ $late -ge 307 && $late -le 357 ]] || fail "$late calls of a new file's first process, of 50 and 307"
expect_equal "bytes of musl" \
	"$(folded_sum "$DIR/folded" '(^|;)steps;[^_][^;]*;main;run;allocate;step;malloc ')" $((24 * 907))
expect_equal "bytes of all" "$(folded_sum "$DIR/folded" '(^|;)steps;')" $((glibc + 24 * 907))

# --- selected ones alone, with the pids that they have inside

trace_start "${EXACT[@]}" --container web --container "${OTHER:0:12}" --comm steps -m calls --by process \
	-o "$DIR/table"
all_containers
trace_stop
expect_status 0
expect_equal "processes" "$(sed -n 's/^ *\([0-9]*\) .* steps ([0-9]*, inner \([0-9]*\)) .*/\1 \2/p' "$DIR/table" |
	sort -n | sed '1,3s/ .*//' | tr '\n' ' ')" "100 100 100 101 1 211 1 "
expect_equal "calls of all" "$(awk '$1 ~ /^[0-9]+$/ { n += $1 } END { print n }' "$DIR/table")" 612

# --- a machine, in the cgroup that systemd-machined would have made for it; nspawn makes others below that

MACHINE=m${DIR##*.}
V2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
nspawn() {	# ARGS...
	# shellcheck disable=SC2016 # the shell's own
	bash -c 'mkdir -p "$0" && echo $$ >"$0/cgroup.procs" && exec "$@"' "$V2/$GROUP/machine-$MACHINE.scope" \
		systemd-nspawn -q -D "$DIR/glibc" -M "$MACHINE" --keep-unit --register=no --as-pid2 \
		--resolv-conf=off --timezone=off --link-journal=no /bin/steps "$@" >"$DIR/nspawn.out" 2>&1 </dev/null
}
if [[ -n $V2 ]] && command -v systemd-nspawn >/dev/null && nspawn a24:1; then
	trace_start "${EXACT[@]}" --container "$MACHINE" --comm steps -m calls --by container -o "$DIR/table"
	nspawn a24:409 || fail "nspawn: $(cat "$DIR/nspawn.out")"
	trace_stop
	expect_status 0
	grep -q "^lost  *nothing" "$DIR/table" || fail "something was lost: $(head -9 "$DIR/table")"
	expect_equal "calls of the machine" "$(row "nspawn:$MACHINE")" 409
fi
