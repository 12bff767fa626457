/* SPDX-License-Identifier: MIT */
/* Values for firmware: where it is, and what it is told. */
#include "config/values.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "core/log.h"
#include "devices/fw_cfg.h"

/* The board has files of its own. */
#define FILES_MAX 16u

static int no_memory(struct err *why)
{
	return err_set(why, -ENOMEM, "out of memory");
}

/* "auto" is no path. */
static int firmware_set(const struct key *k, struct config *c,
			const char *value, const char *dir, struct err *why)
{
	char *path = path_from(strcmp(value, "auto") ? dir : NULL, value);

	(void)k;
	if (!path)
		return no_memory(why);
	free(c->firmware);
	c->firmware = path;
	return 0;
}

static void firmware_dump(const struct key *k, const struct config *c, FILE *f)
{
	char *abs;

	if (!c->firmware)
		return;
	abs = strcmp(c->firmware, "auto") ? path_absolute(c->firmware) : NULL;
	fprintf(f, "%s = %s\n", k->name, abs ? abs : c->firmware);
	free(abs);
}

static void firmware_free(const struct key *k, struct config *c)
{
	(void)k;
	free(c->firmware);
}

const struct value_type value_firmware = { firmware_set, firmware_dump,
					   firmware_free };

/* Names outside of opt/ are for the machine's own files (fw_cfg.rst). */
static int name_check(const struct config *c, const char *name, size_t len,
		      struct err *why)
{
	size_t i;
	unsigned n;

	if (len <= 4 || strncmp(name, "opt/", 4) != 0)
		return err_set(why, -EINVAL,
			       "the name must begin with opt/; others are the "
			       "machine's own");
	if (len >= FW_CFG_NAME_SIZE)
		return err_set(why, -EINVAL,
			       "the name has more than %u characters",
			       FW_CFG_NAME_SIZE - 1);
	for (i = 0; i < len; i++) {
		if (!isascii(name[i]) || !isgraph((unsigned char)name[i]))
			return err_set(why, -EINVAL,
				       "the name is not printable ASCII "
				       "without blanks");
	}
	for (n = 0; n < c->nfw_cfgs; n++) {
		if (strlen(c->fw_cfgs[n].name) == len &&
		    !memcmp(c->fw_cfgs[n].name, name, len))
			return err_set(why, -EEXIST, "two files named '%s'",
				       c->fw_cfgs[n].name);
	}
	return 0;
}

static int fw_cfgs_set(const struct key *k, struct config *c, const char *value,
		       const char *dir, struct err *why)
{
	const size_t len = strcspn(value, "=");
	struct fw_cfg_config *more, one;
	int rc;

	(void)k;
	if (!value[len] || !value[len + 1])
		return err_set(why, -EINVAL, "not of the form NAME=FILE");
	rc = name_check(c, value, len, why);
	if (rc)
		return rc;
	if (c->nfw_cfgs == FILES_MAX)
		return err_set(why, -ENOSPC,
			       "one too many; there is room for %u", FILES_MAX);
	more = reallocarray(c->fw_cfgs, c->nfw_cfgs + 1, sizeof(*more));
	if (!more)
		return no_memory(why);
	c->fw_cfgs = more;
	one.name = strndup(value, len);
	one.path = path_from(dir, value + len + 1);
	if (!one.name || !one.path) {
		free(one.name);
		free(one.path);
		return no_memory(why);
	}
	more[c->nfw_cfgs++] = one;
	return 0;
}

static void fw_cfgs_dump(const struct key *k, const struct config *c, FILE *f)
{
	unsigned i;
	char *abs;

	for (i = 0; i < c->nfw_cfgs; i++) {
		abs = path_absolute(c->fw_cfgs[i].path);
		fprintf(f, "%s = %s=%s\n", k->name, c->fw_cfgs[i].name,
			abs ? abs : c->fw_cfgs[i].path);
		free(abs);
	}
}

static void fw_cfgs_free(const struct key *k, struct config *c)
{
	(void)k;
	while (c->nfw_cfgs) {
		c->nfw_cfgs--;
		free(c->fw_cfgs[c->nfw_cfgs].name);
		free(c->fw_cfgs[c->nfw_cfgs].path);
	}
	free(c->fw_cfgs);
}

const struct value_type value_fw_cfgs = { fw_cfgs_set, fw_cfgs_dump,
					  fw_cfgs_free };

