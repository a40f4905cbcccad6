/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A perf event that counts nothing (PERF_COUNT_SW_DUMMY) on each CPU, for any process, whose ring gets the side-band
 * records: MMAP2, COMM, FORK, EXIT. Each ends with the sample id that was asked for (sample_id_all):
 *
 *	+----------------+--------------------------+-----------+---------+
 *	| header         | fields of the type       | u32 pid   | u64     |
 *	| type misc size | (a name padded to 8)     | u32 tid   | time    |
 *	+----------------+--------------------------+-----------+---------+
 *	                                             PERF_SAMPLE_TID  _TIME
 *
 * The order over CPUs: a process's own records may lie in several rings, so all heads are read first, quickly, and
 * what lies before them is merged by time. Left out of order is only what a CPU has given a time but not yet
 * published at that moment (microseconds; longer if the hypervisor takes the CPU away just there). The users of these
 * records bear that.
 */
#include "proc/events.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/*
 * Pages of a ring, a power of two. A program that is started writes about ten records of 100 bytes; 256 KiB hold what
 * one CPU can do in a quarter of a second of nothing but starting programs (1 ms each). That is longer than
 * alloctrace stays away but for a large report, and a loss only costs a reading of /proc/PID/maps. It also fits
 * perf_event_mlock_kb (516 KiB a CPU) for users without CAP_IPC_LOCK.
 */
#define RING_PAGES 64

struct ring {
	int fd;
	struct perf_event_mmap_page *page;	/* followed by the data */
	uint64_t head;				/* as of this poll */
};

struct record {
	uint64_t time_ns;
	size_t at;	/* index in task_events.words */
	size_t seq;	/* keeps a ring's own order where times are equal */
};

struct task_events {
	bool mappings;	/* are asked for */
	int epfd;
	size_t page_size, data_size;
	vec_of(struct ring) rings;
	vec_of(uint64_t) words;	/* the records as they are, 8-byte aligned */
	vec_of(struct record) records;
};

static int open_dummy(int cpu, bool mappings)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.mmap = mappings,	/* executable ones; others would be mmap_data */
		.mmap2 = mappings,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.exclude_kernel = 1,	/* no symbols and modules of the kernel's, and less privilege needed */
		.exclude_hv = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int fail_open(int err, int cpu)
{
	if (err == -EACCES || err == -EPERM)
		return fail(err, "cannot watch for new mappings (perf_event_open: %s): this requires root, "
				 "CAP_PERFMON, or kernel.perf_event_paranoid <= 0", strerror(-err));
	if (err == -EMFILE)
		return fail(err, "cannot watch for new mappings: too many open files; raise the limit (ulimit -n)");
	return fail(err, "cannot watch for new mappings on CPU %d (perf_event_open): %s", cpu, strerror(-err));
}

/* A CPU that is offline (-ENODEV) is left out. */
static int add_cpu(struct task_events *te, int cpu)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct ring r = {.fd = open_dummy(cpu, te->mappings)};
	int err;

	if (r.fd < 0)
		return errno == ENODEV ? 0 : fail_open(-errno, cpu);
	r.page = mmap(NULL, te->page_size + te->data_size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	if (r.page == MAP_FAILED) {
		err = fail(-errno,
			   "cannot map the ring buffer of CPU %d (%d KiB): %s; raise kernel.perf_event_mlock_kb, or "
			   "run alloctrace as root",
			   cpu, (int)(te->data_size >> 10), strerror(errno));
		close(r.fd);
		return err;
	}
	vec_push(&te->rings, r);
	ev.data.u32 = te->rings.n - 1;
	if (epoll_ctl(te->epfd, EPOLL_CTL_ADD, r.fd, &ev))
		return fail(-errno, "cannot watch the ring buffer of CPU %d: %s", cpu, strerror(errno));
	return 0;
}

