/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the BPF side unwinds by (bpf/unwind.bpf.h): the unwind table of every file that traced processes have mapped,
 * once for all of them. Tables are in place before the BPF side knows of the file, or of a mapping.
 */
#ifndef ALLOCTRACE_KERN_TABLES_H
#define ALLOCTRACE_KERN_TABLES_H

#include "image/image.h"
#include "kern/kern.h"
#include "model/unwind.h"
#include "proc/process.h"

struct unwind;
struct unwind_told;	/* what the BPF side knows of one process's mappings */

/* What is known of a module that is an ELF file; NULL: nothing. It stays; its unwind table is taken. */
typedef struct image *(*unwind_image_fn)(void *arg, uint32_t module);

/* Rows of a file's unwind table at most, for image_read(). */
size_t unwind_max_rows(const struct kern *k);

/* k must have been opened with unwind_tables. Everything is borrowed. image: NULL: files are read for their tables
 * alone. */
struct unwind *unwind_new(struct kern *k, const struct modules *modules, unwind_image_fn image, void *arg);
/* Before kern_close(). NULL is a no-op. */
void unwind_free(struct unwind *u);

/* Registers what p has mapped now with the BPF side, if that has changed, and sets p->start_stack. Cheap if not. What
 * can't be done is noted: stacks end there then, and say so. *told, of the caller, is NULL at first. */
void unwind_update(struct unwind *u, struct process *p, struct unwind_told **told);
/*
 * Registers a file, or the vDSO, for whatever process has it mapped, now or later; again, if its table had to make room
 * for others. Returns the module that the file is known as: another one, if the same inode came by another path (an
 * overlay's). What can't be done is noted.
 */
uint32_t unwind_tell(struct unwind *u, uint32_t module);

/* Nobody has the file mapped any more, nor will: its table goes, and the BPF side knows it no more. */
void unwind_release(struct unwind *u, uint32_t module);

/* The key of a file that was registered so. False: it was not. */
bool unwind_key(const struct unwind *u, uint32_t module, struct file_key *key);

/* The process is gone; *told is freed, and NULL then. */
void unwind_forget(struct unwind *u, struct unwind_told **told);
/* Frees it alone, where the BPF side goes, or no process is left to be unwound. NULL is a no-op. */
void unwind_told_free(struct unwind_told *told);

/* The BPF side met code of a file that it did not know, at an address that belongs to this module. False: the module
 * is not that file, as one whose content was rewritten. */
bool unwind_met(struct unwind *u, uint32_t module, const struct file_key *key);
/* What the BPF side has named so (FRAME_FILE), and its vaddr. False: nothing. */
bool unwind_name(const struct unwind *u, uint64_t name, uint32_t *module, uint64_t *vaddr);

/* The rule in force at a module's vaddr. False: none, or a gap. */
bool unwind_rule_at(struct unwind *u, uint32_t module, uint64_t vaddr, struct unwind_rule *rule);

struct unwind_usage {
	size_t tables, rows;		/* in use or kept */
	size_t table_bytes, kernel_bytes;
	size_t without_room;		/* files whose table did not fit */
	size_t files, file_bytes;	/* that the BPF side knows, and what that takes there */
	size_t parts_untold;		/* parts of files' code that had no room: stacks go on by frame pointer there */
};

struct unwind_usage unwind_usage(const struct unwind *u);

#endif
