/* SPDX-License-Identifier: MIT */
/* Values that describe a thing each: disks, networks, console ports, modules. */
#include "config/values.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "core/log.h"

static int no_memory(struct err *why)
{
	return err_set(why, -ENOMEM, "out of memory");
}

/* Room for one more in *@list of @n; the machine bounds what makes sense. */
static int grow(void *list, unsigned n, size_t size, struct err *why)
{
	void **at = list, *more;

	if (n >= VIRTIO_SLOTS)
		return err_set(why, -ENOSPC,
			       "one too many; the machine has room for %u",
			       VIRTIO_SLOTS);
	more = reallocarray(*at, n + 1, size);
	if (!more)
		return no_memory(why);
	*at = more;
	return 0;
}

/* The text behind @prefix in @s, or NULL. */
static const char *behind(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) ? NULL : s + len;
}

static int fd_parse(const char *s, int min, int *fd, struct err *why)
{
	unsigned long long v;
	const char *end;

	if (digits_parse(s, &v, &end) || *end || v > INT_MAX)
		return err_set(why, -EINVAL,
			       "'%s' is no file descriptor's number", s);
	if ((int)v < min)
		return err_set(why, -EINVAL,
			       "file descriptor %s is a standard stream", s);
	*fd = v;
	return 0;
}

static int serial_parse(const char *s, struct disk_config *d, struct err *why)
{
	size_t i, len = strlen(s);

	if (!len || len >= sizeof(d->serial))
		return err_set(why, -EINVAL,
			       "serial '%s' has not 1 to %zu characters", s,
			       sizeof(d->serial) - 1);
	for (i = 0; i < len; i++) {
		if (!isascii(s[i]) || !isgraph((unsigned char)s[i]))
			return err_set(why, -EINVAL,
				       "serial '%s' is not printable ASCII "
				       "without blanks",
				       s);
	}
	memcpy(d->serial, s, len + 1);
	return 0;
}

/* transport=KIND of one device, which goes before the machine's. */
static const char *const transports[] = {
	[TRANSPORT_PCI] = "pci", [TRANSPORT_MMIO] = "mmio"
};

static int transport_parse(const char *s, enum transport_kind *kind,
			   struct err *why)
{
	for (*kind = TRANSPORT_PCI; *kind <= TRANSPORT_MMIO; ++*kind) {
		if (!strcmp(s, transports[*kind]))
			return 0;
	}
	return err_set(why, -EINVAL,
		       "unknown transport '%s'; use transport=pci or "
		       "transport=mmio",
		       s);
}

static void transport_dump(enum transport_kind kind, FILE *f)
{
	if (kind != TRANSPORT_AUTO)
		fprintf(f, ",transport=%s", transports[kind]);
}

static int disk_parse(char *rest, const char *dir, struct disk_config *d,
		      struct err *why)
{
	const char *path = field_next(&rest), *field, *serial, *transport;

	if (!*path)
		return err_set(why, -EINVAL, "no file named");
	while ((field = field_next(&rest))) {
		serial = behind(field, "serial=");
		transport = behind(field, "transport=");
		if (!strcmp(field, "ro")) {
			d->readonly = true;
		} else if (transport) {
			if (transport_parse(transport, &d->transport, why))
				return -EINVAL;
		} else if (!serial) {
			return err_set(why, -EINVAL,
				       "unknown flag '%s'; use ro, "
				       "serial=TEXT or transport=KIND",
				       field);
		} else if (serial_parse(serial, d, why)) {
			return -EINVAL;
		}
	}
	d->path = path_from(dir, path);
	return d->path ? 0 : no_memory(why);
}

static int disks_set(const struct key *k, struct config *c, const char *value,
		     const char *dir, struct err *why)
{
	struct disk_config d = { 0 };
	char *copy;
	int rc;

	(void)k;
	rc = grow(&c->disks, c->ndisks, sizeof(d), why);
	if (rc)
		return rc;
	copy = strdup(value);
	rc = copy ? disk_parse(copy, dir, &d, why) : no_memory(why);
	free(copy);
	if (!rc)
		c->disks[c->ndisks++] = d;
	return rc;
}

