/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor on several CPUs: each comes up at EL2 by PSCI CPU_ON, which a
 * guest with an EL2 calls by SMC, and runs an L2 of its own with its own
 * VTTBR_EL2. All L2s run at once; they meet twice in memory that they share,
 * and one IPA is another page for each of them.
 *
 * BREAK 1: every CPU uses the stage 2 of CPU 0
 * BREAK 2: HCR_EL2.VM is clear on the other CPUs
 * BREAK 3: VMPIDR_EL2 is not set
 * BREAK 4: each CPU waits until the one before has ended its L2
 */
#include "guest/rt/pt.h"

#define MOST	16u
#define PRIVATE 0x80000000ull /* the IPA that is each one's own page */

static struct cpu {
	struct l2 l2;
	uint64_t vttbr;
	int ec;
	volatile bool up, done;
	char stack[4096] __attribute__((aligned(16)));
} cpus[MOST];

static struct page {
	volatile uint64_t word[PT_PAGE_MAX / 8];
} pages[MOST] __attribute__((aligned(PT_PAGE_MAX)));

static unsigned how_many = 1;
static volatile bool all_on;

static void await(volatile bool *flag)
{
	while (!*flag)
		asm volatile("wfe");
}

static void set(volatile bool *flag)
{
	dsb();
	*flag = true;
	dsb();
	asm volatile("sev");
}

/* --- L2 --- */

static volatile bool here[2][MOST];

/* Nobody goes on before all are here. */
static void meet(unsigned where, unsigned n)
{
	unsigned i;

	set(&here[where][n]);
	for (i = 0; i < how_many; i++)
		await(&here[where][i]);
}

/* Its number, if it is what it ought to be. */
static uint64_t be_l2(uint64_t n)
{
	struct page *own = (struct page *)PRIVATE;

	meet(0, n);
	own->word[0] = n;
	meet(1, n);
	if (own->word[0] != n)
		return 100 + own->word[0];
	return (sysreg_read(mpidr_el1) & 15) == n ? n : 200;
}

/* --- its hypervisor --- */

static void cpu_init(unsigned n)
{
	pte_t *root = pt_new();

	s2_map_self(root);
	pt_map(root, PRIVATE, (uintptr_t)&pages[n], pt_page(), S2_RAM);
	cpus[n].vttbr = s2_vttbr(root, n + 1);
}

static void run(unsigned n)
{
	struct cpu *c = &cpus[n];
	bool vm = n == 0 || !BROKEN(2);

	if (BROKEN(3))
		el2_write(VMPIDR_EL2, 1ull << 31);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, cpus[BROKEN(1) ? 0 : n].vttbr);
	el2_write(HCR_EL2, hcr_base() | HCR_IMO | HCR_FMO | (vm ? HCR_VM : 0));
	isb();
	l2_init(&c->l2, be_l2, n, c->stack + sizeof(c->stack));
	l2_load(&c->l2);
	c->ec = l2_run(&c->l2);
	set(&c->done);
}

void secondary_main(uint64_t n)
{
	el2_init();
	set(&cpus[n].up);
	await(BROKEN(4) ? &cpus[n - 1].done : &all_on);
	run(n);
}

/* Every CPU of the VM; how many there are, the first failing CPU_ON tells. */
static void check_on(void)
{
	unsigned i;

	step("smp.on");
	while (how_many < MOST && psci_cpu_on(how_many) == 0)
		how_many++;
	if (how_many == 1)
		fail("this takes several vCPUs: nestor run -c 4");
	for (i = 1; i < how_many; i++)
		await(&cpus[i].up);
	print("PASS %u CPUs are up at EL2\n", (uint64_t)how_many);
}

static void check_run(void)
{
	unsigned i;

	step("smp.run");
	for (i = 0; i < how_many; i++)
		cpu_init(i);
	set(&all_on);
	/* If one is missing where all meet, CPU 0 does not wait for ever. */
	watchdog_start();
	run(0);
	watchdog_stop();
	if (cpus[0].ec != EC_HVC64)
		fail("L2 of CPU 0 met nobody");
	for (i = 0; i < how_many; i++) {
		await(&cpus[i].done);
		reg("VTTBR_EL2", cpus[i].vttbr);
		if (cpus[i].ec != EC_HVC64 || cpus[i].l2.x[0] != i)
			fail("L2 of CPU %u ended with %u, ESR_EL2 %x",
			     (uint64_t)i, cpus[i].l2.x[0], cpus[i].l2.esr);
	}
	pass("each runs an L2 at the same time, with memory of its own");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	check_on();
	check_run();
	return 0;
}
