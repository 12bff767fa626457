/* SPDX-License-Identifier: MIT */
/* Do the values of a configuration go together? */
#include <errno.h>
#include <string.h>

#include "config/keys.h"
#include "core/cmdline.h"
#include "core/log.h"

static int check_cards(const struct net_config *a, const struct net_config *b,
		       struct err *e)
{
	static const uint8_t any[6];

	if (a->fd >= 0 && a->fd == b->fd)
		return err_set(
			e, -EINVAL,
			"--network fd=%d is given twice; each card needs "
			"its own",
			a->fd);
	if (memcmp(a->mac, any, sizeof(any)) &&
	    !memcmp(a->mac, b->mac, sizeof(any)))
		return err_set(e, -EINVAL,
			       "two --network have the same mac=; each card "
			       "needs its own");
	return 0;
}

/* Options of a command, without one? */
static int check_command(const struct config *c, struct err *e)
{
	const struct command_config *m = &c->command;
	const char *option = m->env.n	  ? "--env"
			     : m->workdir ? "--workdir"
			     : m->root	  ? "--root"
			     : m->files.n ? "--add"
					  : NULL;
	size_t len;

	if (m->argv.n && !c->kernel)
		return err_set(e, -EINVAL,
			       "no kernel given to run %s on: use --kernel "
			       "FILE",
			       m->argv.s[0]);
	if (m->argv.n && cmdline_value(c->params, "rdinit", &len))
		return err_set(e, -EINVAL,
			       "--params: rdinit= is what runs %s; leave it "
			       "out",
			       m->argv.s[0]);
	if (m->argv.n && c->detach)
		return err_set(e, -EINVAL,
			       "--detach: %s is a command whose status is "
			       "waited for; leave --detach out",
			       m->argv.s[0]);
	if (option && !m->argv.n)
		return err_set(e, -EINVAL,
			       "%s is for a command, and there is none: give "
			       "it behind '--'",
			       option);
	return 0;
}

/* What boots, and does the rest go with it? */
static int check_boot(const struct config *c, struct err *e)
{
	if (!c->kernel && !c->firmware)
		return err_set(e, -EINVAL,
			       "no kernel given: use --kernel FILE, or "
			       "--firmware FILE");
	if (c->vars && !c->firmware)
		return err_set(e, -EINVAL,
			       "--vars %s: there is no firmware whose "
			       "variables it could keep; add --firmware",
			       c->vars);
	if (c->acpi == ACPI_ON && !c->firmware)
		return err_set(e, -EINVAL,
			       "--acpi on: without a firmware nothing hands "
			       "the tables on; add --firmware, or leave it "
			       "out");
	if (c->kernel_format == KERNEL_FLAT && (!c->kernel || c->firmware))
		return err_set(e, -EINVAL,
			       "--kernel-format flat: %s; leave it out",
			       c->kernel ? "the firmware starts the kernel"
					 : "there is no --kernel");
	if (!c->kernel && (c->initrds.n || c->params))
		return err_set(e, -EINVAL,
			       "%s is for a kernel, and the firmware finds its "
			       "own; add --kernel, or leave it out",
			       c->params ? "--params" : "--initrd");
	if (c->firmware && c->ndomains)
		return err_set(e, -EINVAL,
			       "--domain %s: a firmware hands no domains "
			       "over; leave --firmware out",
			       c->domains->name);
	if (c->firmware &&
	    (c->modules[MODULE_KERNEL].path || c->modules[MODULE_RAMDISK].path))
		return err_set(e, -EINVAL,
			       "--module: a firmware hands no modules over; "
			       "leave --firmware out");
	if (c->modules[MODULE_RAMDISK].path && c->initrds.n)
		return err_set(e, -EINVAL,
			       "--initrd and --module ramdisk= are both given; "
			       "a hypervisor's guest has one RAM disk");
	return 0;
}

static int check_balloon(const struct config *c, struct err *e)
{
	if (c->balloon && c->nested != NESTED_OFF)
		return err_set(e, -EINVAL,
			       "--balloon and --nested are both given; each "
			       "page that a guest with an EL2 gives back stops "
			       "it for seconds, while KVM walks all of its "
			       "shadow page tables, so leave one out");
	if (c->balloon && c->hugepages)
		return err_set(
			e, -EINVAL,
			"--balloon and --hugepages are both given; pages "
			"of the pool cannot be given back in pieces of "
			"4 KiB, so leave one out");
	return 0;
}

/* Tags are the kernel's, for pages that no file and no other process has. */
static int check_mte(const struct config *c, struct err *e)
{
	const char *other = c->aarch32	   ? "--aarch32"
			    : c->hugepages ? "--hugepages"
			    : c->nshares   ? "--share"
			    : c->vars	   ? "--vars"
					   : NULL;

	if (!c->mte || !other)
		return 0;
	return err_set(e, -EINVAL,
		       "--mte and %s are both given; %s, so leave one out",
		       other,
		       c->aarch32 ? "a 32-bit kernel has no tags"
				  : "KVM gives tags to private memory only");
}

int config_check(const struct config *c, struct err *e)
{
	unsigned i, j;

	if (check_boot(c, e) || check_command(c, e) || check_mte(c, e))
		return -EINVAL;
	if (c->on_reset == POLICY_IGNORE)
		return err_set(e, -EINVAL,
			       "--on-reset ignore: a guest that resets cannot "
			       "go on; give restart, stop or pause");
	if ((c->remove || c->json) && !c->detach)
		return err_set(e, -EINVAL,
			       "--%s: is for a VM in the background; add "
			       "--detach",
			       c->remove ? "rm" : "json");
	if (c->aarch32 && c->nested != NESTED_OFF)
		return err_set(
			e, -EINVAL,
			"--aarch32 and --nested are both given; KVM gives "
			"an EL2 to 64-bit guests only, so leave one out");
	if (c->aarch32 && c->acpi == ACPI_ON)
		return err_set(e, -EINVAL,
			       "--aarch32 and --acpi on are both given; ACPI "
			       "on ARM is for 64-bit systems only, so leave "
			       "one out");
	if (c->nested_depth > 1)
		return err_set(e, -EINVAL,
			       "--nested-depth %u: KVM bounds nesting at the "
			       "first level or not at all; give 1 or 0",
			       c->nested_depth);
	if (c->nested_depth && c->nested == NESTED_OFF)
		return err_set(e, -EINVAL,
			       "--nested-depth %u: there is no nesting to "
			       "bound; add --nested",
			       c->nested_depth);
	if (check_balloon(c, e))
		return -EINVAL;
	for (i = 0; i < c->nnets; i++) {
		for (j = 0; j < i; j++) {
			if (check_cards(&c->nets[j], &c->nets[i], e))
				return -EINVAL;
		}
	}
	return 0;
}
