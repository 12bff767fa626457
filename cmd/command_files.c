/* SPDX-License-Identifier: MIT */
#include "cmd/command_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cmd/exit.h"
#include "cmd/frame.h"
#include "cmd/values.h"
#include "core/log.h"
#include "host/closure.h"
#include "host/cpio.h"

#define MIB (1ull << 20)

/* guest/command/; the Makefile knows of this. */
asm(".section .rodata\ncommand_init:\n"
    ".incbin \"build/guest/command-init\"\ncommand_init_end:\n.previous\n");
/* Hidden: by way of the GOT the linker takes both for one and the same. */
extern const uint8_t command_init[] __attribute__((visibility("hidden")));
extern const uint8_t command_init_end[] __attribute__((visibility("hidden")));

/* What a shell looks in, if nobody has said. */
#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

extern char **environ;

/* --- its environment --- */

/* Of nestor's own, what says who and where the user is; a "_" ends a family. */
static const char *const passed[] = {
	"PATH", "HOME",	    "USER", "LOGNAME", "SHELL",
	"TERM", "LANGUAGE", "LANG", "LC_",     "TZ",
};

static bool is_passed(const char *var)
{
	const size_t len = strcspn(var, "=");
	unsigned i;

	for (i = 0; i < sizeof(passed) / sizeof(*passed); i++) {
		const size_t n = strlen(passed[i]);

		if (!strncmp(var, passed[i], n) &&
		    (len == n || passed[i][n - 1] == '_'))
			return true;
	}
	return false;
}

static bool same_name(const char *a, const char *b)
{
	const size_t len = strcspn(a, "=");

	return !strncmp(a, b, len) && (b[len] == '=' || !b[len]);
}

static int set_env(struct strlist *env, char *var)
{
	unsigned i;

	for (i = 0; var && i < env->n; i++) {
		if (same_name(env->s[i], var)) {
			free(env->s[i]);
			env->s[i] = var;
			return 0;
		}
	}
	return strlist_add(env, var);
}

static int collect_env(const struct config *cfg, struct strlist *env)
{
	const struct strlist *given = &cfg->command.env;
	char **var, *value, *all;
	unsigned i;
	int r = 0;

	for (var = environ; *var && !r; var++)
		if (is_passed(*var))
			r = set_env(env, strdup(*var));
	for (i = 0; i < given->n && !r; i++) {
		all = NULL;
		if (strchr(given->s[i], '=')) {
			r = set_env(env, strdup(given->s[i]));
			continue;
		}
		value = getenv(given->s[i]);
		if (value && asprintf(&all, "%s=%s", given->s[i], value) >= 0)
			r = set_env(env, all);
	}
	return r;
}

static const char *path_in(const struct strlist *env)
{
	unsigned i;

	for (i = 0; i < env->n; i++)
		if (!strncmp(env->s[i], "PATH=", 5))
			return env->s[i] + 5;
	return DEFAULT_PATH;
}

/* --- what it is to do --- */

static void record(FILE *f, enum frame_record what, const char *text)
{
	fputc(what, f);
	fputs(text, f);
	fputc('\0', f);
}

static void record_all(FILE *f, enum frame_record what, const struct strlist *l)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		record(f, what, l->s[i]);
}

static int add_job(struct cpio *cpio, const struct config *cfg,
		   const struct strlist *env, const char *cwd, const char *port)
{
	char *buf = NULL;
	size_t len;
	FILE *f = open_memstream(&buf, &len);

	if (!f)
		return -ENOMEM;
	record_all(f, RECORD_ARG, &cfg->command.argv);
	record_all(f, RECORD_ENV, env);
	record(f, cfg->command.workdir ? RECORD_WORKDIR : RECORD_WORKDIR_TRY,
	       cwd);
	record(f, RECORD_PORT, port);
	if (fclose(f)) {
		free(buf);
		return -ENOMEM;
	}
	cpio_bytes(cpio, FRAME_FILE, 0400, buf, len);
	free(buf);
	return 0;
}

/* --- the command itself --- */

/* The directory that its files come from. */
static const char *root_of(const struct config *cfg)
{
	const char *root = cfg->command.root;

	return root && strcmp(root, COMMAND_INITRAMFS) ? root : "/";
}

