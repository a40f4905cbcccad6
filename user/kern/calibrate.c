// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a hit costs: the real program, on a function of our own, in an object of its own with small maps, so that the
 * run's counters stay clean. Time per call with the probe less the time per call without.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/log.h"
#include "kern/internal.h"
#include "kern/tables.h"
#include "sample.h"

#define CALLS 2000
#define ROUNDS 7

/* Of our own running: other programs that want the CPU are not part of the cost. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ns per call, the calls made under `depth` frames (we are built with frame pointers). volatile: no tail call. */
__attribute__((noinline))
static double run(void (*f)(size_t), unsigned depth)
{
	volatile double per_call;

	if (depth > 1) {
		per_call = run(f, depth - 1);
		return per_call;
	}
	uint64_t start = cpu_ns();

	for (int i = 0; i < CALLS; i++)
		f(1);
	per_call = (double)(cpu_ns() - start) / CALLS;
	return per_call;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_run(void (*f)(size_t), unsigned depth)
{
	double t[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		t[i] = run(f, depth);
	qsort(t, ROUNDS, sizeof(t[0]), compare);
	return t[ROUNDS / 2];
}

/* The file offset of an address of our own executable. */
static int own_offset(const void *addr, uint64_t *offset)
{
	unsigned long start, end, off, at = (unsigned long)addr;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "re");
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &off) == 3 && at >= start && at < end) {
			*offset = at - start + off;
			err = 0;
		}
	}
	fclose(f);
	return err;
}

void kern_guard(struct kern *k, bool on)
{
	struct links links = {0};
	uint64_t offset;
	int fd;

	if (!on || k->guard >= 0) {
		if (!on && k->guard >= 0) {
			links_close(&k->guard, 1, 1);
			k->guard = -1;
		}
		return;
	}
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!own_offset((const void *)arch_emulated, &offset) &&
	    !attach_uprobes(k->options.mode, bpf_program__fd(k->skel->progs.on_nothing), UPROBE_ENTRY,
			    (struct link){.pid = getpid()}, fd, &offset, NULL, NULL, 1, &links))
		k->guard = links.at[0].fd;
	vec_free(&links);
	close(fd);
}

double kern_trap_ns(struct kern *k)
{
	const double bare = median_run(arch_emulated, 1);
	double probed;

	kern_guard(k, true);
	if (k->guard < 0)
		return 0;
	probed = median_run(arch_emulated, 1);
	kern_guard(k, false);
	return fmax(probed - bare, 0);
}

/* Ourselves, as long as our unwind table is needed. */
struct own {
	struct modules modules;
	struct processes processes;
	struct unwind *unwind;
	struct unwind_told *told;
	struct image *exe;
	size_t max_rows;
};

static struct image *own_image(void *arg, uint32_t module)
{
	struct own *own = arg;
	const struct module *m = modules_get(&own->modules, module);
	const struct image_request r = {
		.path = m->path, .pid = (pid_t)m->pid, .wants = IMAGE_UNWIND, .max_rows = own->max_rows,
	};
	struct stat file, exe;

	/* Of the libraries only main()'s caller is on our stacks. */
	if (m->fd < 0 || fstat(m->fd, &file) || stat("/proc/self/exe", &exe) || file.st_ino != exe.st_ino ||
	    file.st_dev != exe.st_dev)
		return NULL;
	if (!own->exe && image_read(m->fd, &r, &own->exe))
		own->exe = NULL;
	return own->exe;
}

static int own_open(struct own *own, struct kern *k)
{
	struct process *p;
	int err;

	modules_init(&own->modules);
	processes_init(&own->processes, &own->modules);
	err = processes_add(&own->processes, getpid(), &p);
	if (!err && kern_unwinds_by_tables(k)) {
		own->max_rows = unwind_max_rows(k);
		own->unwind = unwind_new(k, &own->modules, own_image, own);
		unwind_update(own->unwind, p, &own->told);
	}
	return err;
}

static void own_close(struct own *own)
{
	unwind_told_free(own->told);
	unwind_free(own->unwind);
	image_free(own->exe);
	processes_free(&own->processes);
	modules_free(&own->modules);
}

int kern_calibrate(enum attach_mode mode, enum unwind_mode unwind, enum site_cost cost, unsigned depth,
		   struct hit_cost *hit)
{
	const struct kern_options o = {
		.max_stacks = 1024, .max_frames = STACK_MAX_FRAMES, .ring_bytes = 1 << 16, .max_size = UINT64_MAX,
		.sample_law = SAMPLE_ALL, .mode = mode, .unwind = unwind, .unwind_bytes = 4 << 20,
	};
	void (*f)(size_t) = cost == SITE_EMULATED ? arch_emulated : arch_stepped;
	struct plan_probe probe = {.skip_arg = SITE_NO_REG};
	struct plan plan = {.probes = &probe, .n_probes = 1};
	struct own own = {0};
	struct kern *k = NULL;
	double bare;
	int err, fd;

	memset(probe.site.arg_reg, abi_c.arg[0], sizeof(probe.site.arg_reg));
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = own_offset((const void *)f, &probe.file_offset);
	if (!err)
		err = kern_open(&o, &k);
	if (!err)
		err = own_open(&own, k);
	if (!err) {
		bare = median_run(f, depth);
		err = kern_attach(k, getpid(), fd, "alloctrace", 0, &plan, NULL);
	}
	if (!err) {
		hit->in_place = kern_reads_in_place(k);
		hit->recorded = fmax(median_run(f, depth) - bare, 0);
		kern_set_sample_law(k, SAMPLE_LAW(SAMPLE_MEAN_MAX, 1));
		hit->other = fmax(median_run(f, depth) - bare, 0);
	}
	own_close(&own);
	kern_close(k);
	close(fd);
	return err;
}

struct calibration {
	pid_t pid;
	int fd;		/* of a pipe, where the result comes */
};

struct calibration_result {
	int err;
	struct hit_cost hit;
};

struct calibration *kern_calibrate_begin(enum attach_mode mode, enum unwind_mode unwind, enum site_cost cost,
					 unsigned depth)
{
	struct calibration_result result;
	struct calibration *c;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return NULL;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Every probe is a file descriptor: one that we held would stay when the parent takes it out. */
		close_range(3, fds[1] - 1, 0);
		close_range(fds[1] + 1, ~0U, 0);
		result.err = kern_calibrate(mode, unwind, cost, depth, &result.hit);
		_exit(write(fds[1], &result, sizeof(result)) != sizeof(result));
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct calibration){.pid = pid, .fd = fds[0]};
	return c;
}

void kern_calibrate_cancel(struct calibration *c)
{
	if (!c)
		return;
	close(c->fd);
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(c);
}

int kern_calibrate_end(struct calibration *c, bool wait, struct hit_cost *hit)
{
	struct calibration_result result;
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	ssize_t n;

	while (poll(&p, 1, wait ? -1 : 0) < 0 && errno == EINTR)
		;
	if (!p.revents)
		return -EAGAIN;
	n = read(c->fd, &result, sizeof(result));
	kern_calibrate_cancel(c);
	if (n != sizeof(result))
		return -EIO;
	*hit = result.hit;
	return result.err;
}
