/* SPDX-License-Identifier: MIT */
#include "devices/pci_testdev.h"

#include <unistd.h>

#include "tests/unit/pci_rig.h"
#include "tests/unit/test.h"

#define BAR(n) (LOW_BASE + 0x1000 * (n))

/* What a KVM with eventfds would do, that refuses them if @full. */
struct kvm {
	struct pci_rig pci;
	gpa_t at;
	bool on, any, full;
	uint8_t match;
	int fd;
	unsigned taken;
};

static int ioeventfd(void *ctx, gpa_t at, const uint8_t *match, int fd, bool on)
{
	struct kvm *k = ctx;

	OK(at != PCI_NOWHERE);
	if (k->full)
		return -ENOSPC;
	/* One at a time, and what was had is given back. */
	OK(k->on != on);
	if (!on)
		OK(k->at == at && k->fd == fd && k->any == !match);
	k->on = on;
	k->at = at;
	k->any = !match;
	k->match = match ? *match : 0;
	k->fd = fd;
	return 0;
}

static void put8(struct kvm *k, gpa_t at, uint8_t val)
{
	const uint64_t one = 1;

	if (k->on && at == k->at && (k->any || val == k->match)) {
		EQ(write(k->fd, &one, 8), 8);
		k->taken++;
	} else {
		mem_set(&k->pci, at, 1, val);
	}
}

static void begin(struct kvm *k, bool full)
{
	const struct pci_testdev_host host = { ioeventfd, k };
	unsigned i;

	*k = (struct kvm){ .full = full };
	pci_rig_new(&k->pci);
	EQ(pci_host_add(k->pci.host, pci_testdev_new(&host)), 1);
	for (i = 0; i < 2; i++)
		cfg_set(&k->pci, 1, PCI_BASE_ADDRESS_0 + 4 * i, 4, BAR(i));
	cfg_set(&k->pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

/* As a driver of it does: 16 writes; how many arrive, or -1 without a test. */
static int drive(struct kvm *k, gpa_t bar, unsigned test)
{
	uint32_t off;
	unsigned i;

	put8(k, bar, test);
	EQ(mem_get(&k->pci, bar + 12, 4), 0);
	if (mem_get(&k->pci, bar + 1, 1) != 1)
		return -1;
	off = mem_get(&k->pci, bar + 4, 4);
	for (i = 0; i < 16; i++)
		put8(k, bar + off, mem_get(&k->pci, bar + 8, 4));
	return mem_get(&k->pci, bar + 12, 4);
}

TEST(both_bars_have_three_tests_each_of_which_counts_its_writes)
{
	struct kvm k;
	unsigned full, bar, t;

	for (full = 0; full < 2; full++) {
		begin(&k, full);
		EQ(cfg_get(&k.pci, 1, PCI_VENDOR_ID, 4), 0x00051b36);
		EQ(cfg_get(&k.pci, 1, PCI_INTERRUPT_PIN, 1), 0);
		for (bar = 0; bar < 2; bar++) {
			for (t = 0; t < 3; t++)
				EQ(drive(&k, BAR(bar), t), 16);
			EQ(drive(&k, BAR(bar), 3), -1);
			EQ(drive(&k, BAR(bar), 255), -1);
		}
		/* Those with an eventfd, if there is one to be had. */
		EQ(k.taken, full ? 0 : 2 * 2 * 16);
		OK(!k.on);
		pci_rig_free(&k.pci);
	}
}

TEST(a_test_has_a_name_and_counts_only_what_it_is_about)
{
	char name[16] = "";
	struct kvm k;
	unsigned i;

	begin(&k, false);
	put8(&k, BAR(0), 0);
	for (i = 0; i < 15; i++)
		name[i] = mem_get(&k.pci, BAR(0) + 16 + i, 1);
	STR_EQ(name, "mmio-no-eventfd");
	/* Another value, another place, another BAR. */
	put8(&k, BAR(0) + 0x800, 0xfb);
	put8(&k, BAR(0) + 0x801, 0xfa);
	put8(&k, BAR(1) + 0x800, 0xfa);
	EQ(mem_get(&k.pci, BAR(0) + 12, 4), 0);
	EQ(mem_get(&k.pci, BAR(1) + 0, 8), 0);
	/* Wider ones are made of bytes. */
	mem_set(&k.pci, BAR(0) + 0x7fe, 4, 0x00fa0000);
	EQ(mem_get(&k.pci, BAR(0) + 8, 8), 1ull << 32 | 0xfa);
	EQ(mem_get(&k.pci, BAR(0) + 0xff8, 8), 0);
	put8(&k, BAR(0), 1);
	put8(&k, BAR(0) + 0x801, 7);
	EQ(mem_get(&k.pci, BAR(0) + 12, 4), 1);
	pci_rig_free(&k.pci);
}

TEST(an_eventfd_follows_its_bar_and_goes_with_memory_and_reset)
{
	struct kvm k;

	begin(&k, false);
	put8(&k, BAR(0), 2);
	EQ(k.at, BAR(0) + 0x802);
	EQ(k.match, 0xfa);
	cfg_set(&k.pci, 1, PCI_BASE_ADDRESS_0, 4, BAR(4));
	OK(k.on);
	EQ(k.at, BAR(4) + 0x802);
	cfg_set(&k.pci, 1, PCI_BASE_ADDRESS_1, 4, BAR(5));
	EQ(k.at, BAR(4) + 0x802);
	cfg_set(&k.pci, 1, PCI_COMMAND, 2, 0);
	OK(!k.on);
	cfg_set(&k.pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	OK(k.on);
	put8(&k, BAR(4) + 0x802, 0xfa);
	bus_reset(&k.pci.bus);
	OK(!k.on);
	cfg_set(&k.pci, 1, PCI_BASE_ADDRESS_0, 4, BAR(0));
	cfg_set(&k.pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EQ(mem_get(&k.pci, BAR(0) + 8, 8), 0);
	pci_rig_free(&k.pci);
}