static void disks_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct disk_config *d;
	unsigned i;
	char *abs;

	for (i = 0; i < c->ndisks; i++) {
		d = &c->disks[i];
		abs = path_absolute(d->path);
		fprintf(f, "%s = ", k->name);
		field_dump(abs ? abs : d->path, f);
		free(abs);
		if (d->readonly)
			fputs(",ro", f);
		if (d->serial[0]) {
			fputs(",serial=", f);
			field_dump(d->serial, f);
		}
		transport_dump(d->transport, f);
		fputc('\n', f);
	}
}

static void disks_free(const struct key *k, struct config *c)
{
	(void)k;
	while (c->ndisks)
		free(c->disks[--c->ndisks].path);
	free(c->disks);
}

const struct value_type value_disks = { disks_set, disks_dump, disks_free };

static int mac_parse(const char *s, struct net_config *n, struct err *why)
{
	static const uint8_t zero[6];
	char pair[3] = "";
	unsigned i;

	for (i = 0; i < 6; i++, s += 2) {
		if (i && *s++ != ':')
			break;
		if (!isxdigit((unsigned char)s[0]) ||
		    !isxdigit((unsigned char)s[1]))
			break;
		memcpy(pair, s, 2);
		n->mac[i] = strtoul(pair, NULL, 16);
	}
	if (i < 6 || *s)
		return err_set(
			why, -EINVAL,
			"not a MAC address; write mac=52:54:00:12:34:56");
	if ((n->mac[0] & 1) || !memcmp(n->mac, zero, sizeof(zero)))
		return err_set(why, -EINVAL,
			       "a card cannot have a group's or an all-zero "
			       "MAC address; try mac=52:54:00:12:34:56");
	n->have_mac = true;
	return 0;
}

/* The kernel's own rule: dev_valid_name(). */
static bool tap_name_valid(const char *s)
{
	const char *p;

	if (!*s || strlen(s) >= IFNAMSIZ || !strcmp(s, ".") || !strcmp(s, ".."))
		return false;
	for (p = s; *p; p++) {
		if (*p == '/' || *p == ':' || isspace((unsigned char)*p))
			return false;
	}
	return true;
}

static int net_parse(char *rest, struct net_config *n, const char **tap,
		     struct err *why)
{
	const char *kind = field_next(&rest), *field, *mac, *fd, *transport;

	*tap = behind(kind, "tap=");
	fd = behind(kind, "fd=");
	if (*tap && !tap_name_valid(*tap))
		return err_set(why, -EINVAL,
			       "'%s' is no interface name of at most %d "
			       "characters",
			       *tap, IFNAMSIZ - 1);
	if (fd && fd_parse(fd, 3, &n->fd, why))
		return -EINVAL;
	if (!*tap && !fd && strcmp(kind, "tap"))
		return err_set(why, -EINVAL,
			       "unknown network '%s'; use tap, tap=NAME, fd=N "
			       "or none",
			       kind);
	while ((field = field_next(&rest))) {
		mac = behind(field, "mac=");
		transport = behind(field, "transport=");
		if (!mac && !transport)
			return err_set(why, -EINVAL,
				       "unknown flag '%s'; use mac=ADDRESS or "
				       "transport=KIND",
				       field);
		if (mac ? mac_parse(mac, n, why)
			: transport_parse(transport, &n->transport, why))
			return -EINVAL;
	}
	return 0;
}

static void nets_free(const struct key *k, struct config *c)
{
	(void)k;
	while (c->nnets)
		free(c->nets[--c->nnets].tap);
	free(c->nets);
}

