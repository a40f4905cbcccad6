/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a process is: its cgroup, the unit of systemd, the container. Asked by the number that the kernel has for a
 * cgroup, or by process; what was asked once is kept, so that a container has its name after it has gone.
 *
 * A number is turned into a path by open_by_handle_at(), which takes CAP_DAC_READ_SEARCH, and else by a search for the
 * directory with that inode number. Each hierarchy has numbers of its own: v2, and v1's memory controller, which a
 * hybrid system has beside it.
 */
#ifndef ALLOCTRACE_PROC_CGROUP_H
#define ALLOCTRACE_PROC_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroups;	/* for one thread */

/* Which hierarchy a number is of. */
enum cgroup_hierarchy {
	CGROUP_NONE,		/* none is mounted: no number has a path */
	CGROUP_V1_MEMORY,
	CGROUP_V2,
	CGROUP_HIERARCHIES,
};

struct cgroup_place {
	/* In that hierarchy: "/system.slice/nginx.service". NULL: not known. */
	const char *path;
	const char *unit;	/* "nginx.service"; NULL */
	/* "docker", "containerd", "cri-o", "podman", "buildkit", "lxc", "nspawn", "qemu"; "kubernetes": a pod, or its
	 * container by an unknown runtime; "container": not known. NULL: it is no container. */
	const char *runtime;
	const char *id;		/* whole, as the path has it; of a pod, its UID; NULL */
	const char *name;	/* the runtime's name of it, or the first 12 hexadecimal digits of the id; NULL: no
				 * container */
	const char *container;	/* "docker:web", which is what is shown; NULL: no container */
};

#define CGROUPS_MAX 65536	/* paths that are kept; further cgroups are not known, which is logged once */

struct cgroups *cgroups_new(void);
/* NULL is a no-op. */
void cgroups_free(struct cgroups *c);
/* v2 if it is mounted, on a hybrid system, too; otherwise v1's memory controller. */
enum cgroup_hierarchy cgroups_hierarchy(const struct cgroups *c);

/* which: the hierarchy; id: as the BPF helper bpf_get_current_cgroup_id has it, which is the inode number of the
 * cgroup's directory. Never NULL, and valid until cgroups_free(), as all texts of it are. All members are NULL if it is
 * not known: it has gone, or nobody may look. */
const struct cgroup_place *cgroups_by_id_in(struct cgroups *c, enum cgroup_hierarchy which, uint64_t id);
/* Where the process is now, by /proc/PID/cgroup; likewise. If it is in v2's root: by v1's memory controller, or by
 * systemd's hierarchy. */
const struct cgroup_place *cgroups_of_pid(struct cgroups *c, pid_t pid);
/* By its path, as struct cgroup_place has it; likewise. */
const struct cgroup_place *cgroups_by_path(struct cgroups *c, const char *path);
/* Calls take() for each cgroup of the hierarchy (the root, too), in no order. Returns 0, or -errno without a message:
 * -ENOENT without it. Cgroups that come or go meanwhile may be left out. */
int cgroups_each_in(struct cgroups *c, enum cgroup_hierarchy which,
		    void (*take)(void *arg, uint64_t id, const struct cgroup_place *p), void *arg);

/* For tests: all files (/proc, /sys, /var, /run, /etc) are below root, an ordinary directory, where numbers are those
 * of inodes. */
struct cgroups *cgroups_new_below(const char *root);

#endif
