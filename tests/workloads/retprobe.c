/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another tool's return probes: puts one on each function, for a process, through perf_event_open(), with a BPF program
 * that does nothing, and keeps them until it is killed.
 *
 * usage: retprobe PID FILE FUNCTION [FILE FUNCTION]...
 * On stdout: "ready" when they are in place.
 */
#include "workload.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PMU "/sys/bus/event_source/devices/uprobe/"

static void die(const char *what, const char *name)
{
	fprintf(stderr, "retprobe: %s: %s: %m\n", name, what);
	exit(1);
}

/* The number after the prefix in one of the files of the uprobe PMU. */
static unsigned long pmu(const char *name, const char *format)
{
	unsigned long value = 0;
	FILE *f = fopen(name, "r");

	if (!f || fscanf(f, format, &value) != 1)
		die("no uprobe PMU", name);
	fclose(f);
	return value;
}

static uint64_t offset_of(const char *elf, uint64_t vaddr)
{
	const Elf64_Ehdr *head = (const void *)elf;
	const Elf64_Phdr *ph = (const void *)(elf + head->e_phoff);

	for (size_t i = 0; i < head->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && vaddr - ph[i].p_vaddr < ph[i].p_filesz)
			return vaddr - ph[i].p_vaddr + ph[i].p_offset;
	return 0;
}

/* File offset of a function; the file is one that the tests trust. */
static uint64_t find(const char *file, const char *function)
{
	int fd = open(file, O_RDONLY);
	struct stat st;
	const char *elf;
	const Elf64_Ehdr *head;
	const Elf64_Shdr *sh;

	if (fd < 0 || fstat(fd, &st))
		die("open", file);
	elf = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (elf == MAP_FAILED)
		die("mmap", file);
	close(fd);
	head = (const void *)elf;
	sh = (const void *)(elf + head->e_shoff);
	for (size_t i = 0; i < head->e_shnum; i++) {
		const Elf64_Sym *sym = (const void *)(elf + sh[i].sh_offset);
		const char *names = elf + sh[sh[i].sh_link].sh_offset;

		if (sh[i].sh_type != SHT_SYMTAB && sh[i].sh_type != SHT_DYNSYM)
			continue;
		for (size_t n = sh[i].sh_size / sizeof(*sym); n; n--, sym++)
			if (sym->st_value && !strcmp(names + sym->st_name, function))
				return offset_of(elf, sym->st_value);
	}
	fprintf(stderr, "retprobe: %s: no function %s\n", file, function);
	exit(1);
}

static int load_nothing(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE, .insns = (uintptr_t)insns, .insn_cnt = 2,
		.license = (uintptr_t)"GPL",
	};

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	const int program = load_nothing();
	int event;

	if (program < 0)
		die("load", "BPF program");
	if (argc < 4 || argc % 2)
		return 2;
	attr.type = (uint32_t)pmu(PMU "type", "%lu");
	attr.config = 1ull << pmu(PMU "format/retprobe", "config:%lu");
	for (int i = 2; i < argc; i += 2) {
		attr.config1 = (uintptr_t)argv[i];
		attr.config2 = find(argv[i], argv[i + 1]);
		event = (int)syscall(SYS_perf_event_open, &attr, (pid_t)number(argv[1]), -1, -1, PERF_FLAG_FD_CLOEXEC);
		if (event < 0)
			die("perf_event_open", argv[i + 1]);
		if (ioctl(event, PERF_EVENT_IOC_SET_BPF, program))
			die("PERF_EVENT_IOC_SET_BPF", argv[i + 1]);
	}
	say("ready\n");
	pause();
	return 0;
}