/* "0-3,8": every CPU that is online. */
static int add_cpus(struct task_events *te, const char *list)
{
	int first, last, n, err = 0;

	while (!err && sscanf(list, "%d%n", &first, &n) == 1) {
		list += n;
		last = first;
		if (sscanf(list, "-%d%n", &last, &n) == 1)
			list += n;
		for (int cpu = first; cpu <= last && !err; cpu++)
			err = add_cpu(te, cpu);
		if (*list++ != ',')
			break;
	}
	return err;
}

int task_events_open(bool mappings, struct task_events **out)
{
	struct task_events *te = xcalloc(1, sizeof(*te));
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	char list[4096] = "";
	int err;

	te->mappings = mappings;
	te->page_size = sysconf(_SC_PAGESIZE);
	te->data_size = RING_PAGES * te->page_size;
	te->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!f || !fgets(list, sizeof(list), f))
		snprintf(list, sizeof(list), "0-%ld", sysconf(_SC_NPROCESSORS_CONF) - 1);
	if (f)
		fclose(f);
	if (te->epfd < 0)
		err = fail(-errno, "cannot create an epoll descriptor: %s", strerror(errno));
	else
		err = add_cpus(te, list);
	if (!err && !te->rings.n)
		err = fail(-ENODEV, "cannot watch for new mappings: cannot open any CPU of '%s'", list);
	if (err) {
		task_events_close(te);
		return err;
	}
	*out = te;
	return 0;
}

void task_events_close(struct task_events *te)
{
	if (!te)
		return;
	for (size_t i = 0; i < te->rings.n; i++) {
		munmap(te->rings.at[i].page, te->page_size + te->data_size);
		close(te->rings.at[i].fd);
	}
	if (te->epfd >= 0)
		close(te->epfd);
	vec_free(&te->rings);
	vec_free(&te->records);
	vec_free(&te->words);
	free(te);
}

int task_events_fd(const struct task_events *te)
{
	return te->epfd;
}

/* --- records */

struct sample_id {
	uint32_t pid, tid;
	uint64_t time;
};

struct rec_lost {
	struct perf_event_header header;
	uint64_t id, lost;
};

struct rec_comm {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[];
};

struct rec_task {	/* FORK and EXIT */
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct rec_mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
	char filename[];
};

/* Copies size bytes at position pos, which counts on for ever, out of the ring; they may go over its end. */
static void copy_out(const struct task_events *te, const struct ring *r, uint64_t pos, void *to, size_t size)
{
	const char *data = (const char *)r->page + te->page_size;
	size_t at = pos & (te->data_size - 1), first = te->data_size - at;

	if (first > size)
		first = size;
	memcpy(to, data + at, first);
	memcpy((char *)to + first, data, size - first);
}

static void keep(struct task_events *te, const struct ring *r, uint64_t pos, size_t size)
{
	struct record rec = {.at = te->words.n, .seq = te->records.n};
	char *copy;

	vec_grow(&te->words, te->words.n + (size + 7) / 8);
	copy = (char *)(te->words.at + rec.at);
	copy_out(te, r, pos, copy, size);
	te->words.n += (size + 7) / 8;
	memcpy(&rec.time_ns, copy + size - sizeof(rec.time_ns), sizeof(rec.time_ns));
	vec_push(&te->records, rec);
}

/* Moves what lies before r->head into te's memory; returns the number of records that were lost. */
static uint64_t drain(struct task_events *te, struct ring *r)
{
	uint64_t tail = r->page->data_tail, lost = 0;

	while (tail < r->head) {
		struct perf_event_header h;
		struct rec_lost rec;

		copy_out(te, r, tail, &h, sizeof(h));
		/* Cannot happen; but what cannot be stepped over ends the ring's contents, as a loss. */
		if (h.size < sizeof(h) || h.size > r->head - tail) {
			lost++;
			tail = r->head;
			break;
		}
		if (h.type == PERF_RECORD_LOST && h.size >= sizeof(rec)) {
			copy_out(te, r, tail, &rec, sizeof(rec));
			lost += rec.lost;
		} else if (h.size >= sizeof(h) + sizeof(struct sample_id)) {
			keep(te, r, tail, h.size);
		}
		tail += h.size;
	}
	/* The kernel may write over what is before tail once it sees the new one: all reading must be done. */
	__atomic_store_n(&r->page->data_tail, tail, __ATOMIC_RELEASE);
	return lost;
}

