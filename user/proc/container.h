/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which container, and which unit of systemd, a cgroup belongs to, by its path alone. Text in, text out: no file is
 * read (that is proc/container_name.h).
 *
 *     /system.slice/docker-<id>.scope               docker, systemd as cgroup driver
 *     /docker/<id>                                  docker, cgroupfs as cgroup driver
 *     /kubepods.slice/.../cri-containerd-<id>.scope containerd, in a pod
 *     /kubepods/burstable/pod<uid>/<id>             a pod's container, runtime not known
 *     /machine.slice/machine-deb.scope/payload      systemd-nspawn
 *
 * Who owns a container, or a user's slice, may make any cgroups below. So the outermost name counts, and what is below
 * cannot pass for another container or unit; only a pod's containers are told apart.
 */
#ifndef ALLOCTRACE_PROC_CONTAINER_H
#define ALLOCTRACE_PROC_CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

struct container {
	const char *runtime;	/* static: "docker", ...; "kubernetes": of a pod; "container": not known; NULL: none */
	char *id;		/* as the path has it; of a pod, its UID; NULL: there is none */
	char *name;		/* where the path has one (LXC, nspawn, virtual machines); NULL */
	char *unit;		/* "nginx.service", "user-1000.slice"; NULL */
	bool of_user;		/* below a user's slice, */
	uid_t uid;		/* that of this user */
};

/* *out is the caller's, for container_free(). */
void container_of_path(const char *path, struct container *out);
void container_free(struct container *c);

#endif
