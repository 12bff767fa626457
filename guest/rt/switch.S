/* SPDX-License-Identifier: MIT */
/*
 * The world switch between EL2 and L2.
 *
 * The stack of EL2 is where l2_enter() leaves what the caller wants back, with
 * the struct l2 on top. SP_EL2 is each CPU's own and L2 cannot change it, so an
 * exception finds all that by SP alone.
 */
#include "guest/rt/rt.h"

#define L2_LR	240
#define L2_PC	248 /* and pstate */
#define L2_KIND 264
#define L2_ESR	272 /* and far */

	.text
	/* void l2_enter(struct l2 *) */
	.globl l2_enter
l2_enter:
	stp	x29, x30, [sp, #-112]!
	stp	x27, x28, [sp, #16]
	stp	x25, x26, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x21, x22, [sp, #64]
	stp	x19, x20, [sp, #80]
	str	x0, [sp, #-16]!
	ldp	x1, x2, [x0, #L2_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #L2_LR]
	ldp	x0, x1, [x0, #0]
	eret

	/*
	 * From a vector of start.S: x0 to x3 are on the stack in a frame that
	 * begins there, x1 is the kind of the exception. Returns to whom
	 * l2_enter() was called by.
	 */
	.globl l2_exit
l2_exit:
	ldr	x0, [sp, #FRAME_SIZE]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #L2_LR]
	ldp	x2, x3, [sp, #0]
	stp	x2, x3, [x0, #0]
	ldp	x2, x3, [sp, #16]
	stp	x2, x3, [x0, #16]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x0, #L2_PC]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	str	x1, [x0, #L2_KIND]
	stp	x2, x3, [x0, #L2_ESR]
	add	sp, sp, #(FRAME_SIZE + 16)
	ldp	x19, x20, [sp, #80]
	ldp	x21, x22, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #32]
	ldp	x27, x28, [sp, #16]
	ldp	x29, x30, [sp], #112
	ret

	/* Where l2_init() has L2's first function return to. */
	.globl l2_return
l2_return:
	hvc	#0xffff
	b	l2_return
