/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names from the files of runtimes, and from files that are not as a runtime writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proc/container_name.h"

#include "file_tree.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define DOCKER "/var/lib/docker/containers/" ID "/config.v2.json"
#define TASKS "/run/containerd/io.containerd.runtime.v2.task/"
#define STORAGE "/containers/storage/overlay-containers/containers.json"

/* What is found, as RUNTIME:NAME, with "-" for no name. */
static void expect_with(struct container_names *n, const char *path, const char *wanted)
{
	struct container c;
	char *found;

	container_of_path(path, &c);
	container_names_find(n, &c);
	found = xasprintf("%s:%s", c.runtime, c.name ? c.name : "-");
	assert_string_equal(found, wanted);
	free(found);
	container_free(&c);
}

static void expect(const char *path, const char *wanted)
{
	struct container_names *n = container_names_new(tree_root);

	expect_with(n, path, wanted);
	container_names_free(n);
}

static void docker(void **state)
{
	expect("/docker/" ID, "docker:-");
	tree_file(DOCKER,
		  "{\"State\":{\"Name\":\"/wrong\",\"Pid\":7},\"Name\":\"/web\",\"Args\":[{\"Name\":\"/no\"}]}");
	expect("/docker/" ID, "docker:web");
	expect("/docker/" OTHER, "docker:-");
	/* A runtime that the path does not show. */
	expect("/ecs/task/" ID, "docker:web");
	tree_file(DOCKER, "{\"Name\":\"/k8s_app_web-0_prod_8a3f2c1d-1b2c-4d5e-8f90-0123456789ab_0\"}");
	expect("/docker/" ID, "docker:prod/web-0/app");
	tree_file(DOCKER, "{\"Name\":\"/k8s_app_web\"}");
	expect("/docker/" ID, "docker:k8s_app_web");
}

static void docker_elsewhere(void **state)
{
	tree_file("/etc/docker/daemon.json", "{\"log-level\": \"warn\", \"data-root\": \"/srv/docker\"}");
	tree_file("/srv/docker/containers/" ID "/config.v2.json", "{\"Name\":\"/there\"}");
	expect("/docker/" ID, "docker:there");
	tree_file("/etc/docker/daemon.json", "{\"data-root\": \"relative\"}");
	tree_file(DOCKER, "{\"Name\":\"/here\"}");
	expect("/docker/" ID, "docker:here");
}

