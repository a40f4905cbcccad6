/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc/container.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define PODS "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
#define IN_CONTAINERD "/system.slice/containerd.service/kubepods-burstable-pod"
#define IN_NODE "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod"
#define USER "/user.slice/user-1000.slice"
#define UID "8a3f2c1d-1b2c-4d5e-8f90-0123456789ab"
#define UID_ "8a3f2c1d_1b2c_4d5e_8f90_0123456789ab"

struct form {
	const char *path, *runtime, *id, *name, *unit;
};

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void expect(const struct form *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct container c;

		container_of_path(f[i].path, &c);
		if (!same(c.runtime, f[i].runtime) || !same(c.id, f[i].id) || !same(c.name, f[i].name) ||
		    !same(c.unit, f[i].unit))
			fail_msg("%s: %s, %s, %s, %s", f[i].path, c.runtime ? c.runtime : "-", c.id ? c.id : "-",
				 c.name ? c.name : "-", c.unit ? c.unit : "-");
		container_free(&c);
	}
}

#define EXPECT(...) \
	do { \
		static const struct form forms[] = {__VA_ARGS__}; \
		expect(forms, sizeof(forms) / sizeof(forms[0])); \
	} while (0)

static void by_id(void **state)
{
	EXPECT({"/system.slice/docker-" ID ".scope", "docker", ID, NULL, "docker-" ID ".scope"},
	       {"/docker/" ID, "docker", ID, NULL, NULL},
	       {"/docker/" ID "/system.slice/nginx.service", "docker", ID, NULL, NULL},
	       {"/system.slice/nerdctl-" ID ".scope", "containerd", ID, NULL, "nerdctl-" ID ".scope"},
	       {"/machine.slice/libpod-" ID ".scope/container", "podman", ID, NULL, "libpod-" ID ".scope"},
	       {"/libpod_parent/libpod-" ID, "podman", ID, NULL, NULL},
	       {"/system.slice/web.service/libpod-payload-" ID, "podman", ID, NULL, "web.service"},
	       {"/docker/buildkit/x3kfm9a2b1c0d4e5f6g7h8i9j", "buildkit", "x3kfm9a2b1c0d4e5f6g7h8i9j", NULL, NULL},
	       {"/buildkit/x3kfm9a2b1c0d4e5f6g7h8i9j", "buildkit", "x3kfm9a2b1c0d4e5f6g7h8i9j", NULL, NULL},
	       {"/default/" ID, "container", ID, NULL, NULL}, {"/" ID, "container", ID, NULL, NULL},
	       {"/ecs/0f1e/" ID, "container", ID, NULL, NULL});
}

static void pods(void **state)
{
	EXPECT({PODS UID_ ".slice/cri-containerd-" ID ".scope", "containerd", ID, NULL, "cri-containerd-" ID ".scope"},
	       {"/kubepods.slice/x.slice/kubepods-besteffort-pod" UID_ ".slice/crio-" ID ".scope/container", "cri-o",
		ID, NULL, "crio-" ID ".scope"},
	       {"/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" ID ".scope", "docker", ID, NULL,
		"docker-" ID ".scope"},
	       {"/kubepods/burstable/pod" UID "/" ID, "kubernetes", ID, NULL, NULL},
	       {"/kubepods/besteffort/pod" UID "/crio-" ID, "cri-o", ID, NULL, NULL},
	       {"/kubepods/pod" UID "/" ID "/init.scope", "kubernetes", ID, NULL, NULL},
	       {"/kubepods/pod" UID, "kubernetes", UID, NULL, NULL},
	       {PODS UID_ ".slice", "kubernetes", UID, NULL, NULL},
	       {"/kubepods/burstable/pod0123456789abcdef0123456789abcdef/" ID, "kubernetes", ID, NULL, NULL},
	       {IN_CONTAINERD UID_ ".slice:cri-containerd:" ID, "containerd", ID, NULL, "containerd.service"},
	       {"/system.slice:docker:" ID, "docker", ID, NULL, NULL},
	       /* Of a node that is itself a container, the node is what this host runs. */
	       {"/docker/" ID IN_NODE UID_ ".slice/cri-containerd-" OTHER ".scope", "docker", ID, NULL, NULL},
	       {"/pods/pod" UID, NULL, NULL, NULL, NULL});
}

