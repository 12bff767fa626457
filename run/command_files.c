/* SPDX-License-Identifier: MIT */
/*
 * Packing the initramfs of `nestor run -- COMMAND`: environment, root, modules,
 * the job description, and the command's files.
 */
#include "run/command_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run/command_kernel.h"
#include "run/exit.h"
#include "run/frame.h"
#include "config/parts.h"
#include "config/values.h"
#include "core/log.h"
#include "core/remedy.h"
#include "core/util.h"
#include "host/closure.h"
#include "host/cpio.h"
#include "host/virtiofsd.h"

#define MIB (1ull << 20)

/* The root's virtio-fs device. */
#define ROOT_TAG "nestor-root"

/* guest/command/; the Makefile knows of this. */
asm(".section .embedded,\"a\"\ncommand_init:\n"
    ".incbin \"build/guest/command-init\"\ncommand_init_end:\n.previous\n");
/* Hidden: by way of the GOT the linker takes both for one and the same. */
extern const uint8_t command_init[] __attribute__((visibility("hidden")));
extern const uint8_t command_init_end[] __attribute__((visibility("hidden")));

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

/* --- its root --- */

/* For the channel, and for a root that is shared. */
static const char *const channel_modules[] = { "virtio_pci", "virtio_mmio",
					       "virtio_console", NULL };
static const char *const root_modules[] = { "virtiofs", "overlay", NULL };

/* The directory that its files come from. */
static const char *root_of(const struct config *cfg)
{
	const char *root = cfg->command.root;

	return root && strcmp(root, COMMAND_INITRAMFS) ? root : "/";
}

/* Can it be a share, rather than packed? If so, with what modules? */
static bool can_share(const struct config *cfg, const struct closure *c,
		      struct strlist *modules)
{
	if (cfg->command.root && !strcmp(cfg->command.root, COMMAND_INITRAMFS))
		return false;
	if (cfg->command.files.n) {
		log_debug("packing the command's files: --add is given");
		return false;
	}
	if (!virtiofsd_path()) {
		log_debug("packing the command's files: no virtiofsd here");
		return false;
	}
	if (!command_modules(c, cfg->kernel, root_modules, modules)) {
		log_debug("packing the command's files: its kernel cannot "
			  "share them");
		return false;
	}
	log_debug("sharing %s with the guest", root_of(cfg));
	return true;
}

static int share_root(struct config *cfg)
{
	struct share_config s = {
		.tag = strdup(ROOT_TAG),
		.dir = strdup(root_of(cfg)),
		.readonly = true,
	};

	if (s.tag && s.dir && !parts_append(&parts_share, cfg, &s))
		return 0;
	free(s.tag);
	free(s.dir);
	return -ENOMEM;
}

