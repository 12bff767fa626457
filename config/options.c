/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the command line is scanned twice by the same scanner,
 * which keeps no state but its position. The first pass finds mistakes of form
 * and reads configuration files; the second sets the keys, which so come after
 * every file wherever --config stands.
 */
#include "config/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/keys.h"
#include "config/values.h"
#include "core/log.h"
#include "core/remedy.h"

/* Nobody writes more by hand; a device node would never end. */
#define FILE_MAX (1u << 20)

#define MIB	       (1ull << 20)
#define COMMAND_CPUS   8
#define COMMAND_MEMORY (2048 * MIB)

struct scan {
	char **arg, **end;
	const char *bundle;	/* what is left of -abc */
	const struct key *bare; /* of the last option, if that had no value */
	char **command;		/* what stands behind "--" */
};

struct option {
	const struct key *key;
	char spelled[32];  /* as the user wrote it */
	const char *value; /* "on" or "off" for a flag */
};

static int unknown(const char *name, const char *arg, bool no, struct err *e)
{
	const char *near = key_suggest(name);

	if (near)
		return err_set(e, -EINVAL,
			       "unknown option %s: did you mean --%s%s?", arg,
			       no ? "no-" : "", near);
	return err_set(e, -EINVAL, "unknown option %s: see 'nestor help run'",
		       arg);
}

/* The value of o->key: the rest of this argument, or the next one. */
static int take_value(struct scan *s, const char *rest, struct option *o,
		      struct err *e)
{
	if (rest) {
		o->value = rest;
	} else if (s->arg < s->end) {
		o->value = *s->arg++;
	} else {
		return err_set(e, -EINVAL, "%s needs a value: %s %s",
			       o->spelled, o->spelled, o->key->arg);
	}
	return 1;
}

static int scan_long(struct scan *s, const char *arg, struct option *o,
		     struct err *e)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	bool no = false;

	o->key = key_find(name, len);
	if (!o->key && len > 3 && !memcmp(name, "no-", 3)) {
		o->key = key_find(name + 3, len - 3);
		no = true;
	}
	if (!o->key)
		return unknown(no ? name + 3 : name, arg, no, e);
	if (no && (o->key->arg || o->key->role > KEY_RUNS))
		return err_set(
			e, -EINVAL,
			"unknown option %s: only flags have a --no- form", arg);
	snprintf(o->spelled, sizeof(o->spelled), "--%.*s", (int)len, name);
	if (o->key->bare && !value) {
		s->bare = o->key;
		o->value = o->key->bare;
		return 1;
	}
	if (o->key->arg)
		return take_value(s, value, o, e);
	if (value && o->key->role <= KEY_RUNS)
		return err_set(e, -EINVAL,
			       "%s: a flag takes no value; use --%s or --no-%s",
			       arg, o->key->name, o->key->name);
	if (value)
		return err_set(e, -EINVAL, "%s takes no value", o->spelled);
	o->value = no ? "off" : "on";
	return 1;
}

static int scan_short(struct scan *s, struct option *o, struct err *e)
{
	char letter = *s->bundle++;
	const char *rest = *s->bundle ? s->bundle : NULL;

	s->bundle = rest;
	o->key = key_of_letter(letter);
	snprintf(o->spelled, sizeof(o->spelled), "-%c", letter);
	if (!o->key)
		return err_set(e, -EINVAL,
			       "unknown option %s: see 'nestor help run'",
			       o->spelled);
	o->value = "on";
	if (!o->key->arg)
		return 1;
	s->bundle = NULL;
	return take_value(s, rest, o, e);
}

static int stray(const char *arg, const struct key *bare, struct err *e)
{
	if (bare)
		return err_set(e, -EINVAL,
			       "stray argument '%s': if it belongs to --%s, "
			       "write --%s=%s",
			       arg, bare->name, bare->name, arg);
	return err_set(e, -EINVAL,
		       "stray argument '%s': if it is the kernel, use "
		       "--kernel %s",
		       arg, arg);
}

