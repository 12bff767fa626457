/* SPDX-License-Identifier: MIT */
/* nestor version: the version, and what the binary was built with. */
#include "run/version.h"

#include <jansson.h>
#include <linux/kvm.h>
#include <linux/version.h>
#include <zlib.h>
#include <zstd.h>

#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "core/log.h"

/*
 * A distribution's <linux/version.h> can be older than the <linux/kvm.h> that
 * nestor was built with; it says something only if both came together.
 */
#if defined(KVM_CAP_ARM_EL2) && LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define HAVE_UAPI_VERSION 1
#else
#define HAVE_UAPI_VERSION 0
#endif

static int cmd_version(int argc, char **argv)
{
	const char *value;
	struct opts o;
	struct err e;
	int r;

	opts_begin(&o, &command_version, argc, argv);
	r = opts_next(&o, &value, &e);
	if (r)
		return opts_status(r, &e);
	puts("nestor " NESTOR_VERSION);
	if (HAVE_UAPI_VERSION)
		printf("kernel headers: Linux %d.%d.%d\n",
		       LINUX_VERSION_CODE >> 16, LINUX_VERSION_CODE >> 8 & 0xff,
		       LINUX_VERSION_CODE & 0xff);
	puts("compiler: " __VERSION__);
	puts("libraries: zlib " ZLIB_VERSION ", zstd " ZSTD_VERSION_STRING
	     ", jansson " JANSSON_VERSION);
	puts("kernels: Image, Image.gz, EFI zboot (gzip, zstd), ELF64, flat");
	return STATUS_OFF;
}

const struct command command_version = {
	.name = "version",
	.summary = "print the version",
	.run = cmd_version,
	.about = "Print nestor's version and what it was built with.",
};
