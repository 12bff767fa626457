/* SPDX-License-Identifier: MIT */
/*
 * Programs of a test suite, by the conventions of those for QEMU's `virt` board
 * (kvm-unit-tests is the best known): a flat image entered with the tree's
 * address in x0; arguments in /chosen/bootargs; an environment of KEY=VALUE lines
 * as initrd, of exactly that length; memory, CPUs and the way to call PSCI from
 * the tree; results on the PL011, and at last a line that says how it went,
 * before PSCI turns the machine off, which is nothing but an end.
 */
#pragma once

#include "guest/rt/tree.h"

/* The tree, after suite_begin(). */
extern uint8_t *suite_tree;

/*
 * Reads all of the above; at EL2, interrupts are to come there. @name stands before
 * each result.
 */
void suite_begin(uint64_t fdt, const char *name);

/* On each other CPU of those that are at EL2, the same as suite_begin() there. */
void suite_el2(void);

/* PASS: or FAIL: and the name; what went wrong is no end. */
void expect(bool ok, const char *what);

/* A value of the environment, up to the end of its line; NULL if it has none. */
const char *suite_env(const char *key);

/* Says how it went: EXIT: STATUS=1 if well, 3 if not. To be returned by main(). */
int suite_end(void);

/* The number of CPUs, and the INTID of a node's @n-th interrupt. */
unsigned suite_cpus(void);
unsigned suite_intid(const char *node, unsigned n);

static inline bool at_el2(void)
{
	return sysreg_read(CurrentEL) == 2 << 2;
}

/* Whether @ms milliseconds have passed since CNTPCT_EL0 was @t0. */
static inline bool passed(uint64_t t0, unsigned ms)
{
	isb();
	return sysreg_read(cntpct_el0) - t0 >=
	       sysreg_read(cntfrq_el0) / 1000 * ms;
}

/* Waits until @cond holds, which it has to within a second. */
#define SOON(cond)                                      \
	({                                              \
		uint64_t t0_ = sysreg_read(cntpct_el0); \
		while (!(cond) && !passed(t0_, 1000))   \
			;                               \
		(bool)(cond);                           \
	})
