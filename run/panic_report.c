/* SPDX-License-Identifier: MIT */
/*
 * Lines of a console, and which of them panic() of Linux writes. They are data
 * of the guest: none is kept longer than its line, and none does anything.
 */
#include "run/panic_report.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define BEGINS "Kernel panic - not syncing"
#define ENDS   "---[ end Kernel panic"

/*
 * How a line begins with which the kernel leaves a panic, to reset: what follows
 * the stack, on ARM (arch/arm64/kernel/setup.c, arm64_panic_block_dump();
 * arch/arm64/kernel/smp.c; kernel/panic.c).
 */
static const char *const last_lines[] = {
	"SMP: ",
	"Kernel Offset: ",
	"PHYS_OFFSET: ",
	"CPU features: ",
	"Memory Limit: ",
	"Rebooting in ",
	ENDS,
};

void panic_report_init(struct panic_report *p, void (*ended)(void *ctx),
		       void *ctx)
{
	*p = (struct panic_report){ .ended = ended, .ctx = ctx };
	pthread_mutex_init(&p->lock, NULL);
}

void panic_report_fini(struct panic_report *p)
{
	pthread_mutex_destroy(&p->lock);
}

/* Behind printk's "[   12.345678] ", and "[    T1] " or "[    C0] ". */
static const char *behind_stamps(const char *s)
{
	size_t n;

	for (;;) {
		if (*s != '[')
			return s;
		n = 1 + strspn(s + 1, " .0123456789TC");
		if (s[n] != ']' || n == 1)
			return s;
		s += n + 1;
		s += *s == ' ';
	}
}

/*
 * A frame of the stack, which 32-bit kernels end with: " panic from f+0x1c/0x20",
 * "[<c0100000>] (panic) from [<c0100000>] (f+0x1c/0x20)".
 */
static bool is_frame(const char *s)
{
	return (s[0] == ' ' || !strncmp(s, "[<", 2)) && strstr(s, "+0x");
}

static bool is_last(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(last_lines) / sizeof(*last_lines); i++)
		if (!strncmp(s, last_lines[i], strlen(last_lines[i])))
			return true;
	return is_frame(s);
}

static void keep_why(struct panic_report *p, const char *from)
{
	size_t n = 0;

	for (; *from && n + 1 < sizeof(p->why); from++)
		if (*from >= ' ' && *from < 0x7f)
			p->why[n++] = *from;
	p->why[n] = '\0';
}

/* Under the lock. */
static void judge(struct panic_report *p, const char *line)
{
	const char *s = behind_stamps(line), *begins = strstr(line, BEGINS);

	if (!s[strspn(s, " \t")])
		return;
	if (begins && !strstr(line, ENDS)) {
		p->begun = true;
		p->last = false;
		keep_why(p, begins);
		return;
	}
	p->last = p->begun && is_last(s);
	if (p->begun && !strncmp(s, ENDS, strlen(ENDS)))
		p->ended(p->ctx);
}

static void append(struct panic_report *p, const char *s, size_t len)
{
	size_t room = sizeof(p->line) - 1 - p->len;

	if (len > room)
		len = room;
	memcpy(p->line + p->len, s, len);
	p->len += len;
	p->line[p->len] = '\0';
}

/* Lines of terminals end with CR LF. */
static void trim(struct panic_report *p)
{
	while (p->len && p->line[p->len - 1] == '\r')
		p->line[--p->len] = '\0';
}

void panic_report_add(struct panic_report *p, const void *buf, size_t len)
{
	const char *s = buf, *end = s + len, *nl;

	pthread_mutex_lock(&p->lock);
	for (; (nl = memchr(s, '\n', end - s)); s = nl + 1) {
		append(p, s, nl - s);
		trim(p);
		judge(p, p->line);
		p->len = 0;
		p->line[0] = '\0';
	}
	append(p, s, end - s);
	pthread_mutex_unlock(&p->lock);
}

bool panic_report_is_last(struct panic_report *p)
{
	bool last;

	pthread_mutex_lock(&p->lock);
	/* Some are in the middle of a line. */
	trim(p);
	if (p->len)
		judge(p, p->line);
	last = p->last;
	pthread_mutex_unlock(&p->lock);
	return last;
}

void panic_report_why(struct panic_report *p, char *to, size_t size)
{
	pthread_mutex_lock(&p->lock);
	snprintf(to, size, "%s", p->begun ? p->why : "");
	pthread_mutex_unlock(&p->lock);
}

void panic_report_forget(struct panic_report *p)
{
	pthread_mutex_lock(&p->lock);
	p->begun = p->last = false;
	p->len = 0;
	p->line[0] = '\0';
	pthread_mutex_unlock(&p->lock);
}