static void add_modules(struct cpio *cpio, const struct closure *c,
			const struct strlist *modules)
{
	unsigned i;
	int fd;

	for (i = 0; i < modules->n; i++) {
		fd = closure_open(c, modules->s[i]);
		if (fd < 0)
			continue;
		cpio_file(cpio, modules->s[i], 0444, fd);
		close(fd);
	}
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

/* What is put together for one guest. */
struct pack {
	struct config *cfg;
	struct cpio *cpio;
	struct closure *root; /* what it takes files from */
	struct strlist env, modules;
	char *cwd;
	const char *port;
	bool shared; /* the root is */
};

static int add_job(const struct pack *p)
{
	const struct command_config *m = &p->cfg->command;
	char *buf = NULL;
	size_t len;
	FILE *f = open_memstream(&buf, &len);

	if (!f)
		return -ENOMEM;
	record_all(f, RECORD_ARG, &m->argv);
	record_all(f, RECORD_ENV, &p->env);
	record_all(f, RECORD_MODULE, &p->modules);
	record(f, m->workdir ? RECORD_WORKDIR : RECORD_WORKDIR_TRY, p->cwd);
	record(f, RECORD_PORT, p->port);
	if (p->shared)
		record(f, RECORD_ROOT, ROOT_TAG);
	if (fclose(f)) {
		free(buf);
		return -ENOMEM;
	}
	cpio_bytes(p->cpio, FRAME_FILE, 0400, buf, len);
	free(buf);
	return 0;
}

/* --- the command itself --- */

static int find_status(const char *name, const char *root, int r, struct err *e)
{
	const bool missing = r == -ENOENT || r == -ENOTDIR;

	err_set(e, r, "%s: %s%s%s", name, missing ? "not found" : strerror(-r),
		strcmp(root, "/") ? " in " : "", strcmp(root, "/") ? root : "");
	return missing ? -STATUS_NOFILE : -STATUS_NOEXEC;
}

static int add_program(const struct pack *p, struct err *e)
{
	const struct command_config *m = &p->cfg->command;
	char *file, *abs;
	unsigned i;
	int r = closure_find(p->root, m->argv.s[0], path_in(&p->env), p->cwd,
			     &file);

	if (r)
		return find_status(m->argv.s[0], root_of(p->cfg), r, e);
	r = closure_add(p->root, file, e);
	free(file);
	for (i = 0; i < m->files.n && !r; i++) {
		abs = path_absolute(m->files.s[i], 0);
		r = abs ? closure_add(p->root, abs, e) : err_no_memory(e);
		free(abs);
	}
	return r ? -STATUS_LOST : 0;
}

/* All that the guest sees, if its root is not another. */
static int add_root(const struct pack *p, struct err *e)
{
	static const char *const dirs[] = { "/dev", "/proc", "/sys", "/run" };
	unsigned i;

	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		cpio_dir(p->cpio, dirs[i], 0755);
	cpio_dir(p->cpio, "/tmp", 01777);
	cpio_dir(p->cpio, "/root", 0700);
	cpio_dir(p->cpio, p->cwd, 0755);
	return add_program(p, e);
}

static char *start_in(const struct config *cfg)
{
	char here[PATH_MAX] = "/";

	if (cfg->command.workdir)
		return path_absolute(cfg->command.workdir, 0);
	if (!getcwd(here, sizeof(here)) || *here != '/')
		return strdup("/");
	return strdup(here);
}

static int fill(struct pack *p, struct err *e)
{
	struct cpio *cpio = p->cpio;

	p->root = closure_new(root_of(p->cfg), cpio, e);
	if (!p->root)
		return -STATUS_LOST;
	p->cwd = start_in(p->cfg);
	if (!p->cwd || collect_env(p->cfg, &p->env))
		return -STATUS_LOST;
	command_modules(p->root, p->cfg->kernel, channel_modules, &p->modules);
	p->shared = can_share(p->cfg, p->root, &p->modules);
	add_modules(cpio, p->root, &p->modules);
	cpio_dir(cpio, "/dev", 0755);
	cpio_device(cpio, "/dev/console", S_IFCHR | 0600, makedev(5, 1));
	cpio_bytes(cpio, COMMAND_INIT, 0500, command_init,
		   command_init_end - command_init);
	if (add_job(p) || (p->shared && share_root(p->cfg)))
		return -STATUS_LOST;
	return p->shared ? 0 : add_root(p, e);
}

/* The guest has it packed and unpacked, and the command needs memory too. */
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

static void clear(struct strlist *l)
{
	while (l->n)
		free(l->s[--l->n]);
	free(l->s);
}

int command_pack(struct config *cfg, const char *port, struct err *e)
{
	struct pack p = { .cfg = cfg, .cpio = cpio_new(), .port = port };
	int r;

	err_set(e, 0, "packing the initramfs: out of memory");
	if (!p.cpio)
		err_host(e, -errno, "packing the initramfs");
	r = p.cpio ? fill(&p, e) : -STATUS_LOST;
	if (!r)
		r = check_size(cpio_size(p.cpio), cfg, e);
	if (!r) {
		log_debug("the command's initramfs has %llu bytes",
			  (unsigned long long)cpio_size(p.cpio));
		r = cpio_finish(p.cpio);
		p.cpio = NULL;
		if (r < 0) {
			err_host(e, r, "packing the initramfs");
			r = -STATUS_LOST;
		}
	}
	closure_free(p.root);
	cpio_free(p.cpio);
	clear(&p.env);
	clear(&p.modules);
	free(p.cwd);
	return r;
}
