/* SPDX-License-Identifier: MIT */
/*
 * Does to the machine what no driver does. It passes if it gets to the end: the
 * VMM must answer every access, or abort it, and go on.
 */
#include "guest/rt/rt.h"

static volatile unsigned aborts;

/* Skip the instruction that an abort stopped. */
static bool on_exception(struct frame *f, unsigned kind)
{
	unsigned ec = f->esr >> 26;

	if (kind == EXC_SYNC && (ec == 0x25 || ec == 0x21)) {
		aborts = aborts + 1;
		f->pc += 4;
		return true;
	}
	return kind == EXC_SERROR;
}

#define ACCESS(insn, gpa) asm volatile(insn ::"r"(gpa) : "x2", "x3", "memory")

/* Every width, and forms of which the CPU does not tell the hypervisor. */
static void prod(uint64_t gpa)
{
	register uint64_t a asm("x9") = gpa;

	ACCESS("ldrb w2, [%0]", a);
	ACCESS("ldrh w2, [%0]", a);
	ACCESS("ldr w2, [%0]", a);
	ACCESS("ldr x2, [%0]", a);
	ACCESS("ldp x2, x3, [%0]", a);
	ACCESS("mov x3, %0\n ldr w2, [x3], #4", a);
	ACCESS("mov x2, #-1\n strb w2, [%0]", a);
	ACCESS("mov x2, #-1\n strh w2, [%0]", a);
	ACCESS("mov x2, #-1\n str x2, [%0]", a);
	ACCESS("mov x2, #-1\n mov x3, #-1\n stp x2, x3, [%0]", a);
	ACCESS("mov x2, #-1\n mov x3, %0\n str w2, [x3, #4]!", a);
}

int main(uint64_t fdt)
{
	static const uint64_t windows[] = {
		MAP_UART_BASE + 0x18,
		MAP_RTC_BASE,
		MAP_RTC_BASE + 0xff8,
		MAP_GPIO_BASE + 0x3fc,
		MAP_VIRTIO_BASE,
		MAP_VIRTIO_BASE + 0x44,
		MAP_VIRTIO_BASE + 0x1f8,
		MAP_VIRTIO_BASE + 0x3ff8,
		MAP_PVTIME_BASE,
		0x0d000000,
		0x3ffffff8,
		MAP_GICD_BASE + 0xfff8,
	};
	unsigned i;

	(void)fdt;
	exception_hook = on_exception;
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		prod(windows[i]);
	/* The UART is meant to work again after a few writes. */
	mmio_write32(MAP_UART_BASE + 0x38, 0);
	print("%u aborts\n", (uint64_t)aborts);
	pass("still here");
	return 0;
}