static int nets_set(const struct key *k, struct config *c, const char *value,
		    const char *dir, struct err *why)
{
	struct net_config n = { .fd = -1 };
	const char *tap = NULL;
	char *copy;
	int rc;

	(void)dir;
	if (!strcmp(value, "none")) {
		nets_free(k, c);
		c->nets = NULL;
		return 0;
	}
	rc = grow(&c->nets, c->nnets, sizeof(n), why);
	if (rc)
		return rc;
	copy = strdup(value);
	rc = copy ? net_parse(copy, &n, &tap, why) : no_memory(why);
	if (!rc && tap) {
		n.tap = strdup(tap);
		rc = n.tap ? 0 : no_memory(why);
	}
	free(copy);
	if (!rc)
		c->nets[c->nnets++] = n;
	return rc;
}

static void nets_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct net_config *n;
	unsigned i;

	for (i = 0; i < c->nnets; i++) {
		n = &c->nets[i];
		if (n->fd >= 0)
			fprintf(f, "%s = fd=%d", k->name, n->fd);
		else
			fprintf(f, "%s = tap", k->name);
		if (n->tap) {
			fputc('=', f);
			field_dump(n->tap, f);
		}
		if (n->have_mac)
			fprintf(f, ",mac=%02x:%02x:%02x:%02x:%02x:%02x",
				n->mac[0], n->mac[1], n->mac[2], n->mac[3],
				n->mac[4], n->mac[5]);
		transport_dump(n->transport, f);
		fputc('\n', f);
	}
}

const struct value_type value_nets = { nets_set, nets_dump, nets_free };

/* Back ends that name a path, which is then relative to the file's directory. */
static const char *const path_schemes[] = { "file:", "unix:", NULL };

/* The scheme of @spec and, in *@path, what follows; NULL if it is another. */
static const char *path_scheme(const char *spec, const char **path)
{
	unsigned i;

	for (i = 0; path_schemes[i]; i++) {
		*path = behind(spec, path_schemes[i]);
		if (*path)
			return path_schemes[i];
	}
	return NULL;
}

/* A copy of @spec in *@out with its path, if it has one, as path_from() has. */
static int backend_parse(const char *spec, const char *dir, char **out,
			 struct err *why)
{
	const char *path, *scheme = path_scheme(spec, &path);
	const char *fd = behind(spec, "fd:");
	char *full;
	int num;

	if (fd && fd_parse(fd, 0, &num, why))
		return -EINVAL;
	if (!scheme && !fd && strcmp(spec, "pty") && strcmp(spec, "null"))
		return err_set(why, -EINVAL,
			       "unknown back end '%s'; use file:PATH, "
			       "unix:PATH, pty, fd:N or null",
			       spec);
	if (!scheme) {
		*out = strdup(spec);
		return *out ? 0 : no_memory(why);
	}
	if (!*path)
		return err_set(why, -EINVAL, "no path after '%s'", scheme);
	full = path_from(dir, path);
	if (!full || asprintf(out, "%s%s", scheme, full) < 0)
		*out = NULL;
	free(full);
	return *out ? 0 : no_memory(why);
}

static int ports_set(const struct key *k, struct config *c, const char *value,
		     const char *dir, struct err *why)
{
	size_t len = strcspn(value, "="), i;
	struct port_config p = { 0 };
	int rc;

	(void)k;
	if (!len || !value[len])
		return err_set(why, -EINVAL, "not of the form NAME=BACKEND");
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)value[i]) &&
		    !strchr("._-", value[i]))
			return err_set(why, -EINVAL,
				       "use letters, digits, '.', '_' and '-' "
				       "in the name");
	}
	for (i = 0; i < c->nports; i++) {
		if (strlen(c->ports[i].name) == len &&
		    !memcmp(c->ports[i].name, value, len))
			return err_set(why, -EEXIST, "two ports named '%s'",
				       c->ports[i].name);
	}
	rc = grow(&c->ports, c->nports, sizeof(p), why);
	if (rc)
		return rc;
	rc = backend_parse(value + len + 1, dir, &p.backend, why);
	if (rc)
		return rc;
	p.name = strndup(value, len);
	if (!p.name) {
		free(p.backend);
		return no_memory(why);
	}
	c->ports[c->nports++] = p;
	return 0;
}

