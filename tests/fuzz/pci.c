/* SPDX-License-Identifier: MIT */
/*
 * A hostile driver against the PCI host, MSI-X and the virtio transport there:
 * configuration space of any width at any place, BARs on the move, vectors
 * masked and changed while the device interrupts.
 *
 * The input is a stream of operations. The sanitizers are the oracle, the rig's
 * rules (a line is only told of changes, a message never sent before it is
 * routed), and that after a function-level reset the device works.
 */
#include "tests/unit/virtio_rig.h"
#include "virtio/rng.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

static const uint8_t *next, *end;

static uint64_t take(unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- && next < end)
		v = v << 8 | *next++;
	return v;
}

/* Somewhere that matters: a window's edge, a BAR, or anywhere. */
static gpa_t address(const struct rig *r)
{
	unsigned how = take(1);

	switch (how & 7) {
	case 0:
		return cfg_at(how >> 3 & 3, take(2) & 0xfff);
	case 1:
	case 2:
		return cfg_at(1, take(1));
	case 3:
		return r->v ? RIG_MSIX + (take(2) & 0xfff) : 0;
	case 4:
	case 5:
		return RIG_BAR + (take(2) & 0x3fff);
	case 6:
		return LOW_BASE + LOW_SIZE - take(1);
	}
	return HIGH_BASE + take(3);
}

static void access(struct rig *r)
{
	gpa_t at = address(r);
	unsigned how = take(1), size = 1u << (how & 3);

	if (how & 0x80)
		mem_set(r->pci, at, size, take(how & 0x40 ? 8 : 2));
	else
		mem_get(r->pci, at, size);
}

/* A request, which interrupts; by whatever the driver has left enabled. */
static void request(struct rig *r)
{
	rig_desc(r, 0, 0, DATA, 16, W, 0);
	rig_send(r, 0, 0);
}

static void vector(struct rig *r)
{
	unsigned n = take(1) & 3, how = take(1);

	mem_set(r->pci, RIG_MSIX + n * 16 + (how & 12), how & 1 ? 8 : 4,
		take(2));
}

static void capability(struct rig *r)
{
	static const uint8_t ids[] = { PCI_CAP_ID_MSIX, PCI_CAP_ID_EXP,
				       PCI_CAP_ID_VNDR };
	unsigned at = cfg_cap(r->pci, 1, ids[take(1) % 3], 0);

	cfg_set(r->pci, 1, at + (take(1) & 31), 1u << (take(1) & 3), take(4));
}

static void step(struct rig *r)
{
	switch (take(1) % 8) {
	case 0:
	case 1:
		request(r);
		break;
	case 2:
		vector(r);
		break;
	case 3:
		capability(r);
		break;
	case 4:
		if (take(1) < 0x40)
			rig_pci_place(r);
		break;
	case 5:
		if (take(1) < 0x40)
			rig_start(r, 0);
		break;
	default:
		access(r);
	}
}

static void recover(struct rig *r)
{
	unsigned cap = cfg_cap(r->pci, 1, PCI_CAP_ID_EXP, 0);
	unsigned i, before;

	cfg_set(r->pci, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	rig_pci_place(r);
	rig_start(r, 0);
	before = r->irqs;
	request(r);
	CHECK(rig_used_idx(r, 0) == 1 && r->irqs == before + 1);
	for (i = 0; i < PCI_PINS; i++)
		CHECK(!r->pci->pin[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig r;

	log_level = LOG_ERROR;
	if (!r.ram) {
		rig_ram(&r);
		rig_plug_pci(&r, virtio_rng_new(&r.m, NULL));
	}
	next = data;
	end = data + size;
	memset(r.ram, 0, RAM_SIZE);
	rig_pci_place(&r);
	rig_start(&r, 0);
	while (next < end)
		step(&r);
	recover(&r);
	return 0;
}
