/* SPDX-License-Identifier: MIT */
/*
 * Linux without a libc: system calls, and the handful of functions beside them
 * that the first process of a command's guest needs. A libc would be most of a
 * megabyte in each nestor.
 */
#pragma once

#include <asm/fcntl.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef AT_FDCWD
#define AT_FDCWD -100
#endif

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 asm("x8") = n;
	register long x0 asm("x0") = a;
	register long x1 asm("x1") = b;
	register long x2 asm("x2") = c;
	register long x3 asm("x3") = d;
	register long x4 asm("x4") = e;
	register long x5 asm("x5") = f;

	asm volatile("svc 0"
		     : "+r"(x0)
		     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
		     : "memory", "cc");
	return x0;
}

/* SYS(name, arguments...): what the system call gives, or -errno. */
#define SYS_(n, a, b, c, d, e, f, ...)                                        \
	sys6(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), \
	     (long)(f))
#define SYS(n, ...) SYS_(n, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int c, size_t len);
size_t strlen(const char *);
bool starts(const char *s, const char *with);
/* The first @needle in @len bytes at @hay, or NULL. */
const char *find(const char *hay, size_t len, const char *needle);

/* The console gets a line; then the machine is switched off. */
void die(const char *what) __attribute__((noreturn));
void power_off(void) __attribute__((noreturn));