static void ports_dump(const struct key *k, const struct config *c, FILE *f)
{
	const char *scheme, *path;
	unsigned i;
	char *abs;

	for (i = 0; i < c->nports; i++) {
		fprintf(f, "%s = %s=", k->name, c->ports[i].name);
		scheme = path_scheme(c->ports[i].backend, &path);
		abs = scheme ? path_absolute(path) : NULL;
		if (abs)
			fprintf(f, "%s%s\n", scheme, abs);
		else
			fprintf(f, "%s\n", c->ports[i].backend);
		free(abs);
	}
}

static void ports_free(const struct key *k, struct config *c)
{
	(void)k;
	while (c->nports) {
		c->nports--;
		free(c->ports[c->nports].name);
		free(c->ports[c->nports].backend);
	}
	free(c->ports);
}

const struct value_type value_ports = { ports_set, ports_dump, ports_free };

static const char *const module_names[] = {
	[MODULE_KERNEL] = "kernel",
	[MODULE_RAMDISK] = "ramdisk",
};
static_assert(sizeof(module_names) / sizeof(*module_names) == MODULE_KINDS,
	      "each kind has a name");

/* The module that @value is for and, in *@rest, what follows its name. */
static struct module_config *module_find(struct config *c, const char *value,
					 const char **rest)
{
	unsigned i;

	for (i = 0; i < MODULE_KINDS; i++) {
		*rest = behind(value, module_names[i]);
		if (*rest && *(*rest)++ == '=')
			return &c->modules[i];
	}
	return NULL;
}

static int module_parse(char *rest, const char *dir, struct module_config *m,
			struct err *why)
{
	const char *path = field_next(&rest), *args = field_next(&rest);

	if (!*path)
		return err_set(why, -EINVAL, "no file named");
	if (rest)
		return err_set(why, -EINVAL,
			       "'%s' follows the arguments after a comma; two "
			       "commas stand for one",
			       rest);
	if (args) {
		m->args = strdup(args);
		if (!m->args)
			return no_memory(why);
	}
	m->path = path_from(dir, path);
	return m->path ? 0 : no_memory(why);
}

static int modules_set(const struct key *k, struct config *c, const char *value,
		       const char *dir, struct err *why)
{
	struct module_config m = { 0 }, *to;
	const char *rest;
	char *copy;
	int rc;

	(void)k;
	to = module_find(c, value, &rest);
	if (!to)
		return err_set(why, -EINVAL,
			       "not of the form kernel=FILE or ramdisk=FILE");
	if (to->path)
		return err_set(why, -EEXIST,
			       "there is a %s already, '%s'; a hypervisor "
			       "takes one",
			       module_names[to - c->modules], to->path);
	copy = strdup(rest);
	rc = copy ? module_parse(copy, dir, &m, why) : no_memory(why);
	free(copy);
	if (rc)
		free(m.args);
	else
		*to = m;
	return rc;
}

static void modules_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct module_config *m;
	unsigned i;
	char *abs;

	for (i = 0; i < MODULE_KINDS; i++) {
		m = &c->modules[i];
		if (!m->path)
			continue;
		abs = path_absolute(m->path);
		fprintf(f, "%s = %s=", k->name, module_names[i]);
		field_dump(abs ? abs : m->path, f);
		free(abs);
		if (m->args) {
			fputc(',', f);
			field_dump(m->args, f);
		}
		fputc('\n', f);
	}
}

static void modules_free(const struct key *k, struct config *c)
{
	unsigned i;

	(void)k;
	for (i = 0; i < MODULE_KINDS; i++) {
		free(c->modules[i].path);
		free(c->modules[i].args);
	}
}

const struct value_type value_modules = { modules_set, modules_dump,
					  modules_free };
