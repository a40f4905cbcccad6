/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of tracing: the processes, the files they have mapped, the probes in them, and the profile that comes of it.
 * Keeps itself current: files mapped later, exec, exit.
 */
#ifndef ALLOCTRACE_TRACE_TRACER_H
#define ALLOCTRACE_TRACE_TRACER_H

#include "base/buf.h"
#include "kern/kern.h"
#include "kern/resident.h"
#include "model/profile.h"
#include "model/recording.h"
#include "proc/process.h"
#include "trace/collector.h"
#include "trace/golive.h"

struct tracer;

/* Returns 0, or -errno after logging an error. */
int tracer_open(const struct kern_options *o, struct tracer **out);
/* NULL is a no-op. */
void tracer_close(struct tracer *t);

/* Attaches to a running process that process_check() has passed. Returns 0, or -errno after logging an error;
 * -ENOENT: it has no allocator function. Then nothing of it stays. */
int tracer_add(struct tracer *t, pid_t pid);

/* In a wide run (kern_options.wide): every process that is there, or comes, and that the rules take. Ourselves and what
 * started us are left out. Returns 0, or -errno after logging an error. */
int tracer_add_all(struct tracer *t);

/* A command that is launched: call before its exec; then tracer_held() often, and when it was found stopped. */
int tracer_hold(struct tracer *t, pid_t pid);
/* stopped: it is, or was when its parent looked. True if it is we who stopped it: probes are attached to what it has
 * mapped by now, and it is to be continued (SIGCONT). Where a stop does not come, probes are attached without it, and
 * the summary says so. */
bool tracer_held(struct tracer *t, bool stopped);

/* Takes in process events and stacks. Call when one of the fds is readable, and every TRACER_POLL_MS. Returns 0, or
 * -errno after logging an error. */
#define TRACER_POLL_MS 50
int tracer_poll(struct tracer *t);
/* Another thread reads files of a copy of tracer_modules(): until that is over none is closed. */
void tracer_lend_files(struct tracer *t, bool lent);
int tracer_events_fd(const struct tracer *t);
int tracer_frames_fd(const struct tracer *t);
/* The process is gone: its mappings are remembered. */
void tracer_exited(struct tracer *t, pid_t pid);
/* The launched command has ended, and will be gone when it is reaped: what is asked of it later is read now. */
void tracer_before_reap(struct tracer *t);
/* What programs and their allocators have mapped (kern_options.maps), as of the last tracer_collect(). False: it is not
 * asked for. */
bool tracer_maps(const struct tracer *t, struct collected_maps *out);
/* What all processes may read: the rights of one if they are all the same. */
struct rights tracer_rights(struct tracer *t);

/*
 * Takes the probes on allocator functions out of every process for a while, and puts them back: no file is read and no
 * plan made again. What is mapped meanwhile gets its probes at the end. Detaching waits some 30 to 60 ms for the kernel
 * per link (uprobe_multi: a file in a process), during which probes may still be hit: kern_stop() is for not counting
 * them. tracer_resume() returns 0, or -errno after logging an error.
 */
void tracer_pause(struct tracer *t);
int tracer_resume(struct tracer *t);

void tracer_detach(struct tracer *t);
/* Who came and went so far, of a wide run; all but `selection`. Zeroes if it is none. */
void tracer_host(const struct tracer *t, struct recording_host *out);
/* What is traced, for people: its processes; of a wide run, those that were chosen. Appends. */
void tracer_describe(const struct tracer *t, struct buf *out);
/* Processes that are followed and have not ended; 0: none is followed. */
size_t tracer_followed(const struct tracer *t);
bool tracer_is_wide(const struct tracer *t);
/* And every process is, that the rules take. */
bool tracer_is_host(const struct tracer *t);
/* CPUs that a budget of 100 % would be: those of the machine where every process is traced, else one for each process
 * that runs. */
double tracer_cpus(const struct tracer *t);
/* Calls back for each group of a wide run, with what its processes have done so far. 0 or -errno after logging an
 * error. */
int tracer_group_work(struct tracer *t, void (*take)(void *arg, uint64_t program, const struct group_work *w),
		      void *arg);
/* kern_set_group_law(). */
void tracer_set_group_law(struct tracer *t, uint64_t program, uint64_t law);
/* The group (struct member, program) of a task of the profile; 0: it is not known. */
uint64_t tracer_program_of(const struct tracer *t, uint32_t task);
/* Brings the profile up to date. Returns 0, or -errno after logging an error. */
int tracer_collect(struct tracer *t, const struct collect_options *o);