static void containerd(void **state)
{
	static const char pod[] = "/kubepods/burstable/pod8a3f2c1d-1b2c-4d5e-8f90-0123456789ab/" ID;

	expect(pod, "kubernetes:-");
	tree_dir(TASKS "moby");
	tree_file(TASKS "k8s.io/" ID "/config.json",
		  "{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"x\"],\"annotations\":{\"nerdctl/name\":\"no\"}},"
		  "\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\",\"io.kubernetes.cri.container-type\":"
		  "\"container\",\"io.kubernetes.cri.sandbox-name\":\"web-0\",\"io.kubernetes.cri.sandbox-namespace\":"
		  "\"prod\"}}");
	expect(pod, "containerd:prod/web-0/app");
	tree_file(TASKS "k8s.io/" ID "/config.json", "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-0\","
		  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
	expect(pod, "containerd:prod/web-0/POD");
	tree_file(TASKS "k8s.io/" ID "/config.json",
		  "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\"}}");
	expect(pod, "containerd:app");
	tree_file(TASKS "k8s.io/" ID "/config.json", "{\"annotations\":{\"nerdctl/name\":\"shop\"}}");
	expect("/system.slice/nerdctl-" ID ".scope", "containerd:shop");
	tree_file(TASKS "k8s.io/" ID "/config.json", "{\"annotations\":[\"nerdctl/name\",\"shop\"]}");
	expect("/system.slice/nerdctl-" ID ".scope", "containerd:-");
	tree_file("/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" OTHER "/config.json",
		  "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"k3s\"}}");
	expect("/kubepods/pod8a3f2c1d-1b2c-4d5e-8f90-0123456789ab/" OTHER, "containerd:k3s");
}

static void storage(void **state)
{
	struct container_names *n = container_names_new(tree_root);

	tree_file("/var/lib" STORAGE,
		  "[{\"id\":\"" OTHER "\",\"names\":[],\"layer\":\"x\"},"
		  "{\"id\":\"" ID "\",\"names\":[7,\"web\",\"second\"],"
		  "\"metadata\":\"{\\\"name\\\":\\\"wrong\\\"}\"}]");
	expect_with(n, "/machine.slice/libpod-" ID ".scope/container", "podman:web");
	expect_with(n, "/machine.slice/libpod-" OTHER ".scope", "podman:-");
	/* The file changes. */
	tree_file("/var/lib" STORAGE, "[{\"id\":\"" OTHER "\",\"names\":[\"late-one\"]}]");
	expect_with(n, "/machine.slice/libpod-" OTHER ".scope", "podman:late-one");
	expect_with(n, "/machine.slice/libpod-" ID ".scope", "podman:-");
	tree_file("/var/lib/containers/storage/overlay-containers/volatile-containers.json",
		  "[{\"names\":[\"k8s_app_web-0_prod_8a3f_1\"],\"id\":\"" ID "\"}]");
	expect_with(n, "/kubepods.slice/kubepods-pod8a3f2c1d_1b2c_4d5e_8f90_0123456789ab.slice/crio-" ID ".scope",
		    "cri-o:prod/web-0/app");
	expect_with(n, "/kubepods/pod8a3f2c1d-1b2c-4d5e-8f90-0123456789ab/" ID, "cri-o:prod/web-0/app");
	container_names_free(n);
}

/* --- what others put there */

static void damaged(void **state)
{
	static const char good[] = "{\"Name\":\"/web\",\"x\":[1]}";
	static const char *const bad[] = {
		"", "{", "[]", "null", "\"/web\"", "{\"Name\":7}", "{\"Name\":null}", "{\"Name\":\"\"}",
		"{\"Name\":\"/\"}",
		"{\"Name\":\"/a\\u0000b\"}", "{\"Name\":\"/a\\nb\"}", "{\"Name\":\"/a\\u001b[31m\"}",
		"{\"Name\":\"/a\\u007f\"}",
		"{\"Name\":\"/web\"} {}", "{\"Name\":\"/web\",}", "{\"name\":\"/web\"}", "\xff\xfe{\"Name\":\"/web\"}",
	};

	tree_file(DOCKER, good);
	expect("/docker/" ID, "docker:web");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tree_file(DOCKER, bad[i]);
		expect("/docker/" ID, "docker:-");
	}
	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		tree_bytes(DOCKER, good, len);
		expect("/docker/" ID, "docker:-");
	}
	tree_file("/var/lib" STORAGE, "[{\"id\":\"" ID "\",\"names\":[\"web\"]}, {\"id\": ");
	expect("/machine.slice/libpod-" ID ".scope", "podman:-");
	tree_file("/var/lib" STORAGE, "[{\"id\":7,\"names\":\"web\"},[{\"id\":\"" ID "\",\"names\":[\"in\"]}],null]");
	expect("/machine.slice/libpod-" ID ".scope", "podman:-");
}

static void huge(void **state)
{
	const size_t size = (16 << 20) + 1;
	struct buf text = {0};

	buf_str(&text, "{\"Name\":\"/web\"}");
	while (text.len < 1000)
		buf_char(&text, ' ');
	tree_bytes(DOCKER, text.data, text.len);
	expect("/docker/" ID, "docker:web");
	text.data = realloc(text.data, size);
	assert_non_null(text.data);
	memset(text.data + text.len, ' ', size - text.len);
	tree_bytes(DOCKER, text.data, size);
	expect("/docker/" ID, "docker:-");
	tree_bytes(DOCKER, text.data, size - 1);
	expect("/docker/" ID, "docker:web");
	/* A name, and a depth, that are too much. */
	for (int n = CONTAINER_NAME_MAX; n <= CONTAINER_NAME_MAX + 1; n++) {
		char *name = xasprintf("%0*d", n, 7), *file = xasprintf("{\"Name\":\"/%s\"}", name);
		char *wanted = xasprintf("docker:%s", n == CONTAINER_NAME_MAX ? name : "-");

		tree_file(DOCKER, file);
		expect("/docker/" ID, wanted);
		free(name);
		free(file);
		free(wanted);
	}
	memset(text.data, '[', size - 1);
	tree_bytes(DOCKER, text.data, size - 1);
	expect("/docker/" ID, "docker:-");
	buf_free(&text);
}