static void by_name(void **state)
{
	EXPECT({"/lxc.payload.web", "lxc", "web", "web", NULL},
	       {"/lxc.payload/web/init.scope", "lxc", "web", "web", NULL},
	       {"/lxc/101/ns", "lxc", "101", "101", NULL}, {"/lxc.monitor.web", NULL, NULL, NULL, NULL},
	       {"/machine.slice/machine-deb.scope/payload/init.scope", "nspawn", "deb", "deb", "machine-deb.scope"},
	       {"/machine.slice/machine-my\\x2dbox.scope", "nspawn", "my-box", "my-box", "machine-my\\x2dbox.scope"},
	       {"/machine.slice/systemd-nspawn@deb.service/payload", "nspawn", "deb", "deb",
		"systemd-nspawn@deb.service"},
	       {"/machine.slice/systemd-nspawn@deb.service/supervisor", NULL, NULL, NULL, "systemd-nspawn@deb.service"},
	       {"/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2d1.scope/libvirt/emulator", "qemu", "qemu-3-web-1",
		"web-1", "machine-qemu\\x2d3\\x2dweb\\x2d1.scope"},
	       {"/machine.slice/machine-lxc\\x2d4711\\x2dbox.scope", "lxc", "lxc-4711-box", "box",
		"machine-lxc\\x2d4711\\x2dbox.scope"},
	       {"/machine.slice/machine-qemu\\x2dx.scope", "nspawn", "qemu-x", "qemu-x", "machine-qemu\\x2dx.scope"});
}

static void units(void **state)
{
	EXPECT({"/system.slice/nginx.service", NULL, NULL, NULL, "nginx.service"},
	       {"/system.slice/system-postgresql.slice/postgresql@15-main.service", NULL, NULL, NULL,
		"postgresql@15-main.service"},
	       {"/init.scope", NULL, NULL, NULL, "init.scope"}, {"/system.slice/_cgroup.service", NULL, NULL, NULL,
		"cgroup.service"},
	       {"/user.slice/user-1000.slice/session-3.scope", NULL, NULL, NULL, "user-1000.slice"},
	       {"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", NULL, NULL, NULL,
		"user@1000.service"},
	       {USER "/user@1000.service/user.slice/libpod-" ID ".scope/container", "podman", ID, NULL,
		"user@1000.service"},
	       {"/system.slice/a.service/system.slice/b.service", NULL, NULL, NULL, "a.service"},
	       {"/system.slice", NULL, NULL, NULL, NULL}, {"/", NULL, NULL, NULL, NULL}, {"", NULL, NULL, NULL, NULL},
	       {"/x/nginx.service", NULL, NULL, NULL, NULL});
}

/* What comes close, and what somebody makes below a container to pass for another one. */
static void lookalikes(void **state)
{
	EXPECT({"/machine.slice/libpod-conmon-" ID ".scope", NULL, NULL, NULL, "libpod-conmon-" ID ".scope"},
	       {"/system.slice/crio-conmon-" ID ".scope", NULL, NULL, NULL, "crio-conmon-" ID ".scope"},
	       {"/system.slice/docker.service", NULL, NULL, NULL, "docker.service"},
	       {"/system.slice/docker-0123.scope", NULL, NULL, NULL, "docker-0123.scope"},
	       {"/system.slice/docker-" ID "0.scope", NULL, NULL, NULL, "docker-" ID "0.scope"},
	       {"/docker/ABCDEF0123456789", NULL, NULL, NULL, NULL}, {"/docker/../x", NULL, NULL, NULL, NULL},
	       {"/a/" "0123456789abcdef0123456789abcdef", NULL, NULL, NULL, NULL},
	       {"/machine.slice/machine-.scope", NULL, NULL, NULL, "machine-.scope"},
	       {"/lxc.payload.", NULL, NULL, NULL, NULL}, {"/lxc", NULL, NULL, NULL, NULL},
	       {"/system.slice:docker:", NULL, NULL, NULL, NULL}, {"::", NULL, NULL, NULL, NULL},
	       {"/docker/" ID "/docker/" OTHER, "docker", ID, NULL, NULL},
	       {"/lxc.payload.web/docker/" ID, "lxc", "web", "web", NULL},
	       {"/kubepods/pod" UID "/" ID "/docker/" OTHER, "kubernetes", ID, NULL, NULL});
}

static void users(void **state)
{
	struct container c;

	container_of_path("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", &c);
	assert_true(c.of_user);
	assert_int_equal(c.uid, 1000);
	container_free(&c);
	container_of_path("/user.slice/user-99999999999999999999.slice/docker-" ID ".scope", &c);
	assert_false(c.of_user);
	container_free(&c);
	container_of_path("/docker/" ID "/user.slice/user-1000.slice", &c);
	assert_false(c.of_user);
	container_free(&c);
}

/* Names that are no text. */
static void bytes(void **state)
{
	char path[5000];
	struct container c;

	EXPECT({"/machine.slice/machine-a\\x0ab\\x00\\xzz\\x4.scope", "nspawn", "a\nb\\x00\\xzz\\x4",
		"a\nb\\x00\\xzz\\x4",
		"machine-a\\x0ab\\x00\\xzz\\x4.scope"},
	       {"/lxc.payload.\xff\x1b[31m", "lxc", "\xff\x1b[31m", "\xff\x1b[31m", NULL});
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	container_of_path(path, &c);
	assert_null(c.runtime);
	memset(path + 1, 'a', sizeof(path) - 2);
	container_of_path(path, &c);
	assert_null(c.runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_id),
		cmocka_unit_test(pods),
		cmocka_unit_test(by_name),
		cmocka_unit_test(units),
		cmocka_unit_test(lookalikes),
		cmocka_unit_test(users),
		cmocka_unit_test(bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
