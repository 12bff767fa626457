/* SPDX-License-Identifier: MIT */
/* What a C library would provide for the first process of a command's guest. */
#include "guest/command/sys.h"

#include <linux/reboot.h>

void *memcpy(void *to, const void *from, size_t len)
{
	return memmove(to, from, len);
}

/* The compiler must not see calls to itself in these. */
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns")))

PLAIN void *memmove(void *to, const void *from, size_t len)
{
	uint8_t *d = to;
	const uint8_t *s = from;
	size_t i;

	if (d <= s)
		for (i = 0; i < len; i++)
			d[i] = s[i];
	else
		for (i = len; i-- > 0;)
			d[i] = s[i];
	return to;
}

PLAIN void *memset(void *to, int c, size_t len)
{
	uint8_t *d = to;

	while (len--)
		*d++ = c;
	return to;
}

PLAIN size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool starts(const char *s, const char *with)
{
	while (*with && *s == *with) {
		s++;
		with++;
	}
	return !*with;
}

const char *find(const char *hay, size_t len, const char *needle)
{
	const size_t n = strlen(needle);
	size_t i, j;

	for (i = 0; i + n <= len; i++) {
		for (j = 0; j < n && hay[i + j] == needle[j]; j++)
			;
		if (j == n)
			return hay + i;
	}
	return NULL;
}

void power_off(void)
{
	SYS(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
	    LINUX_REBOOT_CMD_POWER_OFF, 0);
	for (;;)
		SYS(exit_group, 1);
}

void die(const char *what)
{
	static const char prefix[] = "<2>nestor: in the guest: ";
	char line[160];
	size_t len = strlen(what);
	int fd = SYS(openat, AT_FDCWD, "/dev/kmsg", O_WRONLY);

	if (len > sizeof(line) - sizeof(prefix))
		len = sizeof(line) - sizeof(prefix);
	memcpy(line, prefix, sizeof(prefix) - 1);
	memcpy(line + sizeof(prefix) - 1, what, len);
	SYS(write, fd, line, sizeof(prefix) - 1 + len);
	power_off();
}
