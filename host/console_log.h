/* SPDX-License-Identifier: MIT */
/*
 * What a guest wrote to its console, as a file of lines:
 *
 *	2026-11-23T02:03:04.567Z info <6>[    0.000000] Booting Linux
 *	2026-11-23T02:03:04.570Z - Welcome
 *	2026-11-23T02:03:09.010Z lost 12 lines: No space left on device
 *
 * The host's time in UTC when the line began; its level; and the line as the
 * guest wrote it, without what ended it. The level is what a <N> at the
 * beginning of the line says (syslog's priority, as Linux prints it with
 * console_msg_format=syslog), and - where there is none: nothing is guessed.
 * The word lost, which the guest cannot write there, says that lines are
 * missing at that place, and why.
 *
 * A line is in the file, as far as the page cache, when the guest has ended it,
 * and what there is of an unfinished one soon after: nothing of it depends on
 * nestor's own end. A line of more than CONSOLE_LOG_LINE bytes counts as several.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;
struct console_log;
struct err;
struct loop;

#define CONSOLE_LOG_LINE 4096u

/* What it is called in the directory of a VM. */
#define CONSOLE_LOG "console.log"

/*
 * console_log_new() - log what is written to @c into the file @path in @dir
 *
 * @dir (a descriptor, or AT_FDCWD) stays the caller's, for the log's life.
 * With a @bound, in bytes, the file is a new one, of mode 0600, and is replaced
 * by its newer half when it is full. Without (0) it is one of the user's, and
 * appended to.
 *
 * What cannot be written is counted, warned of, and marked in the file when
 * there is room again; the guest goes on. SIGXFSZ is to be ignored.
 *
 * On the loop's thread, before the first write; to be freed there, when nobody
 * writes any more. NULL with a sentence in @e.
 */
struct console_log *console_log_new(struct loop *, struct chardev *c, int dir,
				    const char *path, size_t bound,
				    struct err *e);

/* Writes the last, unfinished line. NULL is allowed. */
void console_log_free(struct console_log *);

/* A line of such a file, taken apart; it points into the line. */
struct log_line {
	const char *time, *level, *text; /* not terminated */
	size_t time_len, level_len, text_len;
	uint64_t lost; /* so many lines are missing; @text says why */
};

/*
 * @line, of @len bytes without its newline. false: such a file has no such
 * line.
 */
bool log_line_parse(struct log_line *, const char *line, size_t len);
