/* SPDX-License-Identifier: MIT */
/*
 * The runtime of the bare-metal payloads: what a program needs that starts with
 * nothing, at EL1 or EL2, MMU off.
 *
 * A payload is one C file with a main(); it says what it finds on the UART, in
 * lines that begin with PASS or FAIL. It returns, which powers the VM off and
 * ends nestor with status 0, or it fails, and nestor ends with 4.
 */
#pragma once

#define STACK_SIZE 0x4000
#define FRAME_SIZE 288

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arm64/map.h"

#define MAX_CPUS 512

/* A payload's table says which mechanism -DBREAK=n takes away. */
#ifndef BREAK
#define BREAK 0
#endif
#define BROKEN(n) (BREAK == (n))

#define sysreg_read(reg)                                  \
	({                                                \
		uint64_t v_;                              \
		asm volatile("mrs %0, " #reg : "=r"(v_)); \
		v_;                                       \
	})
#define sysreg_write(reg, val) \
	asm volatile("msr " #reg ", %0" ::"r"((uint64_t)(val)))
#define isb() asm volatile("isb" ::: "memory")
#define dsb() asm volatile("dsb sy" ::: "memory")
#define wfi() asm volatile("wfi" ::: "memory")

static inline uint32_t mmio_read32(uint64_t gpa)
{
	uint32_t v;

	/* One plain load, so that the CPU describes it to the hypervisor. */
	asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(gpa) : "memory");
	return v;
}

static inline void mmio_write32(uint64_t gpa, uint32_t v)
{
	asm volatile("str %w0, [%1]" ::"r"(v), "r"(gpa) : "memory");
}

static inline uint64_t mmio_read64(uint64_t gpa)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(gpa) : "memory");
	return v;
}

static inline void mmio_write64(uint64_t gpa, uint64_t v)
{
	asm volatile("str %0, [%1]" ::"r"(v), "r"(gpa) : "memory");
}

static inline uint16_t mmio_read16(uint64_t gpa)
{
	uint32_t v;

	asm volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(gpa) : "memory");
	return v;
}

static inline void mmio_write16(uint64_t gpa, uint16_t v)
{
	asm volatile("strh %w0, [%1]" ::"r"((uint32_t)v), "r"(gpa) : "memory");
}

static inline uint8_t mmio_read8(uint64_t gpa)
{
	uint32_t v;

	asm volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(gpa) : "memory");
	return v;
}

static inline void mmio_write8(uint64_t gpa, uint8_t v)
{
	asm volatile("strb %w0, [%1]" ::"r"((uint32_t)v), "r"(gpa) : "memory");
}

/* What an exception found; a handler may change x and pc. */
struct frame {
	uint64_t x[31];
	uint64_t pc, pstate, esr, far;
};

/* Low two bits of an exception's kind; bit 2: from a lower EL. */
enum { EXC_SYNC, EXC_IRQ, EXC_FIQ, EXC_SERROR, EXC_LOWER = 4 };

/* A payload's own; returns whether it has handled it. */
extern bool (*exception_hook)(struct frame *, unsigned kind);
/* The same for an interrupt alone, between its acknowledgement and its end. */
extern void (*interrupt_hook)(unsigned intid);

/* The UART. print(): %s %u %x (64 bits, hexadecimal) %%. */
void print(const char *fmt, ...);
void pass(const char *what);
/* Says so and reports a crash through pvpanic. */
void fail(const char *fmt, ...) __attribute__((noreturn));

/* PSCI (Arm DEN0022), by HVC at EL1 and by SMC at EL2. */
uint64_t smccc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3);
void psci_system_off(void) __attribute__((noreturn));
void psci_cpu_off(void) __attribute__((noreturn));
/* CPU @n enters secondary_main(n). */
int64_t psci_cpu_on(unsigned n);
void secondary_main(uint64_t n);

#define PSCI_CPU_OFF	    0x84000002u
#define PSCI_CPU_ON	    0xc4000003u
#define PSCI_SYSTEM_OFF	    0x84000008u
#define PSCI_SYSTEM_RESET   0x84000009u
#define PSCI_SYSTEM_SUSPEND 0xc400000eu
#define PSCI_SYSTEM_RESET2  0xc4000012u

/* The GIC for the calling CPU, and one SPI or PPI. EOI and all by the payload. */
void gic_enable(void);
void gic_enable_intid(unsigned intid);
bool gic_is_v3(void);
/* The calling CPU's redistributor. */
uint64_t gicr_base(void);
unsigned gic_ack(void);
void gic_eoi(unsigned intid);
static inline void irq_on(void)
{
	asm volatile("msr daifclr, #2" ::: "memory");
}

static inline void irq_off(void)
{
	asm volatile("msr daifset, #2" ::: "memory");
}

/*
 * Leave the CPU to the host for @ms milliseconds: so that a poll for what the
 * host does is not in its way. With interrupts masked; the timer's is not
 * taken, but wakes if nap_init() was called once.
 */
static inline void nap_init(void)
{
	gic_enable();
	gic_enable_intid(16 + PPI_TIMER_V);
}

static inline void nap(unsigned ms)
{
	sysreg_write(cntv_tval_el0, sysreg_read(cntfrq_el0) / 1000 * ms);
	sysreg_write(cntv_ctl_el0, 1);
	isb();
	wfi();
	sysreg_write(cntv_ctl_el0, 0);
	isb();
}

int main(uint64_t fdt);

#endif
