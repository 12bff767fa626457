/* SPDX-License-Identifier: MIT */
#include "cmd/version.h"

#include <jansson.h>
#include <linux/kvm.h>
#include <linux/version.h>
#include <zlib.h>
#include <zstd.h>

#include "cmd/cmd.h"
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

void help_version(FILE *f)
{
	fputs("Usage: nestor version\n"
	      "Print nestor's version and what it was built with.\n",
	      f);
}

int cmd_version(int argc, char **argv)
{
	static const char *const flags[] = { NULL };
	struct err e;
	unsigned none;
	int rc;

	rc = cmd_plain(argc, argv, flags, &none, help_version, &e);
	if (rc)
		return rc < 0 ? cmd_refuse(&e) : STATUS_OFF;
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
