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

/*
 * Behind what printk puts before a line: "<0>" (console_msg_format=syslog),
 * "[   12.345678] " (printk.time), "[    T1] " or the like (printk.caller).
 */
static const char *behind_stamps(const char *s)
{
	size_t n = *s == '<' ? 1 + strspn(s + 1, "0123456789") : 0;

	if (n > 1 && s[n] == '>')
		s += n + 1;
	while (s[0] == '[' && s[1] != '<') {
		n = 1 + strcspn(s + 1, "[]");
		if (s[n] != ']')
			break;
		s += n + 1;
		s += *s == ' ';
	}
	return s;
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

/* The line of the console @from, which may be a new one. */
static struct panic_line *line_of(struct panic_report *p, const void *from)
{
	struct panic_line *l = p->line;

	while (l < p->line + PANIC_CONSOLES - 1 && l->from && l->from != from)
		l++;
	l->from = from;
	return l;
}

static void end_line(struct panic_report *p, struct panic_line *l)
{
	l->text[l->len] = '\0';
	judge(p, l->text);
	l->len = 0;
	l->returned = false;
}

/* As a screen shows it: what follows a carriage return stands over the line. */
static void add(struct panic_report *p, struct panic_line *l, char c)
{
	if (escape_has(&l->escape, c))
		return;
	if (c == '\n') {
		end_line(p, l);
	} else if (c == '\r') {
		l->returned = true;
	} else {
		if (l->returned)
			l->len = 0;
		l->returned = false;
		if (l->len < sizeof(l->text) - 1)
			l->text[l->len++] = c;
	}
}

void panic_report_add(struct panic_report *p, const void *from, const void *buf,
		      size_t len)
{
	const char *s = buf;
	size_t i;

	pthread_mutex_lock(&p->lock);
	p->newest = line_of(p, from);
	for (i = 0; i < len; i++)
		add(p, p->newest, s[i]);
	pthread_mutex_unlock(&p->lock);
}

bool panic_report_is_last(struct panic_report *p)
{
	struct panic_line *l;
	bool last;

	pthread_mutex_lock(&p->lock);
	l = p->newest;
	/* Some are in the middle of a line. */
	if (l && l->len) {
		l->text[l->len] = '\0';
		judge(p, l->text);
	}
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
	p->newest = NULL;
	memset(p->line, 0, sizeof(p->line));
	pthread_mutex_unlock(&p->lock);
}