/* No file, and none that ever ends. */
static void not_a_file(void **state)
{
	char *fifo = tree_path(DOCKER);

	tree_link(DOCKER, "config.v2.json");
	expect("/docker/" ID, "docker:-");
	tree_remove(DOCKER);
	tree_dir(DOCKER);
	expect("/docker/" ID, "docker:-");
	tree_remove(DOCKER);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect("/docker/" ID, "docker:-");
	tree_remove(DOCKER);
	tree_link(DOCKER, "/dev/zero");
	expect("/docker/" ID, "docker:-");
	/* LXC's names are from the path: they name no file. */
	expect("/lxc/..", "lxc:..");
	free(fifo);
}

/* --- of users */

static char *user_path;		/* of a cgroup */

static int setup_user(void **state)
{
	const int err = tree_setup(state);
	char *passwd = xasprintf("root:x:999999:0::/:/bin/sh\nbroken\nme:x:%d:%d::/home/me:/bin/sh\n", (int)getuid(),
				 (int)getgid());

	tree_file("/etc/passwd", passwd);
	tree_dir("/home/me");
	user_path = xasprintf("/user.slice/user-%d.slice/user@%d.service/user.slice/libpod-%s.scope", (int)getuid(),
			      (int)getuid(), ID);
	free(passwd);
	return err;
}

static int teardown_user(void **state)
{
	free(user_path);
	return tree_teardown(state);
}

static void of_a_user(void **state)
{
	/* The system's container of that id is not this one. */
	tree_file("/var/lib" STORAGE, "[{\"id\":\"" ID "\",\"names\":[\"system\"]}]");
	expect("/machine.slice/libpod-" ID ".scope", "podman:system");
	expect(user_path, "podman:-");
	tree_file("/home/me/.local/share" STORAGE, "[{\"id\":\"" ID "\",\"names\":[\"mine\"]}]");
	expect(user_path, "podman:mine");
	expect("/user.slice/user-4294967294.slice/user@4294967294.service/user.slice/libpod-" ID ".scope", "podman:-");
}

/* Links below a home, and a home that is one, are not followed. */
static void links_of_a_user(void **state)
{
	tree_file("/srv/storage" STORAGE, "[{\"id\":\"" ID "\",\"names\":[\"linked\"]}]");
	tree_link("/home/me/.local/share", "../../../srv/storage");
	expect(user_path, "podman:-");
	tree_remove("/home/me/.local/share");
	tree_file("/home/me/.local/share" STORAGE, "[{\"id\":\"" ID "\",\"names\":[\"mine\"]}]");
	expect(user_path, "podman:mine");
	tree_remove("/etc/passwd");
	expect(user_path, "podman:-");
}

static void file_of_another_user(void **state)
{
	char *path;

	if (getuid())
		skip();
	tree_file("/home/me/.local/share" STORAGE, "[{\"id\":\"" ID "\",\"names\":[\"theirs\"]}]");
	path = tree_path("/home/me/.local/share" STORAGE);
	assert_int_equal(chown(path, 12345, -1), 0);
	expect(user_path, "podman:-");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(docker, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(docker_elsewhere, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(containerd, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(storage, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(damaged, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(huge, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(not_a_file, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(of_a_user, setup_user, teardown_user),
		cmocka_unit_test_setup_teardown(links_of_a_user, setup_user, teardown_user),
		cmocka_unit_test_setup_teardown(file_of_another_user, setup_user, teardown_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
