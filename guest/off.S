/* SPDX-License-Identifier: MIT */
/* The shortest guest: it powers off. What is left is what the VMM costs. */
	.section .text.start, "ax"
	.globl _start
_start:
	ldr	x0, =0x84000008	/* PSCI SYSTEM_OFF */
	hvc	#0
	b	.
