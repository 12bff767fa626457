/* SPDX-License-Identifier: MIT */
/* Opening the files that a machine boots, all or none. */
#include "machine/boot_files.h"

#include <errno.h>
#include <stdlib.h>

#include "core/config.h"
#include "core/log.h"

static int open_one(struct infile *f, const char *opt, const char *path,
		    struct err *e)
{
	return path ? infile_open(f, opt, path, e) : 0;
}

static int open_list(struct infile **files, unsigned *n, const char *opt,
		     const struct strlist *paths, struct err *e)
{
	int r = 0;

	if (!paths->n)
		return 0;
	*files = calloc(paths->n, sizeof(**files));
	if (!*files)
		return err_no_memory(e);
	for (; *n < paths->n && !r; *n += !r)
		r = infile_open(&(*files)[*n], opt, paths->s[*n], e);
	return r;
}

struct module_config boot_module(const struct config *c, unsigned i)
{
	const unsigned kind = i % MODULE_KINDS, domain = i / MODULE_KINDS;
	const struct domain_config *d;

	if (!domain)
		return c->modules[kind];
	if (domain > c->ndomains)
		return (struct module_config){ 0 };
	d = &c->domains[domain - 1];
	return (struct module_config){
		.path = d->file[kind],
		.args = kind == MODULE_KERNEL ? d->params : NULL,
	};
}

int boot_files_open(struct boot_files *b, const struct config *c, struct err *e)
{
	static const char *const opts[2][MODULE_KINDS] = {
		{ "--module kernel", "--module ramdisk" },
		{ "--domain", "--domain ramdisk", "--domain dtb" },
	};
	unsigned i;
	int r;

	*b = (struct boot_files){ 0 };
	r = open_one(&b->kernel, "--kernel", c->kernel, e);
	if (!r)
		r = open_list(&b->initrd, &b->ninitrds, "--initrd", &c->initrds,
			      e);
	for (i = 0; i < MODULES_MAX && !r; i++)
		r = open_one(&b->module[i],
			     opts[i >= MODULE_KINDS][i % MODULE_KINDS],
			     boot_module(c, i).path, e);
	if (!r)
		r = open_one(&b->dtb, "--dtb", c->dtb, e);
	if (!r)
		r = open_list(&b->overlay, &b->noverlays, "--dtb-overlay",
			      &c->overlays, e);
	if (r)
		boot_files_close(b);
	return r;
}

/* Calls @fn for each that is open. */
static void each(const struct boot_files *b, void (*fn)(const struct infile *))
{
	unsigned i;

	fn(&b->kernel);
	for (i = 0; i < b->ninitrds; i++)
		fn(&b->initrd[i]);
	for (i = 0; i < MODULES_MAX; i++)
		fn(&b->module[i]);
	fn(&b->dtb);
	for (i = 0; i < b->noverlays; i++)
		fn(&b->overlay[i]);
}

static void close_one(const struct infile *f)
{
	infile_close((struct infile *)f);
}

void boot_files_close(struct boot_files *b)
{
	each(b, close_one);
	free(b->initrd);
	free(b->overlay);
	*b = (struct boot_files){ 0 };
}

static void look_at(const struct infile *f)
{
	if (f->size && infile_has_changed(f))
		log_warnx("%s %s: has been written to since it was opened; "
			  "what is there now is booted",
			  f->opt, f->path);
}

void boot_files_look(const struct boot_files *b)
{
	each(b, look_at);
}
