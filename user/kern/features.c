// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/features.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "kern/returns.h"
#include "kern/tracepoints.h"
#include "kern/uapi.h"

#define CAP_SYS_PTRACE_BIT 19
#define CAP_SYS_ADMIN_BIT 21
#define CAP_PERFMON_BIT 38
#define CAP_BPF_BIT 39

static bool has_cap(int bit)
{
	static unsigned long long caps;
	static bool read_once;
	char line[256];
	FILE *f;

	if (!read_once) {
		read_once = true;
		f = fopen("/proc/self/status", "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "CapEff: %llx", &caps) == 1)
				break;
		if (f)
			fclose(f);
	}
	return caps >> bit & 1;
}

static bool probe_btf(const char **why)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return true;
	*why = errno == ENOENT ? "the kernel was built without CONFIG_DEBUG_INFO_BTF" :
				 "cannot read /sys/kernel/btf/vmlinux";
	return false;
}

static bool probe_privilege(const char **why)
{
	if (has_cap(CAP_SYS_ADMIN_BIT) || (has_cap(CAP_BPF_BIT) && has_cap(CAP_PERFMON_BIT)))
		return true;
	*why = "run it with sudo, or with CAP_BPF and CAP_PERFMON as ambient capabilities";
	return false;
}

static bool probe_ptrace(const char **why)
{
	if (has_cap(CAP_SYS_PTRACE_BIT))
		return true;
	*why = "only processes of the same user";
	return false;
}

static bool probe_lockdown(const char **why)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	/* No file: securityfs is not mounted or there is no such thing as lockdown; bpf() itself will tell. */
	if (!f)
		return true;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	if (!strstr(text, "[confidentiality]"))
		return true;
	*why = "lockdown=confidentiality";
	return false;
}

static bool probe_bpf(const char **why)
{
	int fd = uprobe_trivial_program(0);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	switch (-fd) {
	case ENOSYS: *why = "the kernel was built without CONFIG_BPF_SYSCALL"; break;
	case EPERM: *why = "bpf() is not permitted (privileges, seccomp of a container, or lockdown)"; break;
	case EINVAL: *why = "the kernel was built without CONFIG_BPF_EVENTS"; break;
	default: *why = "bpf() rejects a program of type kprobe"; break;
	}
	return false;
}

static bool probe_ringbuf(const char **why)
{
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1)
		return true;
	*why = "needs Linux 5.8";
	return false;
}

static bool probe_cookie(const char **why)
{
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie, NULL) == 1)
		return true;
	*why = "needs Linux 5.15";
	return false;
}

static bool probe_uprobe_perf(const char **why)
{
	if (uprobe_pmu_type() >= 0)
		return true;
	*why = "no /sys/bus/event_source/devices/uprobe: CONFIG_UPROBE_EVENTS is off, or sysfs is not mounted";
	return false;
}

/*
 * uprobe_multi came with 6.6 (commit 89ae89f53d20), but until 6.10 (46ba0e49b642) its pid filter matched one thread
 * instead of the process. Both can be told from the error codes for arguments that are wrong anyway: "/" is no regular
 * file (EBADF where the attach type is known), and a negative pid is EINVAL since the fix, ESRCH before.
 */
static bool probe_uprobe_multi(const char **why)
{
	const uint64_t offset = 0;
	int known = -1, fixed = -1, fd = uprobe_trivial_program(UAPI_TRACE_UPROBE_MULTI);

	if (fd >= 0) {
		known = uprobe_multi_link(fd, UPROBE_ENTRY, "/", &offset, NULL, NULL, 1, 0);
		fixed = uprobe_multi_link(fd, UPROBE_ENTRY, "/", &offset, NULL, NULL, 1, -1);
		close(fd);
	}
	if (known == -EBADF && fixed == -EINVAL)
		return true;
	*why = known == -EBADF ? "its pid filter matches one thread only (fixed in Linux 6.10); using perf uprobes "
				 "instead" :
				 "needs Linux 6.6; using perf uprobes instead";
	return false;
}

/* Perf's uretprobes are as old as its uprobes, but a kernel may have been built without them. */
static bool probe_return(const char **why)
{
	if (feature(FEATURE_UPROBE_MULTI, NULL) || uprobe_pmu_return_bit() >= 0)
		return true;
	*why = "no /sys/bus/event_source/devices/uprobe/format/retprobe";
	return false;
}

/* Linux 6.13, commit d920179b3d48. "/" is no regular file, which is looked at if the attach type is known. */
static bool probe_uprobe_session(const char **why)
{
	const uint64_t offset = 0;
	int known = -1, fd = uprobe_trivial_program(UAPI_TRACE_UPROBE_SESSION);

	if (fd >= 0) {
		known = uprobe_multi_link(fd, UPROBE_SESSION, "/", &offset, NULL, NULL, 1, 0);
		close(fd);
	}
	if (known == -EBADF)
		return true;
	*why = "needs Linux 6.13; probing the return of every call instead";
	return false;
}

static bool probe_return_seccomp(const char **why)
{
	int err = returns_try_seccomp();

	if (!err)
		return true;
	*why = err == -EACCES ? "the kernel kills such a process at a uretprobe (Linux 6.11 to 6.13)" :
				"cannot be tested";
	return false;
}

static bool is_linux(int major, int minor)
{
	struct utsname u;
	int this_major = 0, this_minor = 0;

	return !uname(&u) && sscanf(u.release, "%d.%d", &this_major, &this_minor) == 2 &&
	       (this_major > major || (this_major == major && this_minor >= minor));
}

