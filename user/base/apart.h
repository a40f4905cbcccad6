/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a function in a process of its own that shares our memory and our descriptors, while the calling thread waits:
 * a SIGKILL that meets us does not meet what the function does.
 *
 * It is for system calls that do half of their work when a SIGKILL is pending. Attaching and detaching uprobes walks
 * over all processes that have mapped the file, and gives up then (get_user_pages_remote() returns -EINTR): breakpoints
 * stay in the target for ever ("failed to unregister, leaking uprobe"). At our end the descriptors live on with that
 * process, and are closed when it has come to the end of the function.
 */
#ifndef ALLOCTRACE_BASE_APART_H
#define ALLOCTRACE_BASE_APART_H

/* Returns when run(arg) has returned; in the calling thread itself if there can be no such process. Any thread may call
 * it; run() needs less than 16 KiB of stack. */
void run_apart(void (*run)(void *arg), void *arg);

#endif
