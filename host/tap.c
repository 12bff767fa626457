/* SPDX-License-Identifier: MIT */
/*
 * A tap interface, opened by name or handed over, as a network back end: the
 * kernel takes and gives virtio's headers as they are (IFF_VNET_HDR).
 *
 * An interface may be deleted while it is in use. The descriptor stays, and can
 * be attached to another of that name, which the kernel's news of interfaces
 * (rtnetlink) tell of. None is made in its place: that is up to who deleted it.
 */
#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include "core/log.h"
#include "core/remedy.h"

/* Since Linux 6.2; the headers of the build may be older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TAP_DEVICE   "/dev/net/tun"
#define FLAGS	     (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
#define NEWS	     64 /* in a turn */
#define OFFLOADS_OLD (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define OFFLOADS_NEW (OFFLOADS_OLD | TUN_F_USO4 | TUN_F_USO6)

struct tap {
	struct netif net;
	int news; /* of interfaces; -1: nobody has asked for it */
};

static int set_up(struct netif *t);

static int64_t tap_read(struct netif *t, const struct iovec *iov, int n)
{
	ssize_t r;

	do
		r = readv(t->fd, iov, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static int64_t tap_write(struct netif *t, const struct iovec *iov, int n)
{
	ssize_t r;

	do
		r = writev(t->fd, iov, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static int tap_set_offloads(struct netif *t, unsigned tun_f)
{
	if (!t->offloads || !t->name[0])
		return 0;
	return ioctl(t->fd, TUNSETOFFLOAD, tun_f) < 0 ? -errno : 0;
}

static int tap_watch(struct netif *t)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK,
					   .nl_groups = RTMGRP_LINK };
	struct tap *tap = (struct tap *)t;
	int fd;

	if (tap->news >= 0 || !t->name[0])
		return tap->news;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    NETLINK_ROUTE);
	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&links, sizeof(links)) < 0) {
		close(fd);
		fd = -1;
	}
	return tap->news = fd;
}

/* They tell no more than when to look: a few at a time, for others may come. */
static void skip_news(const struct tap *tap)
{
	char c;
	int i;

	for (i = 0; i < NEWS && recv(tap->news, &c, 1, 0) >= 0; i++)
		;
}

static int tap_rejoin(struct netif *t)
{
	struct ifreq ifr = { .ifr_flags = FLAGS }, is;

	if (((struct tap *)t)->news >= 0)
		skip_news((struct tap *)t);
	if (!t->name[0] || ioctl(t->fd, TUNGETIFF, &is) == 0)
		return 0;
	if (!if_nametoindex(t->name))
		return -errno;
	memcpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	return ioctl(t->fd, TUNSETIFF, &ifr) < 0 ? -errno : set_up(t);
}

static void tap_free(struct netif *t)
{
	struct tap *tap = (struct tap *)t;

	if (tap->news >= 0)
		close(tap->news);
	close(t->fd);
	free(tap);
}

static const struct netif_ops tap_ops = {
	.read = tap_read,
	.write = tap_write,
	.set_offloads = tap_set_offloads,
	.watch = tap_watch,
	.rejoin = tap_rejoin,
	.free = tap_free,
};

struct netif *tap_wrap(int fd, unsigned offloads)
{
	struct tap *t;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->net.ops = &tap_ops;
	t->net.fd = fd;
	t->net.offloads = offloads;
	t->news = -1;
	return &t->net;
}

/* Settle the header's size, and learn what the kernel can do. */
static int set_up(struct netif *t)
{
	int size = NETIF_HEADER;

	if (ioctl(t->fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	if (ioctl(t->fd, TUNSETOFFLOAD, OFFLOADS_NEW) == 0)
		t->offloads = OFFLOADS_NEW;
	else if (ioctl(t->fd, TUNSETOFFLOAD, OFFLOADS_OLD) == 0)
		t->offloads = OFFLOADS_OLD;
	/* Nothing until a driver asks. */
	ioctl(t->fd, TUNSETOFFLOAD, 0);
	return 0;
}

static int refuse(const char *name, int code, struct err *e)
{
	const char *eq = name ? "=" : "";

	if (!name)
		name = "";
	if (code == -EPERM || code == -EACCES)
		return err_set(e, code,
			       "--network tap%s%s: not permitted to open the "
			       "interface; "
			       "run as root, or have root make it with: "
			       "ip tuntap add NAME mode tap user $USER",
			       eq, name);
	if (code == -EBUSY)
		return err_set(e, code,
			       "--network tap%s%s: another process uses the "
			       "interface; "
			       "name another one",
			       eq, name);
	if (code == -EINVAL)
		return err_set(e, code,
			       "--network tap%s%s: an interface of that name "
			       "exists and "
			       "is no tap with one queue; name another one",
			       eq, name);
	return err_host(e, code, "--network tap%s%s: cannot open the interface",
			eq, name);
}

struct netif *tap_open(const char *name, struct err *e)
{
	struct ifreq ifr = { .ifr_flags = FLAGS };
	struct netif *t;
	int fd, r;

	if (name && strlen(name) >= sizeof(ifr.ifr_name)) {
		err_set(e, -EINVAL,
			"--network tap=%s: the name of an interface has at "
			"most 15 "
			"characters",
			name);
		return NULL;
	}
	fd = open(TAP_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
		err_set(e, -errno,
			"--network tap: there is no " TAP_DEVICE
			"; load the kernel's "
			"module with: modprobe tun");
		return NULL;
	}
	if (fd < 0) {
		refuse(name, -errno, e);
		return NULL;
	}
	if (name)
		strcpy(ifr.ifr_name, name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		r = -errno;
		goto fail;
	}
	t = tap_wrap(fd, 0);
	if (!t) {
		r = -errno;
		goto fail;
	}
	memcpy(t->name, ifr.ifr_name, sizeof(t->name) - 1);
	r = set_up(t);
	if (r == 0)
		return t;
	free(t);
fail:
	close(fd);
	refuse(name, r, e);
	return NULL;
}

struct netif *tap_take(int fd, struct err *e)
{
	struct ifreq ifr = { 0 };
	struct netif *t;

	if (ioctl(fd, TUNGETIFF, &ifr) < 0 ||
	    (ifr.ifr_flags & FLAGS) != FLAGS) {
		err_set(e, -EINVAL,
			"--network fd=%d: this descriptor is no tap interface "
			"opened with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR",
			fd);
		return NULL;
	}
	t = tap_wrap(fd, 0);
	if (!t) {
		err_host(e, -errno, "--network fd=%d", fd);
		return NULL;
	}
	memcpy(t->name, ifr.ifr_name, sizeof(t->name) - 1);
	if (set_up(t) < 0) {
		err_host(e, -errno, "--network fd=%d", fd);
		free(t);
		return NULL;
	}
	return t;
}