static int find_status(const char *name, const char *root, int r, struct err *e)
{
	const bool missing = r == -ENOENT || r == -ENOTDIR;

	err_set(e, r, "%s: %s%s%s", name, missing ? "not found" : strerror(-r),
		strcmp(root, "/") ? " in " : "", strcmp(root, "/") ? root : "");
	return missing ? -STATUS_NOFILE : -STATUS_NOEXEC;
}

static int add_program(struct closure *c, const struct config *cfg,
		       const char *path, const char *cwd, struct err *e)
{
	const char *name = cfg->command.argv.s[0];
	char *file, *abs;
	unsigned i;
	int r = closure_find(c, name, path, cwd, &file);

	if (r)
		return find_status(name, root_of(cfg), r, e);
	r = closure_add(c, file, e);
	free(file);
	for (i = 0; i < cfg->command.files.n && !r; i++) {
		abs = path_absolute(cfg->command.files.s[i]);
		r = abs ? closure_add(c, abs, e)
			: err_set(e, -ENOMEM, "out of memory");
		free(abs);
	}
	return r ? -STATUS_LOST : 0;
}

static int add_root(struct cpio *cpio, const struct config *cfg,
		    const char *path, const char *cwd, struct err *e)
{
	static const char *const dirs[] = { "/dev", "/proc", "/sys", "/run" };
	struct closure *c = closure_new(root_of(cfg), cpio, e);
	unsigned i;
	int r;

	if (!c)
		return -STATUS_LOST;
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		cpio_dir(cpio, dirs[i], 0755);
	cpio_dir(cpio, "/tmp", 01777);
	cpio_dir(cpio, "/root", 0700);
	cpio_dir(cpio, cwd, 0755);
	r = add_program(c, cfg, path, cwd, e);
	closure_free(c);
	return r;
}

static int pack(struct cpio *cpio, const struct config *cfg,
		const struct strlist *env, const char *port, struct err *e)
{
	char here[PATH_MAX] = "/";
	const char *dir = cfg->command.workdir;
	char *cwd;
	int r;

	if (!dir && getcwd(here, sizeof(here)) && *here != '/')
		strcpy(here, "/");
	cwd = path_absolute(dir ? dir : here);
	if (!cwd)
		return -STATUS_LOST;
	cpio_dir(cpio, "/dev", 0755);
	cpio_device(cpio, "/dev/console", S_IFCHR | 0600, makedev(5, 1));
	cpio_bytes(cpio, COMMAND_INIT, 0500, command_init,
		   command_init_end - command_init);
	r = add_job(cpio, cfg, env, cwd, port) ? -STATUS_LOST : 0;
	if (!r)
		r = add_root(cpio, cfg, path_in(env), cwd, e);
	free(cwd);
	return r;
}

/* Unpacked it is as big again, and then the command wants some. */
static int check_size(uint64_t size, const struct config *cfg, struct err *e)
{
	if (size <= cfg->memory / 3)
		return 0;
	err_set(e, -ENOMEM,
		"--memory %lluM: the files of %s are %llu MiB, which the guest "
		"has in memory twice while it starts; give --memory %lluM",
		(unsigned long long)(cfg->memory / MIB), cfg->command.argv.s[0],
		(unsigned long long)(size / MIB),
		(unsigned long long)(3 * size / MIB + 256));
	return -STATUS_LOST;
}

int command_pack(const struct config *cfg, const char *port, struct err *e)
{
	struct strlist env = { 0 };
	struct cpio *cpio = cpio_new();
	int r = cpio ? collect_env(cfg, &env) : -ENOMEM;

	err_set(e, 0, "packing the initramfs: out of memory");
	r = r ? -STATUS_LOST : pack(cpio, cfg, &env, port, e);
	if (!r)
		r = check_size(cpio_size(cpio), cfg, e);
	if (!r) {
		log_debug("the command's initramfs has %llu bytes",
			  (unsigned long long)cpio_size(cpio));
		r = cpio_finish(cpio);
		cpio = NULL;
		if (r < 0) {
			err_set(e, r, "packing the initramfs: %s",
				strerror(-r));
			r = -STATUS_LOST;
		}
	}
	cpio_free(cpio);
	while (env.n)
		free(env.s[--env.n]);
	free(env.s);
	return r;
}
