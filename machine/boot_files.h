/* SPDX-License-Identifier: MIT */
/*
 * The files that a machine boots: kernel, initrds, modules, tree, overlays.
 *
 * They are opened once, before the guest runs, and stay open: a reboot in place
 * boots the same bytes, whatever has become of their names meanwhile, and
 * nothing of a running VM opens a path. Main thread.
 */
#pragma once

#include "machine/infile.h"
#include "machine/machine.h"

struct config;
struct module_config;

/* All zero: none is open. */
struct boot_files {
	struct infile kernel; /* of what was not named, size is 0 */
	struct infile module[MODULES_MAX];
	struct infile dtb;
	struct infile *initrd, *overlay;
	unsigned ninitrds, noverlays;
};

/*
 * boot_files_open() - open what @c names
 *
 * 0, or -errno with a sentence in @e; then @b is all zero. Strings of @c must
 * outlive it.
 */
int boot_files_open(struct boot_files *b, const struct config *c,
		    struct err *e);
void boot_files_close(struct boot_files *);

/* Module @i of MODULES_MAX: all zero if there is none. */
struct module_config boot_module(const struct config *, unsigned i);

/* Log which of them somebody has written to since they were opened. */
void boot_files_look(const struct boot_files *);
