/* SPDX-License-Identifier: MIT */
/*
 * Where a payload begins: CPU 0 with the FDT's address in x0, all others with
 * what psci_cpu_on() was given. Given as a firmware it begins in flash, and
 * copies itself to where it is linked. MMU and caches are off, exceptions go to
 * vectors, which a payload's L2 may use for its EL1 as well.
 */
#include "guest/rt/rt.h"

	.section .text.start, "ax"
	.globl _start
_start:
	mov	x19, x0
	adr	x1, _start
	ldr	x2, =_start
	cmp	x1, x2
	b.eq	linked
	ldr	x3, =bss_start
1:	ldr	x4, [x1], #8
	str	x4, [x2], #8
	cmp	x2, x3
	b.lo	1b
	dsb	sy
	ic	iallu
	dsb	sy
	isb
	ldr	x4, =linked
	br	x4
linked:
	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
	adrp	x2, bss_end
1:	cmp	x1, x2
	b.hs	2f
	str	xzr, [x1], #8
	b	1b
2:	mov	x0, #0
	bl	set_up
	mov	x0, x19
	bl	main
	bl	psci_system_off

	.globl secondary_start
secondary_start:
	/* x0: the CPU's number; secondary_main() knows the rest. */
	mov	x19, x0
	bl	set_up
	mov	x0, x19
	bl	secondary_main
	bl	psci_cpu_off

	/* x0: CPU number. Gives it a stack and the vectors. */
set_up:
	add	x0, x0, #1
	mov	x1, #STACK_SIZE
	mul	x0, x0, x1
	adrp	x1, stacks
	add	x1, x1, x0
	mov	sp, x1
	adr	x0, vectors
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.eq	1f
	msr	vbar_el1, x0
	isb
	ret
1:	msr	vbar_el2, x0
	isb
	ret

	/* Save what a C handler may change, and hand it struct frame. */
.macro vector handler, kind
	.balign 0x80
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	mov	x1, #\kind
	b	\handler
.endm

	/* From a lower EL: to EL2, it ends l2_run(); to EL1, as above. */
.macro vector_lower handler, kind
	.balign 0x80
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	mov	x1, #\kind
	mrs	x2, CurrentEL
	cmp	x2, #(2 << 2)
	b.eq	l2_exit
	add	x1, x1, #4
	b	\handler
.endm

	.balign 0x800
	.globl vectors
vectors:
	vector	enter, 0	/* current EL, SP_EL0: not used */
	vector	enter, 1
	vector	enter, 2
	vector	enter, 3
	vector	enter, 0	/* current EL, SP_ELx */
	vector	enter, 1
	vector	enter, 2
	vector	enter, 3
	vector_lower enter, 0	/* lower EL, AArch64 */
	vector_lower enter, 1
	vector_lower enter, 2
	vector_lower enter, 3
	vector_lower enter, 0	/* lower EL, AArch32: not used */
	vector_lower enter, 1
	vector_lower enter, 2
	vector_lower enter, 3

enter:
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, CurrentEL
	cmp	x2, #(2 << 2)
	b.eq	1f
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	mrs	x4, esr_el1
	mrs	x5, far_el1
	b	2f
1:	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	mrs	x4, esr_el2
	mrs	x5, far_el2
2:	stp	x30, x2, [sp, #240]
	stp	x3, x4, [sp, #256]
	str	x5, [sp, #272]
	mov	x0, sp
	bl	exception
	ldp	x30, x2, [sp, #240]
	ldr	x3, [sp, #256]
	mrs	x4, CurrentEL
	cmp	x4, #(2 << 2)
	b.eq	1f
	msr	elr_el1, x2
	msr	spsr_el1, x3
	b	2f
1:	msr	elr_el2, x2
	msr	spsr_el2, x3
2:	ldp	x28, x29, [sp, #224]
	ldp	x26, x27, [sp, #208]
	ldp	x24, x25, [sp, #192]
	ldp	x22, x23, [sp, #176]
	ldp	x20, x21, [sp, #160]
	ldp	x18, x19, [sp, #144]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp, #0]
	add	sp, sp, #FRAME_SIZE
	eret