/* bpf_rdonly_cast(), commit a35b9af4ec2c. */
static bool probe_direct(const char **why)
{
	if (is_linux(6, 2))
		return true;
	*why = "needs Linux 6.2; copying stacks instead";
	return false;
}

static bool probe_find_vma(const char **why)
{
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_find_vma, NULL) == 1)
		return true;
	*why = "needs Linux 5.17; at most 500 executable mappings per process are known";
	return false;
}

static bool probe_nops(const char **why)
{
	if (is_linux(6, 18))
		return true;
	*why = "needs Linux 6.18; using other sites";
	return false;
}

static bool probe_rss(const char **why)
{
	if (feature(FEATURE_DIRECT, NULL))
		return tracepoints_for_rss(why);
	*why = "needs Linux 6.2";
	return false;
}

/* A kernel that is locked down for confidentiality lets nobody read its memory and stacks. */
static bool probe_kernel(const char **why)
{
	return feature(FEATURE_LOCKDOWN, why) && tracepoints_for_kernel(why);
}

const struct feature_info feature_infos[FEATURE_MAX] = {
	[FEATURE_BTF] = {"BTF", "kernel types at /sys/kernel/btf/vmlinux", true, false, probe_btf},
	[FEATURE_PRIVILEGE] = {"privileges", "CAP_BPF and CAP_PERFMON", true, false, probe_privilege},
	[FEATURE_PTRACE] = {"CAP_SYS_PTRACE", "processes of other users", false, false, probe_ptrace},
	[FEATURE_LOCKDOWN] = {"no lockdown", "a locked-down kernel may refuse BPF", false, false, probe_lockdown},
	[FEATURE_BPF] = {"BPF programs", "bpf() loads a probe's program", true, true, probe_bpf},
	[FEATURE_RINGBUF] = {"BPF ring buffer", "sends stacks, Linux 5.8", true, true, probe_ringbuf},
	[FEATURE_COOKIE] = {"probe cookies", "one program for all functions, Linux 5.15", true, true, probe_cookie},
	[FEATURE_UPROBE_PERF] = {"perf uprobes", "attach through perf_event_open()", false, false, probe_uprobe_perf},
	[FEATURE_UPROBE_MULTI] = {"uprobe_multi", "attach all at once, Linux 6.10", false, true, probe_uprobe_multi},
	[FEATURE_RETURN] = {"uretprobes", "live blocks: address that an allocator returns", false, false,
			    probe_return},
	[FEATURE_UPROBE_SESSION] = {"uprobe session", "live blocks: no uretprobe if not sampled, Linux 6.13",
				    false, true, probe_uprobe_session},
	[FEATURE_RETURN_SECCOMP] = {"seccomp spared", "live blocks of sandboxed processes, Linux 6.14", false, true,
				    probe_return_seccomp},
	[FEATURE_DIRECT] = {"direct loads", "reads stacks in place, without a copy, Linux 6.2", false, false,
			    probe_direct},
	[FEATURE_FIND_VMA] = {"mappings asked", "finds unwind tables of any number of files, Linux 5.17", false, true,
			      probe_find_vma},
	[FEATURE_NOPS] = {"nops emulated", "multi-byte nop as cheap probe site, Linux 6.18", false, false, probe_nops},
	[FEATURE_RSS] = {"resident pages", "--view rss, Linux 6.2", false, false, probe_rss},
	[FEATURE_KERNEL] = {"kernel memory", "--kernel, Linux 6.1", false, false, probe_kernel},
};

bool feature(enum feature f, const char **why)
{
	static struct {
		bool known, yes;
		const char *why;
	} results[FEATURE_MAX];

	if (!results[f].known) {
		results[f].yes = feature_infos[f].probe(&results[f].why);
		results[f].known = true;
	}
	if (why)
		*why = results[f].why;
	return results[f].yes;
}

int features_require(void)
{
	const char *why, *lock;
	bool locked = !feature(FEATURE_LOCKDOWN, &lock);

	/* Privileges first: without them the other answers mean nothing. */
	if (!feature(FEATURE_PRIVILEGE, &why))
		return fail(-EPERM, "tracing needs CAP_BPF and CAP_PERFMON: %s", why);
	for (int f = 0; f < FEATURE_MAX; f++) {
		if (!feature_infos[f].required || feature(f, &why))
			continue;
		return fail(-ENOTSUP, "this kernel cannot run alloctrace: %s: %s%s%s (see `alloctrace check`)",
			    feature_infos[f].name, why, locked ? "; " : "", locked ? lock : "");
	}
	if (!feature(FEATURE_UPROBE_MULTI, NULL) && !feature(FEATURE_UPROBE_PERF, &why))
		return fail(-ENOTSUP, "this kernel cannot run alloctrace: no way to attach uprobes: %s", why);
	return 0;
}

enum attach_mode attach_mode_resolve(enum attach_mode mode)
{
	if (mode != ATTACH_AUTO)
		return mode;
	return feature(FEATURE_UPROBE_MULTI, NULL) ? ATTACH_MULTI : ATTACH_PERF;
}

const char *attach_mode_name(enum attach_mode mode)
{
	switch (mode) {
	case ATTACH_MULTI: return "uprobe_multi";
	case ATTACH_PERF: return "perf uprobes";
	case ATTACH_AUTO: break;
	}
	return "auto";
}