/* There are Go programs, and the runtimes of all of them take samples. */
bool tracer_go_samples(struct tracer *t);
/* Their rate, of those that were recorded, in bytes; 0: rates differ, or there are none. */
uint64_t tracer_sampler_rate(const struct tracer *t);
/* Go's allocations are recorded by these samples. */
bool tracer_goes_by_samples(const struct tracer *t);
/* A process tells of its own samples by USDT probes, and these are recorded. */
bool tracer_goes_by_usdt(const struct tracer *t);
/* From now on: kern_go_by_samples(). */
void tracer_go_by_samples(struct tracer *t);
/* By calls again. 0 or -errno after logging an error. */
int tracer_go_by_calls(struct tracer *t);
/* What the last tracer_collect() read of Go's records. */
struct golive_sums tracer_go(const struct tracer *t);
/* A process is there whose records can be read, whether or not it has probes. */
bool tracer_has_go(const struct tracer *t);

/* The profile may be moved away (profile_move()) when nothing is collected any more. */
struct profile *tracer_profile(struct tracer *t);
const struct modules *tracer_modules(const struct tracer *t);
const struct processes *tracer_processes(const struct tracer *t);

/* What the BPF side counts, and how much of it (kern/kern.h has them under the same names). */
void tracer_counts(const struct tracer *t, uint64_t counts[COUNT_MAX]);
struct heap tracer_heap(const struct tracer *t);
/* What is resident of all processes, as of the latest tracer_collect(); false: that is not followed. */
bool tracer_resident(const struct tracer *t, struct resident_totals *out);
uint32_t tracer_mark(struct tracer *t);
void tracer_set_sample_law(struct tracer *t, uint64_t law);
uint64_t tracer_sample_law(const struct tracer *t);
bool tracer_exact(const struct tracer *t);
/* Nothing is counted from here on; and again. */
void tracer_stop_counting(struct tracer *t);
void tracer_go_on_counting(struct tracer *t);
void tracer_set_window_factor(struct tracer *t, uint64_t factor);
void tracer_guard(struct tracer *t, bool on);
/* Messages on sockets, of these processes alone; how many so far. */
int tracer_count_messages(struct tracer *t);
void tracer_count_messages_of(struct tracer *t, pid_t pid);
uint64_t tracer_messages(const struct tracer *t);
/* What a hit costs as this run attaches, walks stacks of that depth, and with the dearest of its probes. */
double tracer_trap_ns(struct tracer *t);
int tracer_calibrate(const struct tracer *t, unsigned int depth, struct hit_cost *hit);
/* How much more a hit takes, in ns, of a probe whose instruction is single-stepped; 0: that is measured already, or not
 * known. */
double tracer_step_ns(const struct tracer *t, unsigned int depth, const struct hit_cost *hit);
struct calibration *tracer_calibrate_begin(const struct tracer *t, unsigned int depth);
/* From any thread: kern_end(), and kern_end_wait(). */
void tracer_end(struct tracer *t);
void tracer_end_wait(struct tracer *t);

/* "glibc 2.36 + jemalloc": of the files whose functions were called; if none was, of all that have probes. Appends
 * nothing if there are none. */
void tracer_allocators(const struct tracer *t, struct buf *out);
/* What is there and may be called, but is not traced, with the reasons: "malloc of libx.so: …; …". Appends nothing if
 * there is no such thing. */
void tracer_gaps(const struct tracer *t, struct buf *out);
/* Says why `who` ("process 12 (nginx)", a command) has no probe. -ENOENT. */
int tracer_fail_without_probes(const struct tracer *t, const char *who);
/* Every file and function of the command line was found. Returns 0, or -ENOENT after logging an error. */
int tracer_check_named(const struct tracer *t);
/* Probes attached so far, over all processes. */
size_t tracer_probes(const struct tracer *t);
/* An executable that seems to copy its own code was not probed, which was logged. */
bool tracer_refused(const struct tracer *t);
/* A process has mapped a 32-bit ELF file. */
bool tracer_saw_32bit(const struct tracer *t);
/* Since the last tracer_collect(): calls without frames; of these, those for which there was no memory; and frames per
 * call on average. */
uint64_t tracer_lost_frames(const struct tracer *t);
uint64_t tracer_lost_room(const struct tracer *t);
double tracer_mean_depth(const struct tracer *t);

#endif