/* 1 and the next option; 0 at the end; -EINVAL with @e. */
static int scan_next(struct scan *s, struct option *o, struct err *e)
{
	const struct key *bare = s->bare;
	const char *arg;

	s->bare = NULL;

	if (s->bundle)
		return scan_short(s, o, e);
	if (s->arg == s->end)
		return 0;
	arg = *s->arg++;
	if (!strcmp(arg, "--")) {
		s->command = s->arg;
		s->arg = s->end;
		return 0;
	} else if (arg[0] == '-' && arg[1] == '-') {
		return scan_long(s, arg, o, e);
	} else if (arg[0] == '-' && arg[1]) {
		s->bundle = arg + 1;
		return scan_short(s, o, e);
	}
	return stray(arg, bare, e);
}

/* What stands before the last slash of @path, NULL if none. 0 or -ENOMEM. */
static int dir_of(const char *path, char **dir)
{
	const char *slash = strrchr(path, '/');

	*dir = NULL;
	if (!slash)
		return 0;
	*dir = strndup(path, slash - path);
	return *dir ? 0 : -ENOMEM;
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t");
	for (len = strlen(s); len && strchr(" \t", s[len - 1]);)
		s[--len] = '\0';
	return s;
}

static int unknown_in_file(const char *name, struct err *why)
{
	const char *near = key_suggest(name);
	const struct key *k;

	if (!strncmp(name, "no-", 3)) {
		k = key_find(name + 3, strlen(name + 3));
		if (k && !k->arg)
			return err_set(why, -EINVAL,
				       "unknown key '%s'; write '%s = off'",
				       name, k->name);
	}
	if (near)
		return err_set(why, -EINVAL,
			       "unknown key '%s': did you mean '%s'?", name,
			       near);
	return err_set(why, -EINVAL, "unknown key '%s': see 'nestor help run'",
		       name);
}

static int parse_line(char *line, const char *dir, struct config *c,
		      struct err *why)
{
	char *name = trim(line), *eq = strchr(line, '='), *value;
	const struct key *k;
	struct err reason;
	int rc;

	if (!*name || *name == '#')
		return 0;
	for (value = name; *value; value++) {
		if (((unsigned char)*value < ' ' && *value != '\t') ||
		    *value == 0x7f)
			return err_set(why, -EINVAL,
				       "contains a control character");
	}
	if (!eq)
		return err_set(why, -EINVAL, "'%s' is not 'key = value'", name);
	*eq = '\0';
	value = trim(eq + 1);
	name = trim(name);
	k = key_find(name, strlen(name));
	if (!k)
		return unknown_in_file(name, why);
	if (k->role != KEY_SETS)
		return err_set(why, -EINVAL,
			       "'%s' belongs on the command line only", name);
	rc = key_set(k, c, value, dir, &reason);
	if (rc)
		err_set(why, rc, "%s = %s: %s", name, *value ? value : "''",
			reason.text);
	return rc;
}

int config_parse_text(const char *name, const char *text, size_t len,
		      struct config *c, struct err *e)
{
	const char *end = text + len, *eol;
	unsigned line = 0;
	struct err why;
	char *copy, *dir;
	int rc = 0;

	if (dir_of(name, &dir))
		return err_set(e, -ENOMEM, "%s: out of memory", name);
	for (; !rc && text < end; text = eol + 1) {
		line++;
		eol = memchr(text, '\n', end - text);
		if (!eol)
			eol = end;
		if (memchr(text, '\0', eol - text)) {
			rc = err_set(&why, -EINVAL,
				     "contains a control character");
			break;
		}
		/* What other systems end a line with is no part of it. */
		copy = strndup(text,
			       eol - text - (eol > text && eol[-1] == '\r'));
		rc = copy ? parse_line(copy, dir, c, &why)
			  : err_set(&why, -ENOMEM, "out of memory");
		free(copy);
	}
	free(dir);
	return rc ? err_set(e, rc, "%s:%u: %s", name, line, why.text) : 0;
}