static const char *const smbios_names[] = {
	[SMBIOS_MANUFACTURER] = "manufacturer",
	[SMBIOS_PRODUCT] = "product",
	[SMBIOS_VERSION] = "version",
	[SMBIOS_SERIAL] = "serial",
	[SMBIOS_SKU] = "sku",
	[SMBIOS_FAMILY] = "family",
};
static_assert(sizeof(smbios_names) / sizeof(*smbios_names) == SMBIOS_TEXTS,
	      "each text has a name");

/* 8-4-4-4-12 hexadecimal digits. */
static int uuid_parse(const char *s, uint8_t uuid[16], struct err *why)
{
	static const uint8_t zero[16];
	unsigned i;
	char pair[3] = "";

	for (i = 0; i < 16; i++, s += 2) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *s++ != '-')
			break;
		if (!isxdigit((unsigned char)s[0]) ||
		    !isxdigit((unsigned char)s[1]))
			break;
		memcpy(pair, s, 2);
		uuid[i] = strtoul(pair, NULL, 16);
	}
	if (i < 16 || *s)
		return err_set(why, -EINVAL,
			       "not a UUID; write uuid="
			       "123e4567-e89b-12d3-a456-426614174000");
	if (!memcmp(uuid, zero, sizeof(zero)))
		return err_set(why, -EINVAL,
			       "the UUID of zeroes means that there is none");
	return 0;
}

static int text_parse(const char *s, char **text, struct err *why)
{
	const char *p;

	for (p = s; *p; p++) {
		if (!isascii(*p) || !isprint((unsigned char)*p))
			return err_set(why, -EINVAL,
				       "'%s' is not printable ASCII", s);
	}
	if (p == s || p - s > (int)SMBIOS_TEXT_MAX)
		return err_set(why, -EINVAL, "'%s' has not 1 to %u characters",
			       s, SMBIOS_TEXT_MAX);
	free(*text);
	*text = strdup(s);
	return *text ? 0 : no_memory(why);
}

static int smbios_field(struct smbios_config *s, const char *field,
			struct err *why)
{
	const size_t len = strcspn(field, "=");
	unsigned i;

	for (i = 0; field[len] && i < SMBIOS_TEXTS; i++) {
		if (strlen(smbios_names[i]) == len &&
		    !memcmp(smbios_names[i], field, len))
			return text_parse(field + len + 1, &s->text[i], why);
	}
	if (!strncmp(field, "uuid=", 5))
		return uuid_parse(field + 5, s->uuid, why);
	return err_set(why, -EINVAL,
		       "unknown field '%s'; use manufacturer=, product=, "
		       "version=, serial=, uuid=, sku= or family=",
		       field);
}

static void smbios_clear(struct smbios_config *s)
{
	unsigned i;

	for (i = 0; i < SMBIOS_TEXTS; i++)
		free(s->text[i]);
}

/* Fields that are given again replace those given before. */
static int smbios_set(const struct key *k, struct config *c, const char *value,
		      const char *dir, struct err *why)
{
	struct smbios_config s = { 0 };
	char *copy = strdup(value), *rest = copy, *field;
	int rc = copy ? 0 : no_memory(why);
	unsigned i;

	(void)k;
	(void)dir;
	memcpy(s.uuid, c->smbios.uuid, sizeof(s.uuid));
	while (!rc && (field = field_next(&rest)))
		rc = smbios_field(&s, field, why);
	free(copy);
	if (rc) {
		smbios_clear(&s);
		return rc;
	}
	for (i = 0; i < SMBIOS_TEXTS; i++) {
		if (!s.text[i])
			continue;
		free(c->smbios.text[i]);
		c->smbios.text[i] = s.text[i];
	}
	memcpy(c->smbios.uuid, s.uuid, sizeof(s.uuid));
	return 0;
}

static void smbios_dump(const struct key *k, const struct config *c, FILE *f)
{
	static const uint8_t zero[16];
	const struct smbios_config *s = &c->smbios;
	unsigned i;

	/* A line each, as the lines add up. */
	for (i = 0; i < SMBIOS_TEXTS; i++) {
		if (!s->text[i])
			continue;
		fprintf(f, "%s = %s=", k->name, smbios_names[i]);
		field_dump(s->text[i], f);
		fputc('\n', f);
	}
	if (!memcmp(s->uuid, zero, sizeof(zero)))
		return;
	fprintf(f, "%s = uuid=", k->name);
	for (i = 0; i < 16; i++)
		fprintf(f, "%s%02x",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			s->uuid[i]);
	fputc('\n', f);
}

static void smbios_free(const struct key *k, struct config *c)
{
	(void)k;
	smbios_clear(&c->smbios);
}

const struct value_type value_smbios = { smbios_set, smbios_dump, smbios_free };
