/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/sharing.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "image/ask.h"
#include "proc/mapfile.h"
#include "proc/procfs.h"

void sharers_free(struct sharers *s)
{
	vec_free(&s->all);
	vec_free(&s->left);
}

static bool has_same_memory(pid_t a, pid_t b)
{
	return !syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0);
}

static struct sharer *find(const struct sharers *s, pid_t pid)
{
	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.at[i].pid == pid)
			return &s->all.at[i];
	return NULL;
}

bool sharers_fork(struct sharers *s, pid_t parent, bool is_traced, pid_t child)
{
	const struct sharer *known = find(s, parent);
	const struct sharer added = {.pid = child, .owner = known ? known->owner : parent};

	if ((!known && !is_traced) || !has_same_memory(parent, child))
		return false;
	vec_push(&s->all, added);
	return true;
}

pid_t sharers_owner(const struct sharers *s, pid_t pid)
{
	const struct sharer *known = find(s, pid);

	return known ? known->owner : 0;
}

bool sharer_is_lasting(pid_t parent, pid_t parent_tid, pid_t child)
{
	struct buf b = {0};
	long number = -1;

	/* "running", or the number of the system call that it sleeps in. */
	if (!procfs_read(parent_tid, "syscall", &b))
		sscanf(buf_cstr(&b), "%ld", &number);
	buf_free(&b);
	/* A vfork() that ended before this ended with the child's exec, or its exit. */
	return number != SYS_vfork && number != SYS_clone && number != SYS_clone3 && has_same_memory(parent, child);
}

static bool is_shared(const struct sharers *s, pid_t owner)
{
	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.at[i].owner == owner)
			return true;
	return false;
}

bool sharers_leave(struct sharers *s, pid_t owner, uint64_t time_ns)
{
	const struct left_space left = {.owner = owner, .time_ns = time_ns};

	if (!is_shared(s, owner))
		return true;
	vec_push(&s->left, left);
	return false;
}

bool sharers_gone(struct sharers *s, pid_t pid, struct left_space *out)
{
	struct sharer *known = find(s, pid);
	pid_t owner;

	if (!known)
		return false;
	owner = known->owner;
	*known = s->all.at[--s->all.n];
	for (size_t i = 0; i < s->left.n && !is_shared(s, owner); i++)
		if (s->left.at[i].owner == owner) {
			*out = s->left.at[i];
			s->left.at[i] = s->left.at[--s->left.n];
			return true;
		}
	return false;
}

bool file_clones(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool yes = fd >= 0 && image_ask_import(fd, path, "clone");

	if (fd >= 0)
		close(fd);
	return yes;
}

bool file_forks(const char *path)
{
	static const char *const names[] = {
		"fork", "vfork", "clone", "posix_spawn", "posix_spawnp", "system", "popen", "daemon", "forkpty",
		"_Fork",
		"execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "execveat", "fexecve", NULL,
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool yes = fd < 0 || image_ask_may_call(fd, path, names);

	if (fd >= 0)
		close(fd);
	return yes;
}

bool program_clones(pid_t pid)
{
	struct buf text = {0}, path = {0};
	struct maps_line line;
	char exe[64], name[4096];
	const char *at;
	ssize_t n;
	bool yes = false;

	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)pid);
	n = readlink(exe, name, sizeof(name) - 1);
	if (n <= 0 || procfs_read(pid, "maps", &text))
		return false;
	name[n] = '\0';
	at = text.data;
	while (maps_next(&at, text.data + text.len, &line, &path)) {
		struct mapfile f;

		if (!line.exec || strcmp(line.path, name) != 0)
			continue;
		f = mapfile_open(pid, &line, &path);
		yes = f.elf && image_ask_import(f.fd, name, "clone");
		if (f.fd >= 0)
			close(f.fd);
		if (f.probe_fd >= 0)
			close(f.probe_fd);
		break;
	}
	buf_free(&text);
	buf_free(&path);
	return yes;
}