/* All of @fd, at most FILE_MAX bytes, into @buf; its length or -errno. */
static ssize_t read_all(int fd, char *buf)
{
	size_t len = 0;
	ssize_t n;

	while (len <= FILE_MAX) {
		n = read(fd, buf + len, FILE_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return len;
		len += n;
	}
	return -EFBIG;
}

static int parse_file(const char *path, struct config *c, struct err *e)
{
	int fd = -1, rc = text_check(path, e);
	char *buf = NULL;
	struct err why;
	ssize_t len;

	/* Paths in the file are taken from its directory. */
	if (rc) {
		why = *e;
		return err_set(e, rc, "--config %s: %s", path, why.text);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_path(e, -errno, "--config", path);
	buf = malloc(FILE_MAX + 1);
	len = buf ? read_all(fd, buf) : -ENOMEM;
	if (len == -EFBIG)
		rc = err_set(e, len,
			     "--config %s: has more than %u bytes; give a "
			     "configuration file",
			     path, FILE_MAX);
	else if (len < 0)
		rc = err_path(e, len, "--config", path);
	else
		rc = config_parse_text(path, buf, len, c, e);
	free(buf);
	close(fd);
	return rc;
}

/* A wish, or -errno. */
static int first_pass(struct scan s, struct config *c, struct err *e)
{
	enum config_wish wish = CONFIG_RUN;
	struct option o;
	int rc;

	while ((rc = scan_next(&s, &o, e)) > 0) {
		if (o.key->role == KEY_HELPS)
			return CONFIG_HELP;
		if (o.key->role == KEY_DUMPS)
			wish = CONFIG_DUMP;
		if (o.key->role == KEY_READS_FILE) {
			rc = parse_file(o.value, c, e);
			if (rc)
				return rc;
		}
	}
	return rc ? rc : (int)wish;
}

static int second_pass(struct scan s, struct config *c, struct err *e)
{
	struct option o;
	struct err why;
	int rc;

	while ((rc = scan_next(&s, &o, e)) > 0) {
		if (o.key->role != KEY_SETS && o.key->role != KEY_RUNS)
			continue;
		rc = key_set(o.key, c, o.value, NULL, &why);
		if (rc)
			return err_set(e, rc, "%s %s: %s", o.spelled,
				       *o.value ? o.value : "''", why.text);
	}
	return rc;
}

/*
 * The command, if there is one, and defaults that fit a test suite: all
 * processors, within reason, and memory that costs nothing before it is used.
 */
static int take_command(struct scan s, struct config *c, struct err *e)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t half =
		(uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE);
	struct option o;
	struct err ignored;

	/* Mistakes are for the first pass to tell. */
	while (scan_next(&s, &o, &ignored) > 0)
		;
	if (!s.command || s.command == s.end)
		return 0;
	c->cpus = cpus < 1 ? 1 : cpus > COMMAND_CPUS ? COMMAND_CPUS : cpus;
	if (half > c->memory)
		c->memory =
			half < COMMAND_MEMORY ? half & -MIB : COMMAND_MEMORY;
	for (; s.command < s.end; s.command++)
		if (strlist_add(&c->command.argv, strdup(*s.command)))
			return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

/* What relative paths begin with when the configuration is written. */
static int check_cwd(struct err *e)
{
	char cwd[PATH_MAX];
	struct err why;

	if (!getcwd(cwd, sizeof(cwd)) || !text_check(cwd, &why))
		return 0;
	return err_set(e, -EINVAL, "the current directory, %.200s, %s", cwd,
		       why.text);
}

int config_parse(int argc, char **argv, struct config *c, struct err *e)
{
	struct scan s = { .arg = argv + 1, .end = argv + argc };
	int rc = config_init(c, e), wish;

	if (!rc)
		rc = check_cwd(e);
	if (!rc)
		rc = take_command(s, c, e);
	if (rc) {
		config_free(c);
		return rc;
	}
	wish = first_pass(s, c, e);
	rc = wish;
	if (wish == CONFIG_RUN || wish == CONFIG_DUMP)
		rc = second_pass(s, c, e);
	if (!rc && wish == CONFIG_RUN)
		rc = config_check(c, e);
	if (rc) {
		config_free(c);
		return rc;
	}
	return wish;
}
