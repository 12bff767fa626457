/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit guest (--aarch32), at SVC mode with its MMU off: its second vCPU
 * comes up by PSCI, it has been told of the tree as a kernel is, finds all that
 * again after a reset, of which a word of RAM tells, and powers off.
 */
#define UART	   0x09000000	/* arm64/map.h, whose numbers are C's */
#define PVPANIC	   0x090d0000
#define SYSTEM_OFF 0x84000008
#define CPU_ON	   0x84000003
#define RESET	   0x84000009
#define SAVED	   0x40040000	/* RAM that no image covers */
#define MAGIC	   0x7e570a32
#define MODE_SVC   0x13
#define FDT_MAGIC  0xedfe0dd0	/* as a little-endian word */

	.arch	armv7-a
	.arch_extension virt
	.arm
	.section .text.start, "ax"
	.globl _start
_start:
	mov	r9, r0
	mov	r10, r1
	mov	r11, r2
	adr	r8, bad_mode
	mrs	r3, cpsr
	and	r3, r3, #0x1f
	cmp	r3, #MODE_SVC
	bne	fail
	adr	r8, bad_mmu
	mrc	p15, 0, r3, c1, c0, 0	@ SCTLR
	tst	r3, #1
	bne	fail
	adr	r8, bad_registers
	cmp	r9, #0
	cmneq	r10, #1			@ ~0, the machine type of a tree
	bne	fail
	adr	r8, bad_tree
	ldr	r3, [r11]
	ldr	r4, =FDT_MAGIC
	cmp	r3, r4
	bne	fail

	adr	r8, bad_psci
	ldr	r0, =CPU_ON
	mov	r1, #1
	adr	r2, second
	mov	r3, #42
	hvc	#0
	cmp	r0, #0
	bne	fail
1:	wfe
	ldr	r3, up
	cmp	r3, #0
	beq	1b

	ldr	r1, =SAVED
	ldr	r2, =MAGIC
	ldr	r3, [r1]
	str	r2, [r1]
	adr	r8, bad_reset
	cmp	r3, r2
	ldrne	r0, =RESET
	bne	3f
	adr	r8, passed
	mov	r7, #0
	b	print
3:	hvc	#0
	b	fail

	/* The second vCPU: r0 is what CPU_ON was given. */
second:
	cmp	r0, #42
	adreq	r3, up
	streq	r0, [r3]
	dsb
	sev
2:	wfi
	b	2b

	/* r8 is what there is to say. No BL: it would take a linker. */
fail:	mov	r7, #1
print:	ldr	r1, =UART
4:	ldrb	r0, [r8], #1
	cmp	r0, #0
	strne	r0, [r1]
	bne	4b
	cmp	r7, #0
	bne	panic
	ldr	r0, =SYSTEM_OFF
	hvc	#0
panic:	ldr	r1, =PVPANIC
	strb	r7, [r1]
	b	.

	.ltorg
	/* Aligned, as ADR reaches further so. */
up:	.word	0
	.balign	4
passed:	.asciz	"PASS AArch32, 2 vCPUs up, and again after a reset\r\n"
	.balign	4
bad_mode: .asciz "FAIL not in SVC mode\r\n"
	.balign	4
bad_mmu: .asciz	"FAIL the MMU is on\r\n"
	.balign	4
bad_registers: .asciz "FAIL r0 is not 0, or r1 not ~0\r\n"
	.balign	4
bad_tree: .asciz "FAIL no device tree at r2\r\n"
	.balign	4
bad_reset: .asciz "FAIL the reset call has returned\r\n"
	.balign	4
bad_psci: .asciz "FAIL CPU_ON\r\n"
