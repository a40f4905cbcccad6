/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * USDT: probes that a program was compiled with. At each there is a nop in the code, and a note in .note.stapsdt says
 * where, which probe it is, and where its arguments are then:
 *
 *     8 bytes     8 bytes            8 bytes
 *    +-----------+------------------+-------------+--------------+----------+----------------------------+
 *    | address   | of .stapsdt.base | semaphore   | "otel_memory"| "alloc"  | "8@%rbx 8@%rax -4@-8(%rbp)"|
 *    +-----------+------------------+-------------+--------------+----------+----------------------------+
 *
 * The linker relocates what it knows to be an address, prelink does not: the section .stapsdt.base tells how far it has
 * moved. A semaphore is a 16-bit counter in the program's memory, which is raised while someone listens.
 */
#ifndef ALLOCTRACE_ELF_USDT_H
#define ALLOCTRACE_ELF_USDT_H

#include "elf/elffile.h"
#include "model/plan.h"

struct usdt_site {
	uint64_t vaddr;			/* of the nop */
	uint64_t semaphore;		/* vaddr; 0: none */
	const char *name, *args;	/* of the probe, and as the note has them */
};

struct usdt_sites {
	struct usdt_site *at;
	size_t n;
	uint8_t *data;		/* what the texts are in */
};

/* The sites of one provider, in the order of their notes, at most `most`. Nothing of them was checked but that their
 * texts end. 0 (also with none), or -ENOEXEC: the section is damaged; what came before is in *out. The caller calls
 * usdt_free(). */
int usdt_read(const struct elf_file *ef, const char *provider, size_t most, struct usdt_sites *out);
void usdt_free(struct usdt_sites *s);

/* Takes the first n arguments of a note's text apart. True, or *why is a static text: what it has that is not known. */
bool usdt_parse(const char *text, struct usdt_arg *args, size_t n, const char **why);
/* Bytes of the nop that the code has there, 0: the instruction is none. */
size_t usdt_nop(const struct elf_file *ef, uint64_t vaddr);

#endif