/* Is there, after `fixed` bytes of fields and before the sample id, a name with its NUL? */
static bool has_name(const struct perf_event_header *h, size_t fixed)
{
	size_t body = h->size - sizeof(struct sample_id);

	return body > fixed && memchr((const char *)h + fixed, '\0', body - fixed);
}

static bool decode_task(const struct perf_event_header *h, struct task_event *ev)
{
	const struct rec_task *rec = (const void *)h;

	if (h->size < sizeof(*rec) + sizeof(struct sample_id))
		return false;
	ev->pid = rec->pid;
	ev->tid = rec->tid;
	ev->kind = TASK_EXIT;
	if (h->type == PERF_RECORD_EXIT)
		return true;
	ev->kind = TASK_FORK;
	ev->parent = rec->ppid;
	ev->parent_tid = rec->ptid;
	/* A new thread is of its parent's process. */
	return rec->pid != rec->ppid;
}

static bool decode_comm(const struct perf_event_header *h, struct task_event *ev)
{
	const struct rec_comm *rec = (const void *)h;

	if (!has_name(h, sizeof(*rec)))
		return false;
	ev->kind = h->misc & PERF_RECORD_MISC_COMM_EXEC ? TASK_EXEC : TASK_RENAME;
	ev->pid = rec->pid;
	ev->tid = rec->tid;
	ev->name = rec->comm;
	return true;
}

static bool decode_mmap2(const struct perf_event_header *h, struct task_event *ev)
{
	const struct rec_mmap2 *rec = (const void *)h;

	if (!has_name(h, offsetof(struct rec_mmap2, filename)) || !(rec->prot & PROT_EXEC))
		return false;
	ev->kind = TASK_MMAP;
	ev->pid = rec->pid;
	ev->tid = rec->tid;
	ev->start = rec->addr;
	ev->len = rec->len;
	ev->offset = rec->pgoff;
	ev->dev = makedev(rec->maj, rec->min);
	ev->ino = rec->ino;
	ev->name = rec->filename;
	return true;
}

/* False for what is not passed on. h is 8-byte aligned, its size at least a header's and a sample id's. */
static bool decode(const struct perf_event_header *h, struct task_event *ev)
{
	bool wanted = false;

	switch (h->type) {
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		wanted = decode_task(h, ev);
		break;
	case PERF_RECORD_COMM:
		wanted = decode_comm(h, ev);
		break;
	case PERF_RECORD_MMAP2:
		wanted = decode_mmap2(h, ev);
		break;
	default:
		break;
	}
	/* The kernel's own mappings have pid -1; a process outside our pid namespace has 0. */
	return wanted && ev->pid > 0;
}

static int by_time(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

uint64_t task_events_poll(struct task_events *te, void (*on_event)(void *arg, const struct task_event *ev), void *arg)
{
	uint64_t lost = 0;

	te->words.n = te->records.n = 0;
	/* Acquire: the records before head are there to be read once head is. */
	for (size_t i = 0; i < te->rings.n; i++)
		te->rings.at[i].head = __atomic_load_n(&te->rings.at[i].page->data_head, __ATOMIC_ACQUIRE);
	for (size_t i = 0; i < te->rings.n; i++)
		lost += drain(te, &te->rings.at[i]);
	if (te->records.n)
		qsort(te->records.at, te->records.n, sizeof(*te->records.at), by_time);
	for (size_t i = 0; i < te->records.n; i++) {
		struct task_event ev = {.time_ns = te->records.at[i].time_ns};

		if (decode((const void *)(te->words.at + te->records.at[i].at), &ev))
			on_event(arg, &ev);
	}
	return lost;
}
