// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what the BPF side counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloctrace.skel.h"
#include "base/log.h"
#include "kern/internal.h"

#define BATCH 4096

void kern_counts(const struct kern *k, uint64_t counts[COUNT_MAX])
{
	int fd = bpf_map__fd(k->skel->maps.counts);

	memset(counts, 0, COUNT_MAX * sizeof(counts[0]));
	for (uint32_t c = 0; c < COUNT_MAX; c++) {
		if (bpf_map_lookup_elem(fd, &c, k->count_values))
			continue;
		for (int cpu = 0; cpu < k->n_cpus; cpu++)
			counts[c] += k->count_values[cpu];
	}
}

/*
 * In batches, by buckets: what is added to the table meanwhile may or may not be seen, nothing is seen twice. A bucket
 * larger than the batch is ENOSPC (kernel/bpf/hashtab.c __htab_map_lookup_and_delete_batch): twice the room then.
 */
int kern_sums(struct kern *k, void (*on_sum)(void *arg, uint64_t id, const struct stack_sum *sum), void *arg)
{
	uint32_t room = BATCH, in, out, n;
	uint64_t *keys = xcalloc(room, sizeof(*keys));
	struct stack_sum *sums = xcalloc(room, sizeof(*sums));
	int fd = bpf_map__fd(k->skel->maps.stacks), err;
	bool first = true;

	do {
		n = room;
		err = bpf_map_lookup_batch(fd, first ? NULL : &in, &out, keys, sums, &n, NULL) ? -errno : 0;
		if (err == -ENOSPC) {
			room *= 2;
			keys = xrealloc_array(keys, room, sizeof(*keys));
			sums = xrealloc_array(sums, room, sizeof(*sums));
			err = 0;
			continue;
		}
		if (err && err != -ENOENT)
			break;
		for (uint32_t i = 0; i < n; i++)
			on_sum(arg, keys[i], &sums[i]);
		in = out;
		first = false;
	} while (!err);
	free(keys);
	free(sums);
	if (err != -ENOENT)
		return fail(err, "cannot read the stack table: %s", strerror(-err));
	return 0;
}

int kern_frames(struct kern *k, void (*on_frames)(void *arg, const struct stack_frames *rec), void *arg)
{
	int n;

	k->on_frames = on_frames;
	k->on_frames_arg = arg;
	n = ring_buffer__consume(k->ring);
	if (n < 0)
		return fail(n, "cannot read the BPF ring buffer: %s", strerror(-n));
	return n;
}

int kern_frames_fd(const struct kern *k)
{
	return ring_buffer__epoll_fd(k->ring);
}
