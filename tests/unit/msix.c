/* SPDX-License-Identifier: MIT */
#include "devices/msix.h"

#include "tests/unit/pci_rig.h"
#include "tests/unit/test.h"

static const struct pci_ops ops = { .name = "thing" };

struct thing {
	struct pci_function fn;
	struct msix *m;
};

static void thing_new(struct pci_rig *r, struct thing *t, unsigned n)
{
	const struct msi msi = pci_rig_msi(r);

	pci_rig_new(r);
	pci_init(&t->fn, &ops, 1, 2, 3);
	t->m = msix_new(&t->fn, 1, n, &msi);
	OK(pci_host_add(r->host, &t->fn) == 1);
	cfg_set(r, 1, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
}

static void thing_free(struct pci_rig *r, struct thing *t)
{
	msix_free(t->m);
	pci_rig_free(r);
}

static void control(struct pci_rig *r, struct thing *t, uint16_t flags)
{
	unsigned cap = cfg_cap(r, 1, PCI_CAP_ID_MSIX, 0);

	cfg_set(r, 1, cap + PCI_MSIX_FLAGS, 2, flags);
	msix_config(t->m, &t->fn);
}

#define ENABLE PCI_MSIX_FLAGS_ENABLE
#define ALL    PCI_MSIX_FLAGS_MASKALL

static void vector(struct thing *t, unsigned n, uint64_t addr, uint32_t data,
		   bool masked)
{
	msix_write(t->m, n * 16, 8, addr);
	msix_write(t->m, n * 16 + 8, 4, data);
	msix_write(t->m, n * 16 + 12, 4, masked);
}

TEST(the_capability_tells_size_and_place_of_the_table)
{
	struct pci_rig r;
	struct thing t;
	unsigned cap;

	thing_new(&r, &t, 3);
	cap = cfg_cap(&r, 1, PCI_CAP_ID_MSIX, 0);
	EQ(cfg_get(&r, 1, cap + PCI_MSIX_FLAGS, 2), 2);
	EQ(cfg_get(&r, 1, cap + PCI_MSIX_TABLE, 4), 1);
	EQ(cfg_get(&r, 1, cap + PCI_MSIX_PBA, 4), 0x801);
	control(&r, &t, UINT16_MAX);
	EQ(cfg_get(&r, 1, cap + PCI_MSIX_FLAGS, 2), ENABLE | ALL | 2);
	thing_free(&r, &t);
}

TEST(a_message_is_routed_once_and_sent_each_time)
{
	struct pci_rig r;
	struct thing t;

	thing_new(&r, &t, 3);
	msix_send(t.m, 1);
	EQ(r.sent[1], 0);
	vector(&t, 1, 0x8090040, 77, false);
	control(&r, &t, ENABLE);
	/* What came before MSI-X was enabled is not kept. */
	EQ(r.sent[1], 0);
	msix_send(t.m, 1);
	msix_send(t.m, 1);
	EQ(r.routed[1], 1);
	EQ(r.sent[1], 2);
	EQ(r.addr[1], 0x8090040);
	EQ(r.data[1], 77);
	vector(&t, 1, 0x8090040, 77, false);
	msix_send(t.m, 1);
	EQ(r.routed[1], 1);
	msix_write(t.m, 24, 4, 78);
	msix_send(t.m, 1);
	EQ(r.routed[1], 2);
	EQ(r.data[1], 78);
	msix_send(t.m, 3);
	msix_send(t.m, 0xffff);
	thing_free(&r, &t);
}

TEST(what_a_mask_holds_back_is_pending_and_sent_once_it_goes)
{
	struct pci_rig r;
	struct thing t;

	thing_new(&r, &t, 40);
	control(&r, &t, ENABLE);
	vector(&t, 35, 0x1000, 5, true);
	msix_send(t.m, 35);
	msix_send(t.m, 35);
	EQ(r.sent[35], 0);
	EQ(msix_read(t.m, MSIX_PBA, 8), 1ull << 35);
	EQ(msix_read(t.m, MSIX_PBA + 4, 4), 1u << 3);
	/* The new message is the one that goes out. */
	msix_write(t.m, 35 * 16 + 8, 4, 6);
	msix_write(t.m, 35 * 16 + 12, 4, 0);
	EQ(r.sent[35], 1);
	EQ(r.data[35], 6);
	EQ(msix_read(t.m, MSIX_PBA, 8), 0);
	/* The function's mask holds back all. */
	vector(&t, 0, 0x1000, 1, false);
	control(&r, &t, ENABLE | ALL);
	msix_send(t.m, 0);
	msix_send(t.m, 35);
	EQ(msix_read(t.m, MSIX_PBA, 8), 1 | 1ull << 35);
	control(&r, &t, ENABLE);
	EQ(r.sent[0], 1);
	EQ(r.sent[35], 2);
	thing_free(&r, &t);
}

static void master(struct pci_rig *r, struct thing *t, bool on)
{
	cfg_set(r, 1, PCI_COMMAND, 2, on ? PCI_COMMAND_MASTER : 0);
	msix_config(t->m, &t->fn);
}

TEST(Q17_no_message_leaves_a_function_that_is_not_bus_master)
{
	struct pci_rig r;
	struct thing t;

	thing_new(&r, &t, 3);
	vector(&t, 0, 0x1000, 5, false);
	vector(&t, 1, 0x1000, 6, false);
	vector(&t, 2, 0x1000, 7, true);
	control(&r, &t, ENABLE);
	master(&r, &t, false);
	msix_send(t.m, 0);
	msix_send(t.m, 0);
	msix_send(t.m, 2);
	EQ(r.sent[0] + r.sent[2], 0);
	EQ(msix_read(t.m, MSIX_PBA, 8), 5);
	/* Nothing but that bit lets them go. */
	control(&r, &t, ENABLE | ALL);
	control(&r, &t, ENABLE);
	msix_write(t.m, 2 * 16 + 12, 4, 0);
	EQ(r.sent[0] + r.sent[2], 0);
	msix_write(t.m, 2 * 16 + 12, 4, 1);
	master(&r, &t, true);
	EQ(r.sent[0], 1);
	EQ(r.sent[1], 0);
	EQ(r.sent[2], 0);
	EQ(msix_read(t.m, MSIX_PBA, 8), 4);
	msix_write(t.m, 2 * 16 + 12, 4, 0);
	EQ(r.sent[2], 1);
	thing_free(&r, &t);
}

TEST(Q17_a_reset_leaves_the_function_without_the_bus_and_its_messages)
{
	struct pci_rig r;
	struct thing t;

	thing_new(&r, &t, 1);
	vector(&t, 0, 0x1000, 5, false);
	control(&r, &t, ENABLE);
	master(&r, &t, false);
	msix_send(t.m, 0);
	bus_reset(&r.bus);
	msix_reset(t.m);
	vector(&t, 0, 0x1000, 5, false);
	control(&r, &t, ENABLE);
	msix_send(t.m, 0);
	EQ(r.sent[0], 0);
	master(&r, &t, true);
	EQ(r.sent[0], 1);
	thing_free(&r, &t);
}

TEST(a_reset_masks_all_vectors_and_forgets_what_is_pending)
{
	struct pci_rig r;
	struct thing t;

	thing_new(&r, &t, 2);
	control(&r, &t, ENABLE);
	vector(&t, 0, 0x1000, 5, false);
	msix_send(t.m, 1);
	msix_reset(t.m);
	OK(!msix_enabled(t.m));
	EQ(msix_read(t.m, 0, 8), 0);
	EQ(msix_read(t.m, 12, 4), 1);
	EQ(msix_read(t.m, 28, 4), 1);
	EQ(msix_read(t.m, MSIX_PBA, 4), 0);
	thing_free(&r, &t);
}

TEST(P1_table_and_pending_bits_out_of_range_read_0_and_ignore_writes)
{
	struct pci_rig r;
	struct thing t;
	unsigned off, size;

	thing_new(&r, &t, 2);
	control(&r, &t, ENABLE);
	for (size = 1; size <= 8; size *= 2) {
		for (off = 2 * 16; off < 0x1010; off++) {
			msix_write(t.m, off, size, UINT64_MAX);
			EQ(msix_read(t.m, off, size), 0);
		}
		/* Within the table, but too narrow or askew. */
		for (off = 0; off < 32 && size < 4; off++) {
			msix_write(t.m, off, size, UINT64_MAX);
			EQ(msix_read(t.m, off, size), 0);
		}
	}
	for (off = 1; off < 32; off++) {
		if (off % 4)
			EQ(msix_read(t.m, off, 4), 0);
		if (off % 8)
			EQ(msix_read(t.m, off, 8), 0);
	}
	EQ(msix_read(t.m, 0, 8), 0);
	EQ(msix_read(t.m, UINT64_MAX - 3, 4), 0);
	thing_free(&r, &t);
}
