/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: the command line is scanned twice. The first pass finds
 * mistakes of form and reads configuration files; the second sets the keys,
 * which so come after every file wherever --config stands.
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
#include "config/scan.h"
#include "config/values.h"
#include "core/log.h"
#include "core/remedy.h"

/* Nobody writes more by hand; a device node would never end. */
#define FILE_MAX (1u << 20)

#define MIB	       (1ull << 20)
#define COMMAND_CPUS   8
#define COMMAND_MEMORY (2048 * MIB)

static int stray(const struct scan *s, struct err *e)
{
	if (s->bare)
		return err_set(e, -EINVAL,
			       "stray argument '%s': if it belongs to --%s, "
			       "write --%s=%s",
			       s->value, s->bare->name, s->bare->name,
			       s->value);
	return err_set(e, -EINVAL,
		       "stray argument '%s': if it is the kernel, use "
		       "--kernel %s",
		       s->value, s->value);
}

/* 1 and the next option's key; 0 at the end, or at a command; -EINVAL. */
static int next_key(struct scan *s, const struct key **k, struct err *e)
{
	const int id = scan_next(s, e);

	if (id == OPT_OPERAND)
		return s->literal ? 0 : stray(s, e);
	if (id <= 0)
		return id;
	*k = &keys[id - 1];
	return 1;
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
	const struct key *k;
	int rc;

	while ((rc = next_key(&s, &k, e)) > 0) {
		if (k->role == KEY_HELPS)
			return CONFIG_HELP;
		if (k->role == KEY_DUMPS)
			wish = CONFIG_DUMP;
		if (k->role == KEY_READS_FILE) {
			rc = parse_file(s.value, c, e);
			if (rc)
				return rc;
		}
	}
	return rc ? rc : (int)wish;
}

static int second_pass(struct scan s, struct config *c, struct err *e)
{
	const struct key *k;
	struct err why;
	int rc;

	while ((rc = next_key(&s, &k, e)) > 0) {
		if (k->role > KEY_RUNS)
			continue;
		rc = key_set(k, c, s.value, NULL, &why);
		if (rc)
			return err_set(e, rc, "%s %s: %s", s.spelled,
				       *s.value ? s.value : "''", why.text);
	}
	return rc;
}

/*
 * The command, if there is one, and defaults that fit a test suite: all
 * processors, within reason, and memory that costs nothing before it is used.
 */
static int take_command(struct scan s, struct config *c, struct err *e)
{
	const struct key *k;
	struct err ignored;
	uint64_t half;
	char **word;
	long cpus;

	/* Mistakes are for the first pass to tell. */
	while (next_key(&s, &k, &ignored) > 0)
		;
	if (!s.literal || !s.value)
		return 0;
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	half = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE);
	c->cpus = cpus < 1 ? 1 : cpus > COMMAND_CPUS ? COMMAND_CPUS : cpus;
	if (half > c->memory)
		c->memory =
			half < COMMAND_MEMORY ? half & -MIB : COMMAND_MEMORY;
	for (word = s.arg - 1; word < s.end; word++)
		if (strlist_add(&c->command.argv, strdup(*word)))
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
	struct opt opts[KEYS_MAX] = { 0 };
	const struct scan s = { .command = "run",
				.opts = opts,
				.arg = argv + 1,
				.end = argv + argc };
	int rc = config_init(c, e), wish;
	unsigned i;

	for (i = 0; i < nkeys; i++)
		opts[i] = key_opt(&keys[i]);
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
