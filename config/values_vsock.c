/* SPDX-License-Identifier: MIT */
/* The value of --vsock: a path, and the guest's address. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/values.h"
#include "core/log.h"
#include "virtio/vsock.h"

static int parse(char *rest, const char *dir, struct vsock_config *v,
		 struct err *why)
{
	const char *path = field_next(&rest), *field, *end;
	unsigned long long cid;

	if (!*path)
		return err_set(why, -EINVAL, "no path named");
	while ((field = field_next(&rest))) {
		if (strncmp(field, "cid=", 4))
			return err_set(why, -EINVAL,
				       "unknown flag '%s'; use cid=N", field);
		if (digits_parse(field + 4, &cid, &end) || *end ||
		    cid < VSOCK_CID_MIN || cid > VSOCK_CID_MAX)
			return err_set(why, -EINVAL,
				       "a guest cannot have the address '%s'; "
				       "give cid=%u to cid=%u",
				       field + 4, VSOCK_CID_MIN, VSOCK_CID_MAX);
		v->cid = cid;
	}
	v->path = path_from(dir, path);
	return v->path ? 0 : err_set(why, -ENOMEM, "out of memory");
}

static void vsock_free(const struct key *k, struct config *c)
{
	(void)k;
	free(c->vsock.path);
}

static int vsock_set(const struct key *k, struct config *c, const char *value,
		     const char *dir, struct err *why)
{
	struct vsock_config v = { .cid = VSOCK_CID_MIN };
	char *copy = strdup(value);
	int rc = copy ? parse(copy, dir, &v, why)
		      : err_set(why, -ENOMEM, "out of memory");

	free(copy);
	if (rc)
		return rc;
	vsock_free(k, c);
	c->vsock = v;
	return 0;
}

static void vsock_dump(const struct key *k, const struct config *c, FILE *f)
{
	char *abs;

	if (!c->vsock.path)
		return;
	abs = path_absolute(c->vsock.path);
	fprintf(f, "%s = ", k->name);
	field_dump(abs ? abs : c->vsock.path, f);
	free(abs);
	if (c->vsock.cid != VSOCK_CID_MIN)
		fprintf(f, ",cid=%u", c->vsock.cid);
	fputc('\n', f);
}

const struct value_type value_vsock = { vsock_set, vsock_dump, vsock_free };
