/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people call a container, from the files that its runtime keeps of it; no daemon is asked.
 *
 *     docker      /var/lib/docker/containers/ID/config.v2.json                      "Name"
 *     containerd  /run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json   annotations
 *     podman,     /var/lib/containers/storage/overlay-containers/containers.json    "names"
 *     CRI-O       (and others like it)
 *
 * Of a user's containers, those below the user's home directory. That is the user's to fill: no link, no other file
 * system, and no other user's file is followed there. Whatever is not as expected has no name.
 */
#ifndef ALLOCTRACE_PROC_CONTAINER_NAME_H
#define ALLOCTRACE_PROC_CONTAINER_NAME_H

#include "proc/container.h"

struct container_names;

/* root: stands before all paths, for tests; "" otherwise. It is copied. */
struct container_names *container_names_new(const char *root);
/* NULL is a no-op. */
void container_names_free(struct container_names *n);

/* Looks for c->id, and puts what was found into c->name. Of a runtime that the path did not show (c->runtime
 * "container" or "kubernetes"), c->runtime becomes the one whose file was found. Names of Kubernetes are
 * NAMESPACE/POD/CONTAINER. Names with control characters, or of more than CONTAINER_NAME_MAX bytes, are not taken. */
void container_names_find(struct container_names *n, struct container *c);

#define CONTAINER_NAME_MAX 255

#endif
