/* SPDX-License-Identifier: MIT */
/*
 * Where distributions put the UEFI that they build for QEMU's virt board, and
 * what they call the empty variables beside it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "host/flash.h"

static const char *const known[] = {
	"/usr/share/AAVMF/AAVMF_CODE.fd",	       /* Debian, Ubuntu */
	"/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", /* Fedora */
	"/usr/share/qemu/aavmf-aarch64-code.bin",      /* openSUSE */
	"/usr/share/edk2/aarch64/QEMU_CODE.fd",	       /* Arch */
	"/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",     /* Debian, unpadded */
	"/usr/share/qemu/edk2-aarch64-code.fd",	       /* QEMU's own */
};

int firmware_find(char path[PATH_MAX], struct err *e)
{
	unsigned i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (access(known[i], R_OK) == 0) {
			strcpy(path, known[i]);
			return 0;
		}
	}
	return err_set(e, -ENOENT,
		       "--firmware auto: no firmware is installed; install "
		       "qemu-efi-aarch64 (Debian, Ubuntu), edk2-aarch64 "
		       "(Fedora, Arch) or qemu-uefi-aarch64 (openSUSE), or "
		       "name a file");
}

/* If @from is in the firmware's name, @to in its place names the variables. */
static const struct {
	const char *from, *to;
	bool whole; /* ... or is all of the name */
} pairs[] = {
	{ "CODE", "VARS", false },
	{ "code", "vars", false },
	{ "AAVMF_CODE.", "AAVMF_VARS.fd", true },
	{ "edk2-aarch64-code.", "edk2-arm-vars.fd", true },
	{ "pflash.raw", "vars-template-pflash.raw", true },
	{ "QEMU_EFI.", "QEMU_VARS.fd", true },
};

void firmware_template(const char *code, char path[PATH_MAX])
{
	const char *slash = strrchr(code, '/');
	const int dir = slash ? slash + 1 - code : 0;
	const char *name = code + dir;
	unsigned i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *at = strstr(name, pairs[i].from);
		const int before = at && !pairs[i].whole ? at - name : 0;
		const char *after =
			pairs[i].whole || !at ? "" : at + strlen(pairs[i].from);

		if (at &&
		    snprintf(path, PATH_MAX, "%.*s%.*s%s%s", dir, code, before,
			     name, pairs[i].to, after) < PATH_MAX &&
		    access(path, R_OK) == 0)
			return;
	}
	path[0] = '\0';
}
