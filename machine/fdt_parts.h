/* SPDX-License-Identifier: MIT */
/*
 * What fdt*.c share.
 */
#pragma once

#include <string.h>

#include "machine/fdt.h"
#include "machine/infile.h"

/*
 * fdt_read() - read the tree that @f has open
 *
 * It is checked wholly, and no longer or deeper than machine/fdt.h says. *@blob
 * is malloc()ed. 0, or -errno with a sentence in @e.
 */
int fdt_read(const struct infile *f, void **blob, struct err *e);

/* The compatible strings of each kind of module, as they stand in a tree. */
struct fdt_strings {
	const char *s;
	int len;
};
extern const struct fdt_strings fdt_modules[MODULE_KINDS];

/*
 * Whose are the machine's parameters? The hypervisor's, if it has a guest:
 * bootargs would be that one's, should its module have none (booting.txt).
 */
static inline const char *fdt_params_name(const struct machine *m)
{
	return m->module[MODULE_KERNEL].at.size || m->ndomains
		       ? "xen,xen-bootargs"
		       : "bootargs";
}

static inline bool fdt_has_modules(const struct machine *m)
{
	unsigned i, n = 0;

	for (i = 0; i < MODULES_MAX; i++)
		n += m->module[i].at.size > 0;
	return n > 0;
}

/* Of a domain: its node, and those of its modules. */
#define FDT_DOMAIN_ROOM 1024u

/* Bytes of all that has no bound of its own. */
static inline size_t fdt_text_room(const struct machine *m)
{
	size_t room = m->params ? strlen(m->params) : 0;
	unsigned i;

	for (i = 0; i < MODULES_MAX; i++)
		room += m->module[i].args ? strlen(m->module[i].args) : 0;
	for (i = 0; i < m->ndomains; i++)
		room += FDT_DOMAIN_ROOM;
	return room;
}
