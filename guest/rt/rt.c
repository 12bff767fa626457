/* SPDX-License-Identifier: MIT */
/* Output on the UART, the end of a payload, PSCI calls and the GIC. */
#include "guest/rt/rt.h"

#include <stdarg.h>

#define UARTDR		 0x00
#define PVPANIC_PANICKED 1u

bool (*exception_hook)(struct frame *, unsigned kind);
void (*interrupt_hook)(unsigned intid);

/* The compiler calls these; a plain loop it would turn into a call of itself. */
void *memset(void *, int, size_t);
void *memset(void *p, int c, size_t n)
{
	volatile uint8_t *to = p;

	while (n--)
		*to++ = c;
	return p;
}

void *memcpy(void *restrict, const void *restrict, size_t);
void *memcpy(void *restrict p, const void *restrict q, size_t n)
{
	volatile uint8_t *to = p;
	const uint8_t *from = q;

	while (n--)
		*to++ = *from++;
	return p;
}

static void put(char c)
{
	if (c == '\n')
		put('\r');
	mmio_write32(MAP_UART_BASE + UARTDR, (uint8_t)c);
}

static void put_number(uint64_t n, unsigned base)
{
	char digits[20];
	unsigned i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (i)
		put(digits[--i]);
}

static void vprint(const char *fmt, va_list ap)
{
	const char *s;

	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			for (s = va_arg(ap, const char *); *s; s++)
				put(*s);
			break;
		case 'u':
			put_number(va_arg(ap, uint64_t), 10);
			break;
		case 'x':
			put_number(va_arg(ap, uint64_t), 16);
			break;
		default:
			put(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
}

void pass(const char *what)
{
	print("PASS %s\n", what);
}

void fail(const char *fmt, ...)
{
	static volatile uint64_t failing;
	uint64_t me = sysreg_read(mpidr_el1);
	va_list ap;

	/* Failing again where pvpanic, or L2's way to it, is missing. */
	if (failing == me)
		psci_system_off();
	/* One CPU's failure is enough: the VM ends. */
	while (failing)
		wfi();
	failing = me;
	print("FAIL ");
	va_start(ap, fmt);
	vprint(fmt, ap);
	va_end(ap);
	put('\n');
	mmio_write8(MAP_PVPANIC_BASE, PVPANIC_PANICKED);
	/* To power off would be another end, and might come first. */
	for (;;)
		wfi();
}

void exception(struct frame *f, unsigned kind);
void exception(struct frame *f, unsigned kind)
{
	unsigned intid;

	if (exception_hook && exception_hook(f, kind))
		return;
	if (interrupt_hook && (kind & 3) == EXC_IRQ) {
		intid = gic_ack();
		interrupt_hook(intid);
		gic_eoi(intid);
		return;
	}
	fail("exception %u at %x: ESR %x FAR %x", (uint64_t)kind, f->pc, f->esr,
	     f->far);
}

static bool at_el2(void)
{
	return sysreg_read(CurrentEL) == 2 << 2;
}

uint64_t smccc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	register uint64_t x0 asm("x0") = fn;
	register uint64_t x1 asm("x1") = a1;
	register uint64_t x2 asm("x2") = a2;
	register uint64_t x3 asm("x3") = a3;

	if (at_el2())
		asm volatile("smc #0"
			     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			     :
			     : "memory");
	else
		asm volatile("hvc #0"
			     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			     :
			     : "memory");
	return x0;
}

void psci_system_off(void)
{
	for (;;)
		smccc(PSCI_SYSTEM_OFF, 0, 0, 0);
}

void psci_cpu_off(void)
{
	for (;;)
		smccc(PSCI_CPU_OFF, 0, 0, 0);
}

void secondary_start(void);

int64_t psci_cpu_on(unsigned n)
{
	/* MPIDR_EL1 as machine/machine.h has it: 16 CPUs a cluster. */
	uint64_t mpidr = (n & 15) | (uint64_t)(n >> 4) << 8;

	return smccc(PSCI_CPU_ON, mpidr, (uintptr_t)secondary_start, n);
}

__attribute__((weak)) void secondary_main(uint64_t n)
{
	(void)n;
}

/*
 * GICv3 (Arm IHI 0069), or GICv2 (IHI 0048) where that is all there is; of that
 * one, CPU 0 is enough for the payloads.
 */
#define GICD_CTLR	  0x0000
#define GICD_IGROUPR	  0x0080
#define GICD_ISENABLER	  0x0100
#define GICD_ITARGETSR	  0x0800
#define GICD_CTLR_ARE_G1A ((1u << 4) | (1u << 1))
#define GICR_WAKER	  0x0014
#define GICR_SGI	  0x10000
#define GICR_STRIDE	  0x20000
#define GICC_CTLR	  0x0000
#define GICC_PMR	  0x0004
#define GICC_IAR	  0x000c
#define GICC_EOIR	  0x0010

bool gic_is_v3(void)
{
	return sysreg_read(id_aa64pfr0_el1) >> 24 & 0xf;
}

/* The calling CPU's redistributor: they lie in the order of CPU numbers. */
uint64_t gicr_base(void)
{
	uint64_t mpidr = sysreg_read(mpidr_el1);
	uint64_t n = (mpidr & 15) + (mpidr >> 8 & 0xff) * 16;

	return MAP_GICR_BASE + n * GICR_STRIDE;
}

static void gicv2_enable(void)
{
	mmio_write32(MAP_GICD_BASE + GICD_CTLR, 1);
	mmio_write32(MAP_GICC_BASE + GICC_PMR, 0xff);
	mmio_write32(MAP_GICC_BASE + GICC_CTLR, 1);
}

void gic_enable(void)
{
	if (!gic_is_v3()) {
		gicv2_enable();
		return;
	}
	mmio_write32(MAP_GICD_BASE + GICD_CTLR, GICD_CTLR_ARE_G1A);
	mmio_write32(gicr_base() + GICR_WAKER, 0);
	sysreg_write(S3_0_C12_C12_5, 7); /* ICC_SRE_EL1 */
	isb();
	sysreg_write(S3_0_C4_C6_0, 0xff); /* ICC_PMR_EL1 */
	sysreg_write(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
	isb();
}

void gic_enable_intid(unsigned intid)
{
	bool v3 = gic_is_v3();
	uint64_t frame =
		intid < 32 && v3 ? gicr_base() + GICR_SGI : MAP_GICD_BASE;
	uint64_t group = frame + GICD_IGROUPR + intid / 32 * 4;

	if (v3)
		mmio_write32(group, mmio_read32(group) | 1u << intid % 32);
	else
		mmio_write8(frame + GICD_ITARGETSR + intid, 1);
	mmio_write32(frame + GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

unsigned gic_ack(void)
{
	if (!gic_is_v3())
		return mmio_read32(MAP_GICC_BASE + GICC_IAR) & 0x3ff;
	return sysreg_read(S3_0_C12_C12_0) & 0xffffff; /* ICC_IAR1_EL1 */
}

void gic_eoi(unsigned intid)
{
	if (!gic_is_v3())
		mmio_write32(MAP_GICC_BASE + GICC_EOIR, intid);
	else
		sysreg_write(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
}
