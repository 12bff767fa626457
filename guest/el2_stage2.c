/* SPDX-License-Identifier: MIT */
/*
 * Two-stage translation: what L2 takes for physical addresses are intermediate
 * ones (IPA), and stage 2 turns them into ours. VTTBR_EL2 holds its tables and
 * the VMID that TLBs keep them apart by, VTCR_EL2 their shape.
 *
 * Two VMs have other memory at one IPA. Where tables map nothing, ESR_EL2 and
 * HPFAR_EL2 tell; the hypervisor maps a page, and the instruction runs again.
 * What it takes away, or makes read-only, TLBs forget only by TLBI, for the
 * VMID that VTTBR_EL2 holds at that time.
 *
 * BREAK 1: VTTBR_EL2 is not switched to the second VM
 * BREAK 2: no TLBI after a mapping was changed
 * BREAK 3: that TLBI is made under the other VM's VMID
 * BREAK 4: HCR_EL2.VM is clear
 * BREAK 5: the page that L2 may only read is mapped for writing
 */
#include "guest/rt/pt.h"

#define SHARED 0x70000000ull /* the IPA that both VMs use */
#define HOLE   (SHARED + PT_PAGE_MAX)
#define FIRST  0x11111111u
#define SECOND 0x22222222u
#define THIRD  0x33333333u

struct page {
	uint64_t word[PT_PAGE_MAX / 8];
} __attribute__((aligned(PT_PAGE_MAX)));

static struct page pages[3];
static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static struct vm {
	pte_t *tables;
	unsigned vmid;
} vms[2] = { { NULL, 1 }, { NULL, 2 } };

static uint64_t load(uint64_t ipa)
{
	return *(volatile uint64_t *)ipa;
}

static uint64_t store(uint64_t ipa)
{
	*(volatile uint64_t *)ipa = FIRST;
	return 0;
}

static void enter_vm(const struct vm *vm)
{
	el2_write(VTTBR_EL2, s2_vttbr(vm->tables, vm->vmid));
	isb();
}

static void begin(uint64_t (*entry)(uint64_t), uint64_t ipa)
{
	l2_init(&l2, entry, ipa, stack + sizeof(stack));
	l2_load(&l2);
}

static void must_load(uint64_t value)
{
	begin(load, SHARED);
	l2_expect(&l2, EC_HVC64);
	if (l2.x[0] != value)
		fail("L2 read %x, not %x", l2.x[0], value);
}

/* L2 is stopped at @ipa by a fault of that type, at any level. */
static void must_fault(uint64_t ipa, unsigned type)
{
	l2_expect(&l2, EC_DABT_LOW);
	reg("ESR_EL2", l2.esr);
	reg("FAR_EL2", l2.far);
	reg("HPFAR_EL2", l2.hpfar);
	if ((ESR_FSC(l2.esr) & FSC_TYPE) != type)
		fail("another fault than of type %x", (uint64_t)type);
	if (HPFAR_IPA(l2.hpfar) != ipa)
		fail("HPFAR_EL2 tells of IPA %x", HPFAR_IPA(l2.hpfar));
}

static void flush(uint64_t ipa)
{
	if (BROKEN(2))
		return;
	enter_vm(&vms[BROKEN(3) ? 1 : 0]);
	s2_flush(ipa);
	enter_vm(&vms[0]);
}

static void switch_vm(void)
{
	el2_write(VTTBR_EL2, s2_vttbr(vms[1].tables, vms[1].vmid));
	el2_write(VTTBR_EL2, s2_vttbr(vms[0].tables, vms[0].vmid));
}

static void flush_shared(void)
{
	s2_flush(SHARED);
}

static void two_vms(void)
{
	struct cost cost;

	step("stage2.vmid");
	enter_vm(&vms[0]);
	reg("VTCR_EL2", el2_read(VTCR_EL2));
	reg("VTTBR_EL2", el2_read(VTTBR_EL2));
	must_load(FIRST);
	if (!BROKEN(1))
		enter_vm(&vms[1]);
	reg("VTTBR_EL2", el2_read(VTTBR_EL2));
	must_load(SECOND);
	cost = cost_of(switch_vm);
	must_load(FIRST);
	cost_print(cost);
	pass("one IPA, two VMs, two pages: VTTBR_EL2 decides");
}

static void hole(void)
{
	step("stage2.hole");
	begin(load, HOLE);
	must_fault(HOLE, FSC_TRANSLATION);
	if (l2.esr & ESR_WNR)
		fail("ESR_EL2.WnR says that a read was a write");
	/* What was invalid is in no TLB, so that nothing is to be flushed. */
	pt_map(vms[0].tables, HOLE, (uintptr_t)&pages[2], pt_page(), S2_RAM);
	l2_expect(&l2, EC_HVC64);
	if (l2.x[0] != THIRD)
		fail("the load that ran again read %x", l2.x[0]);
	pass("a hole comes to EL2, is filled, and the load runs again");
}

static void remap(void)
{
	struct cost cost;

	step("stage2.remap");
	must_load(FIRST);
	pt_unmap(vms[0].tables, SHARED, pt_page());
	flush(SHARED);
	begin(load, SHARED);
	must_fault(SHARED, FSC_TRANSLATION);
	pt_map(vms[0].tables, SHARED, (uintptr_t)&pages[2], pt_page(), S2_RAM);
	must_load(THIRD);
	cost = cost_of(flush_shared);
	cost_print(cost);
	pass("after TLBI, L2 sees that its page is gone, and then the new one");
}

static void read_only(void)
{
	uint64_t attr = BROKEN(5) ? S2_RAM : S2_RO;

	step("stage2.read-only");
	pt_unmap(vms[0].tables, SHARED, pt_page());
	flush(SHARED);
	pt_map(vms[0].tables, SHARED, (uintptr_t)&pages[0], pt_page(), attr);
	must_load(FIRST);
	begin(store, SHARED);
	must_fault(SHARED, FSC_PERMISSION);
	if (!(l2.esr & ESR_WNR))
		fail("ESR_EL2.WnR says that a write was a read");
	pass("S2AP lets L2 read, and a write comes to EL2");
}

int main(uint64_t fdt)
{
	unsigned i;

	(void)fdt;
	el2_init();
	pages[0].word[0] = FIRST;
	pages[1].word[0] = SECOND;
	pages[2].word[0] = THIRD;
	el2_write(VTCR_EL2, s2_vtcr());
	for (i = 0; i < 2; i++) {
		vms[i].tables = pt_new();
		s2_map_self(vms[i].tables);
		pt_map(vms[i].tables, SHARED, (uintptr_t)&pages[i], pt_page(),
		       S2_RAM);
		enter_vm(&vms[i]);
		s2_flush_all();
	}
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | (BROKEN(4) ? 0 : HCR_VM));
	isb();
	two_vms();
	hole();
	remap();
	read_only();
	return 0;
}
