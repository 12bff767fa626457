/* SPDX-License-Identifier: MIT */
/* The init of the benchmark's guest: it switches the machine off. */
	.globl _start
_start:
	ldr	x0, =0xfee1dead		/* reboot(2): LINUX_REBOOT_MAGIC1 */
	ldr	x1, =672274793		/* LINUX_REBOOT_MAGIC2 */
	ldr	x2, =0x4321fedc		/* LINUX_REBOOT_CMD_POWER_OFF */
	mov	x8, #142
	svc	#0
	b	.
