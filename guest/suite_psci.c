/* SPDX-License-Identifier: MIT */
/*
 * PSCI as a test suite takes it (Arm DEN0022, DEN0028): versions, features, and
 * what CPU_ON and AFFINITY_INFO say of CPUs that are on, off, or not there. Wants
 * two CPUs, and their number in the environment.
 *
 * A CPU is named by its affinity and nothing more: with bit 31 of MPIDR_EL1, which
 * reads as 1 there, it is none. That is KVM's reading, and the specification's.
 *
 * BREAK 1: a CPU that is on is not asked for
 */
#include "guest/rt/suite.h"

#define VERSION		  0x84000000u
#define AFFINITY_INFO	  0xc4000004u
#define MIGRATE_INFO_TYPE 0x84000006u
#define FEATURES	  0x8400000au
#define SMCCC_VERSION	  0x80000000u

#define NOT_SUPPORTED	   -1
#define INVALID_PARAMETERS -2
#define ALREADY_ON	   -4

#define AFF_ON	0
#define AFF_OFF 1

#define NOBODY	0xffu /* no cluster has so many */
#define AFF3	(1ull << 32)
#define RES1	(1ull << 31)
#define MT	(1ull << 24)
#define U	(1ull << 30)
#define CONTEXT 1u

#define RVBAR_EL1 S3_0_C12_C0_1
#define RVBAR_EL2 S3_4_C12_C0_1

static volatile unsigned up, go, undefined;
static volatile uint64_t context;

void secondary_start(void);

static int32_t call(uint32_t fn, uint64_t a, uint64_t b, uint64_t c)
{
	return (int32_t)smccc(fn, a, b, c);
}

static int32_t cpu_on(uint64_t mpidr)
{
	return call(PSCI_CPU_ON, mpidr, (uintptr_t)secondary_start, CONTEXT);
}

static int32_t state(uint64_t mpidr)
{
	return call(AFFINITY_INFO, mpidr, 0, 0);
}

void secondary_main(uint64_t n)
{
	context = n;
	up = up + 1;
	while (!go)
		;
}

static void versions(void)
{
	static const uint32_t functions[] = {
		PSCI_CPU_OFF, PSCI_CPU_ON,     AFFINITY_INFO,
		FEATURES,     PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET
	};
	unsigned i, n = 0;

	expect(call(VERSION, 0, 0, 0) >= 1 << 16, "PSCI 1.0 or newer");
	expect(call(SMCCC_VERSION, 0, 0, 0) >= (1 << 16 | 1),
	       "SMCCC 1.1 or newer");
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		n += call(FEATURES, functions[i], 0, 0) == 0;
	expect(n == i, "it has what it must have");
	expect(call(FEATURES, 0x840000ff, 0, 0) == NOT_SUPPORTED &&
		       call(0x840000ff, 0, 0, 0) == NOT_SUPPORTED,
	       "what is no function is not supported");
	expect(call(MIGRATE_INFO_TYPE, 0, 0, 0) == 2,
	       "no trusted OS has to be moved");
}

static void nobody(void)
{
	expect(cpu_on(NOBODY) == INVALID_PARAMETERS, "there is no such CPU");
	expect(state(NOBODY) == INVALID_PARAMETERS, "it is neither on nor off");
	expect(cpu_on(AFF3 | 1) == INVALID_PARAMETERS, "nor one with Aff3");
	expect(cpu_on(RES1 | 1) == INVALID_PARAMETERS, "nor one with bit 31");
	expect(cpu_on(MT | 1) == INVALID_PARAMETERS &&
		       cpu_on(U | 1) == INVALID_PARAMETERS,
	       "nor one with the bits below");
	expect(!up, "and nobody has come");
}

static void on_and_off(void)
{
	expect(BROKEN(1) || cpu_on(0) == ALREADY_ON, "CPU 0 is on already");
	expect(state(0) == AFF_ON && state(1) == AFF_OFF,
	       "CPU 0 is on, CPU 1 off");
	expect(cpu_on(1) == 0, "CPU 1 is turned on");
	expect(SOON(up == 1) && context == CONTEXT, "with its context in x0");
	expect(cpu_on(1) == (BROKEN(1) ? 0 : ALREADY_ON) && state(1) == AFF_ON,
	       "then it is on");
	go = 1;
	expect(SOON(state(1) == AFF_OFF), "and off after CPU_OFF");
	expect(cpu_on(1) == 0 && SOON(up == 2), "it can be turned on again");
	expect(SOON(state(1) == AFF_OFF), "and off again");
}

/* Behind a read that is undefined. */
static bool on_undefined(struct frame *f, unsigned kind)
{
	if (kind != EXC_SYNC || f->esr >> 26)
		return false;
	undefined = undefined + 1;
	f->pc += 4;
	return true;
}

/*
 * Where a reset would start is read by some, of the register of the highest level
 * that there is; KVM has neither.
 */
static void reset_vector(void)
{
	exception_hook = on_undefined;
	if (at_el2())
		sysreg_read(RVBAR_EL2);
	else
		sysreg_read(RVBAR_EL1);
	expect(undefined == 1, "RVBAR is undefined");
}

int main(uint64_t fdt)
{
	const char *cpus;

	suite_begin(fdt, "psci");
	cpus = suite_env("CPUS");
	expect(cpus && suite_cpus() == (unsigned)(*cpus - '0') && !cpus[1],
	       "the tree has the environment's CPUs");
	reset_vector();
	versions();
	nobody();
	on_and_off();
	return suite_end();
}
