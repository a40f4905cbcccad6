/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules: what code belongs to. An ELF file that a process has mapped, the vDSO, a process's anonymous executable
 * memory (a JIT's), or nothing known. A frame is (module, address): for ELF and vDSO the address is a vaddr of the
 * file, for the others an address of the process.
 */
#ifndef ALLOCTRACE_MODEL_MODULE_H
#define ALLOCTRACE_MODEL_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/map.h"
#include "base/mem.h"

enum module_kind {
	MODULE_UNKNOWN,	/* id 0 of every table: addresses of no known mapping */
	MODULE_ELF,
	MODULE_VDSO,	/* one for all processes */
	MODULE_JIT,	/* anonymous executable memory of process `pid` */
	MODULE_KERNEL,	/* the kernel, a module of it, or BPF programs; numbers are in recordings */
};

#define MODULE_KERNEL_PATH "[kernel.kallsyms]"

/* No module: a frame of it stands for those that may be missing between the two around it. */
#define MODULE_UNCERTAIN UINT32_MAX

struct module {
	enum module_kind kind;
	/* as the target sees it, without " (deleted)"; "[vdso]", "[anon]", "[unknown]", MODULE_KERNEL_PATH, "[ext4]" */
	char *path;
	char *shown;	/* path as people see it: it can be taken for no mark of ours (text_name()) */
	uint64_t dev, ino;
	int fd;		/* the file (MODULE_JIT: the jitdump), open for reading, owned; -1 where there is none open */
	int probe_fd;	/* where fd is a copy in memory, as of a file whose server may not answer: what stands for the
			 * file itself (O_PATH), owned; else -1 */
	uint32_t pid;	/* a process that has (had) it mapped: for /proc/PID/root and perf-PID.map */
	uint32_t uid;	/* MODULE_JIT: owner of the process, for the check of perf-PID.map */
	struct timespec written;	/* when the content was last changed, as fd was opened */
	bool deleted;	/* the file was unlinked or replaced when it was seen */
	/* Distinguishes the file from others of its name, once modules_identify() has read it; owned; NULL: it has
	 * none, or nobody asked. */
	char *build_id;	/* hexadecimal */
	uint64_t text_vaddr, text_offset, text_bytes;	/* its first executable segment, from the page's beginning on */
	bool identified;
};

#define MODULES_MAX 65536			/* ids have 16 bits in the BPF side */
#define MODULES_OPEN_MAX 16384			/* files that are kept open; or three in four that may be */
/* Of these, files that have no name any more: as many as half of them, which leaves room for those that the program
 * came with, and so many bytes on disks. */
#define MODULES_DELETED_BYTES (1ULL << 30)

struct modules {
	vec_of(struct module *) list;	/* index = id */
	struct u64map by_key;
	size_t n_open, open_max;
	/* As counted last, and of files that had no name when they came since; */
	size_t n_deleted;
	uint64_t deleted_bytes;
	uint64_t uncounted_bytes;	/* and of all files that came since */
	uint64_t left_out;		/* files that are not kept, because of the bounds */
};

/* Makes id 0. */
void modules_init(struct modules *m);
/* Finds or adds; fd is taken over (closed if the file is known already and open). Keyed by (dev, ino); a file that
 * was written to since its module was opened is another one from then on. Beyond the bounds above files are closed,
 * and beyond MODULES_MAX they are id 0: the first is logged, and they count. */
uint32_t modules_file(struct modules *m, const char *path, uint64_t dev, uint64_t ino, int fd, uint32_t pid,
		      bool deleted);
/* fd, of modules_file(), is a copy: probes go to probe_fd, which is taken over. */
void modules_set_probe_fd(struct modules *m, uint32_t id, int probe_fd);
/* Is the file with that path, device and inode known, and a copy? Then *id is its module. */
bool modules_find_copy(const struct modules *m, const char *path, uint64_t dev, uint64_t ino, uint32_t *id);
/* Nobody has the file mapped any more: it is closed, and another module if it is opened again. What frames say of it
 * stays true. */
void modules_release(struct modules *m, uint32_t id);
/* The descriptor that has the file's own inode; -1: none. */
int module_inode_fd(const struct module *mod);
uint32_t modules_vdso(struct modules *m, uint32_t pid);
uint32_t modules_jit(struct modules *m, uint32_t pid, uint32_t uid);
/* path: MODULE_KERNEL_PATH, or a module's name in brackets. */
uint32_t modules_kernel(struct modules *m, const char *path);
/* The file where the JIT of module id records its code (sym/jitdump.h); fd is taken over. The latest one holds. */
void modules_set_jitdump(struct modules *m, uint32_t id, int fd);
/* The open file still has the content that it had when it was opened: what it says is true of the module. */
bool module_is_current(const struct module *mod);
const struct module *modules_get(const struct modules *m, uint32_t id);
/* Last part of `shown`. */
const char *module_basename(const struct module *mod);
void modules_free(struct modules *m);
/* Makes `to` (zeroes at first) a copy of `from` as it is now, for modules_get() from another thread: ids are the same,
 * a module stays where it is, paths and open files are borrowed, and what modules_identify() finds is the copy's. */
void modules_follow(struct modules *to, const struct modules *from);
void modules_unfollow(struct modules *to);

#endif
