/* SPDX-License-Identifier: MIT */
/* The value of --share: a tag, a directory, and whether it may be changed. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/values.h"
#include "core/log.h"
#include "virtio/fs.h"

static int parse_tag(const struct config *c, const char *tag, size_t len,
		     struct err *why)
{
	unsigned i;
	size_t n;

	if (!len || len > VIRTIO_FS_TAG_MAX)
		return err_set(why, -EINVAL,
			       "give TAG=DIR, with a tag of at most %u "
			       "characters",
			       VIRTIO_FS_TAG_MAX);
	for (n = 0; n < len; n++)
		if (!isalnum((unsigned char)tag[n]) && !strchr("._-", tag[n]))
			return err_set(why, -EINVAL,
				       "a tag has letters, digits, '.', '_' "
				       "and '-'");
	for (i = 0; i < c->nshares; i++)
		if (strlen(c->shares[i].tag) == len &&
		    !memcmp(c->shares[i].tag, tag, len))
			return err_set(why, -EEXIST, "two shares named '%s'",
				       c->shares[i].tag);
	return 0;
}

static int parse_rest(char *rest, const char *dir, struct share_config *s,
		      struct err *why)
{
	const char *path = field_next(&rest), *field;

	if (!*path)
		return err_set(why, -EINVAL, "no directory named");
	while ((field = field_next(&rest))) {
		if (strcmp(field, "ro"))
			return err_set(why, -EINVAL,
				       "unknown flag '%s'; use ro", field);
		s->readonly = true;
	}
	s->dir = path_from(dir, path);
	return s->dir ? 0 : err_set(why, -ENOMEM, "out of memory");
}

int share_add(struct config *c, const struct share_config *s)
{
	struct share_config *all =
		reallocarray(c->shares, c->nshares + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	c->shares = all;
	all[c->nshares++] = *s;
	return 0;
}

static int shares_set(const struct key *k, struct config *c, const char *value,
		      const char *dir, struct err *why)
{
	const size_t len = strcspn(value, "=");
	struct share_config s = { 0 };
	char *copy;
	int rc;

	(void)k;
	if (!value[len])
		return err_set(why, -EINVAL, "give TAG=DIR");
	rc = parse_tag(c, value, len, why);
	if (rc)
		return rc;
	copy = strdup(value + len + 1);
	s.tag = strndup(value, len);
	rc = copy && s.tag ? parse_rest(copy, dir, &s, why)
			   : err_set(why, -ENOMEM, "out of memory");
	free(copy);
	if (!rc && share_add(c, &s))
		rc = err_set(why, -ENOMEM, "out of memory");
	if (rc) {
		free(s.tag);
		free(s.dir);
	}
	return rc;
}

static void shares_dump(const struct key *k, const struct config *c, FILE *f)
{
	unsigned i;

	for (i = 0; i < c->nshares; i++) {
		char *abs = path_absolute(c->shares[i].dir);

		fprintf(f, "%s = %s=", k->name, c->shares[i].tag);
		field_dump(abs ? abs : c->shares[i].dir, f);
		fputs(c->shares[i].readonly ? ",ro\n" : "\n", f);
		free(abs);
	}
}

static void shares_free(const struct key *k, struct config *c)
{
	(void)k;
	while (c->nshares--) {
		free(c->shares[c->nshares].tag);
		free(c->shares[c->nshares].dir);
	}
	free(c->shares);
}

const struct value_type value_shares = { shares_set, shares_dump, shares_free };
