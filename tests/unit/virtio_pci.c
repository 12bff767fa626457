/* SPDX-License-Identifier: MIT */
#include "virtio/pci.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "tests/unit/loop_call.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio_rig.h"

#define BIT(n)	    (1ull << (n))
#define COMMON(reg) (RIG_BAR + (reg))

/* A device of three queues that gives each buffer back as it was. */
struct echo {
	struct virtio v;
	struct vq_chain c;
	unsigned resets, queue_resets;
};

static int give_back(struct virtio *v, unsigned q, struct vq_chain *c)
{
	virtio_push(v, q, c, 0);
	return 0;
}

static int echo_serve(struct virtio *v, unsigned q)
{
	return virtio_each(v, q, &((struct echo *)v)->c, give_back);
}

static void echo_reset(struct virtio *v)
{
	((struct echo *)v)->resets++;
}

static void echo_config_write(struct virtio *v, unsigned off, const void *buf,
			      unsigned len)
{
	memcpy(v->config + off, buf, len);
}

static void echo_free(struct virtio *v)
{
	virtio_exit(v);
	free(v);
}

static const struct virtio_ops echo_ops = {
	.name = "echo",
	.id = 4,
	.serve = echo_serve,
	.reset = echo_reset,
	.config_write = echo_config_write,
	.free = echo_free,
};

static struct echo *echo_new(struct rig *r)
{
	struct echo *e = calloc(1, sizeof(*e));

	log_level = LOG_ERROR;
	rig_ram(r);
	EQ(virtio_init(&e->v, &echo_ops, &r->m, NULL, 3, 64, BIT(5)), 0);
	e->v.config_size = 10;
	memcpy(e->v.config, "0123456789", 10);
	rig_plug_pci(r, &e->v);
	return e;
}

static void use_buffer(struct rig *r, unsigned q)
{
	rig_desc(r, q, 0, DATA, 3, W, 0);
	rig_send(r, q, 0);
}

TEST(the_function_is_a_modern_virtio_device)
{
	struct rig r;

	echo_new(&r);
	EQ(cfg_get(r.pci, 1, PCI_VENDOR_ID, 4), 0x10441af4);
	EQ(cfg_get(r.pci, 1, PCI_REVISION_ID, 1), 1);
	EQ(cfg_get(r.pci, 1, PCI_INTERRUPT_PIN, 1), 1);
	OK(cfg_cap(r.pci, 1, PCI_CAP_ID_EXP, 0));
	EQ(cfg_get(r.pci, 1, cfg_cap(r.pci, 1, PCI_CAP_ID_MSIX, 0) + 2, 2),
	   PCI_MSIX_FLAGS_ENABLE | 3);
	rig_free(&r);
}

/* The capability of @type: where in configuration space. */
static unsigned virtio_cap(struct rig *r, uint8_t type)
{
	unsigned at = 0;

	do {
		at = cfg_cap(r->pci, 1, PCI_CAP_ID_VNDR, at);
	} while (at && cfg_get(r->pci, 1, at + 3, 1) != type);
	return at;
}

TEST(capabilities_lead_to_the_structures)
{
	static const struct {
		uint8_t type;
		uint32_t off, len;
	} want[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, VPCI_COMMON, 60 },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, VPCI_NOTIFY, 12 },
		{ VIRTIO_PCI_CAP_ISR_CFG, VPCI_ISR, 1 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, VPCI_DEVICE, 10 },
	};
	unsigned i, cap;
	struct rig r;

	echo_new(&r);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		cap = virtio_cap(&r, want[i].type);
		OK(cap);
		EQ(cfg_get(r.pci, 1, cap + VIRTIO_PCI_CAP_BAR, 1), VPCI_BAR);
		EQ(cfg_get(r.pci, 1, cap + VIRTIO_PCI_CAP_OFFSET, 4),
		   want[i].off);
		EQ(cfg_get(r.pci, 1, cap + VIRTIO_PCI_CAP_LENGTH, 4),
		   want[i].len);
	}
	cap = virtio_cap(&r, VIRTIO_PCI_CAP_NOTIFY_CFG);
	EQ(cfg_get(r.pci, 1, cap + 16, 4), 4);
	OK(virtio_cap(&r, VIRTIO_PCI_CAP_PCI_CFG));
	rig_free(&r);
}

TEST(each_queue_has_its_vector_and_the_configuration_one)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, 0);
	use_buffer(&r, 0);
	use_buffer(&r, 2);
	EQ(r.pci->sent[1], 1);
	EQ(r.pci->sent[2], 0);
	EQ(r.pci->sent[3], 1);
	virtio_lock(r.v);
	virtio_config_set(r.v, 0, "x", 1);
	virtio_unlock(r.v);
	EQ(r.pci->sent[0], 1);
	EQ(r.pci->pins_set, 0);
	/* With messages too, the ISR status tells of the configuration. */
	EQ(mem_get(r.pci, RIG_BAR + VPCI_ISR, 1), 2);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_ISR, 1), 0);
	rig_free(&r);
}

TEST(a_vector_that_does_not_exist_reads_back_as_none)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, 0);
	mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_MSIX), 2, 4);
	EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_MSIX), 2), 0xffff);
	mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_MSIX), 2, 3);
	EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_MSIX), 2), 3);
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_MSIX), 2, 0xffff);
	EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_MSIX), 2), 0xffff);
	use_buffer(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(r.irqs, 0);
	rig_free(&r);
}

TEST(Q2_a_queue_that_does_not_exist_has_no_vector)
{
	static const uint16_t bad[] = { 3, 63, 64, 0x7fff, 0xffff };
	struct rig r;
	unsigned i, reg;

	echo_new(&r);
	rig_start(&r, BIT(40));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_SELECT), 2, bad[i]);
		EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_MSIX), 2), 0xffff);
		for (reg = VIRTIO_PCI_COMMON_Q_SIZE; reg < 64; reg += 2)
			mem_set(r.pci, COMMON(reg), 2, 1);
		for (reg = VIRTIO_PCI_COMMON_Q_DESCLO; reg < 56; reg += 4)
			mem_set(r.pci, COMMON(reg), 4, RAM);
		EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_MSIX), 2), 0xffff);
		EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_SIZE), 2), 0);
		EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_ENABLE), 2), 0);
		EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_DESCLO), 4), 0);
		mem_set(r.pci, RIG_BAR + VPCI_NOTIFY + 4 * (bad[i] & 1023), 2,
			bad[i]);
	}
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

TEST(without_msix_the_pin_rises_and_reading_the_isr_lowers_it)
{
	struct rig r;
	unsigned cap;

	echo_new(&r);
	cap = cfg_cap(r.pci, 1, PCI_CAP_ID_MSIX, 0);
	cfg_set(r.pci, 1, cap + PCI_MSIX_FLAGS, 2, 0);
	rig_start(&r, 0);
	use_buffer(&r, 0);
	EQ(r.pci->pin[1], true);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_ISR, 1), 1);
	EQ(r.pci->pin[1], false);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_ISR, 1), 0);
	virtio_lock(r.v);
	virtio_config_set(r.v, 0, "x", 1);
	virtio_unlock(r.v);
	use_buffer(&r, 1);
	EQ(r.pci->pin[1], true);
	/* Messages take over: the pin has nothing more to say. */
	cfg_set(r.pci, 1, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	EQ(r.pci->pin[1], false);
	cfg_set(r.pci, 1, cap + PCI_MSIX_FLAGS, 2, 0);
	EQ(r.pci->pin[1], true);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_ISR, 1), 3);
	use_buffer(&r, 2);
	EQ(r.pci->pin[1], true);
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	EQ(r.pci->pin[1], false);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_ISR, 1), 0);
	rig_free(&r);
}

TEST(a_change_of_the_configuration_moves_the_generation)
{
	struct rig r;
	uint8_t gen;

	echo_new(&r);
	gen = rig_get(&r, VIRTIO_MMIO_CONFIG_GENERATION);
	virtio_lock(r.v);
	virtio_config_set(r.v, 4, "wxyz", 4);
	virtio_unlock(r.v);
	NE(rig_get(&r, VIRTIO_MMIO_CONFIG_GENERATION), gen);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_DEVICE + 7, 2), 'z' | '8' << 8);
	mem_set(r.pci, RIG_BAR + VPCI_DEVICE + 8, 2, 'A' | 'B' << 8);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_DEVICE + 8, 2), 'A' | 'B' << 8);
	/* Across its end, and behind. */
	mem_set(r.pci, RIG_BAR + VPCI_DEVICE + 9, 2, 0);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_DEVICE + 9, 1), 'B');
	EQ(mem_get(r.pci, RIG_BAR + VPCI_DEVICE + 9, 2), 0);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_DEVICE + 0xff8, 8), 0);
	rig_free(&r);
}

TEST(a_queue_has_its_largest_size_unless_the_driver_wants_less)
{
	struct rig r;

	echo_new(&r);
	rig_negotiate(&r, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 1);
	mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_DESCLO), 8, DESC(1));
	mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_AVAILLO), 8, AVAIL(1));
	mem_set(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_USEDLO), 8, USED(1));
	EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_Q_USEDLO), 8), USED(1));
	rig_set(&r, VIRTIO_MMIO_QUEUE_READY, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 1);
	EQ(r.v->vq[1].size, 64);
	rig_queue(&r, 2);
	EQ(r.v->vq[2].size, QSIZE);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), QSIZE);
	rig_free(&r);
}

TEST(a_queue_can_be_reset_alone_and_started_again)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, BIT(40));
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 1);
	rig_set(&r, QUEUE_RESET, 1);
	EQ(rig_get(&r, QUEUE_RESET), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	use_buffer(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	rig_queue(&r, 1);
	use_buffer(&r, 1);
	EQ(rig_used_idx(&r, 1), 1);
	rig_free(&r);
}

TEST(a_notification_may_carry_data)
{
	struct rig r;

	echo_new(&r);
	OK(rig_offered(&r) & BIT(VIRTIO_F_NOTIFICATION_DATA));
	rig_start(&r, BIT(VIRTIO_F_NOTIFICATION_DATA));
	rig_desc(&r, 1, 0, DATA, 3, W, 0);
	rig_avail(&r, 1, 0);
	mem_set(r.pci, RIG_BAR + VPCI_NOTIFY + 4, 4, 1 | 1 << 16);
	EQ(rig_used_idx(&r, 1), 1);
	rig_free(&r);
}

TEST(accesses_of_the_wrong_width_read_0_and_write_nothing)
{
	struct rig r;
	struct virtqueue before;
	unsigned off, size;

	echo_new(&r);
	rig_start(&r, 0);
	before = r.v->vq[0];
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	for (off = 0; off < 60; off++) {
		if (off == VIRTIO_PCI_COMMON_STATUS)
			continue;
		mem_set(r.pci, COMMON(off), 1, 0x55);
		if (off != VIRTIO_PCI_COMMON_CFGGENERATION)
			EQ(mem_get(r.pci, COMMON(off), 1), 0);
	}
	for (size = 2; size <= 8; size *= 2) {
		for (off = 1; off < 0x100; off += 2) {
			mem_set(r.pci, COMMON(off), size, UINT64_MAX);
			EQ(mem_get(r.pci, COMMON(off), size), 0);
		}
	}
	MEM_EQ(&before, &r.v->vq[0], sizeof(before));
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	/* What lies between the structures. */
	EQ(mem_get(r.pci, RIG_BAR + 0x1001, 1), 0);
	EQ(mem_get(r.pci, RIG_BAR + VPCI_NOTIFY, 2), 0);
	rig_free(&r);
}

TEST(a_function_level_reset_takes_the_device_with_it)
{
	struct rig r;
	struct echo *e = echo_new(&r);
	unsigned cap = cfg_cap(r.pci, 1, PCI_CAP_ID_EXP, 0);

	rig_start(&r, 0);
	use_buffer(&r, 0);
	cfg_set(r.pci, 1, cap + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	EQ(e->v.status, 0);
	OK(e->resets > 0);
	EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_STATUS), 1), 0xff);
	rig_pci_place(&r);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
	EQ(mem_get(r.pci, COMMON(VIRTIO_PCI_COMMON_MSIX), 2), 0xffff);
	rig_start(&r, 0);
	use_buffer(&r, 0);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(r.irqs, 1);
	rig_free(&r);
}

/* Through configuration space: set where, then touch the data. */
static void through(struct rig *r, uint8_t bar, uint32_t off, uint32_t len)
{
	unsigned cap = virtio_cap(r, VIRTIO_PCI_CAP_PCI_CFG);

	cfg_set(r->pci, 1, cap + VIRTIO_PCI_CAP_BAR, 1, bar);
	cfg_set(r->pci, 1, cap + VIRTIO_PCI_CAP_OFFSET, 4, off);
	cfg_set(r->pci, 1, cap + VIRTIO_PCI_CAP_LENGTH, 4, len);
}

TEST(the_bars_can_be_reached_through_configuration_space)
{
	struct rig r;
	unsigned data;

	echo_new(&r);
	data = virtio_cap(&r, VIRTIO_PCI_CAP_PCI_CFG) + 16;
	/* Memory until then, as a read by itself has to do something. */
	OK(cfg_memory(r.pci, cfg_at(1, data)));
	through(&r, VPCI_BAR, VIRTIO_PCI_COMMON_NUMQ, 2);
	OK(!cfg_memory(r.pci, cfg_at(1, data)));
	EQ(cfg_get(r.pci, 1, data, 2), 3);
	through(&r, VPCI_BAR, VIRTIO_PCI_COMMON_STATUS, 1);
	cfg_set(r.pci, 1, data, 1, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 1);
	rig_free(&r);
}

TEST(P2_through_configuration_space_nothing_but_the_bars_is_reached)
{
	static const struct {
		uint8_t bar;
		uint32_t off, len;
	} bad[] = {
		{ 0, 0, 4 },
		{ 2, 0, 4 },
		{ 5, 0, 4 },
		{ 6, 0, 4 },
		{ 255, 0, 4 },
		{ VPCI_BAR, VPCI_BAR_SIZE, 4 },
		{ VPCI_BAR, UINT32_MAX, 1 },
		{ VPCI_BAR, UINT32_MAX - 3, 4 },
		{ VPCI_BAR, 0, 0 },
		{ VPCI_BAR, 0, 8 },
		{ VPCI_BAR, 0, UINT32_MAX },
		{ VPCI_BAR, 2, 4 },
		{ VPCI_BAR_MSIX, MSIX_BAR_SIZE, 4 },
	};
	unsigned i, data;
	struct rig r;

	echo_new(&r);
	data = virtio_cap(&r, VIRTIO_PCI_CAP_PCI_CFG) + 16;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		through(&r, bad[i].bar, bad[i].off, bad[i].len);
		cfg_set(r.pci, 1, data, 4, 0x01020304);
		EQ(cfg_get(r.pci, 1, data, 4), 0x01020304);
	}
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
	rig_free(&r);
}

/* --- notifications by eventfd --- */

struct ears {
	gpa_t at[8];
	int fd[8];
	unsigned n;
	int refuse;
};

static int hear(void *ctx, gpa_t at, int fd, bool on)
{
	struct ears *e = ctx;
	unsigned i;

	if (on && e->refuse)
		return -e->refuse;
	if (on) {
		LT(e->n, 8);
		e->at[e->n] = at;
		e->fd[e->n++] = fd;
		return 0;
	}
	for (i = 0; i < e->n; i++) {
		if (e->at[i] != at || e->fd[i] != fd)
			continue;
		e->n--;
		e->at[i] = e->at[e->n];
		e->fd[i] = e->fd[e->n];
		return 0;
	}
	return -ENOENT;
}

static void stop(void *loop)
{
	loop_stop(loop);
}

/* The first stop may be heard before what came in earlier; the second is not. */
static void run(struct loop *loop)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		EQ(loop_call(loop, stop, loop), 0);
		EQ(loop_run(loop), 0);
	}
}

TEST(notification_goes_by_eventfd_after_the_first_and_moves_with_the_bar)
{
	struct ears ears = { .n = 0 };
	struct loop *loop = loop_new();
	struct echo *e = calloc(1, sizeof(*e));
	struct vpci_host host = { .ioeventfd = hear, .ctx = &ears };
	struct rig r;

	rig_ram(&r);
	host.msi = (struct msi){ rig_pci_route, rig_pci_send, &r };
	EQ(virtio_init(&e->v, &echo_ops, &r.m, loop, 3, 64, 0), 0);
	r.v = &e->v;
	r.pci = malloc(sizeof(*r.pci));
	pci_rig_new(r.pci);
	EQ(pci_host_add(r.pci->host, virtio_pci_new(&e->v, &host)), 1);
	rig_pci_place(&r);
	rig_start(&r, 0);
	EQ(ears.n, 0);
	use_buffer(&r, 1);
	run(loop);
	EQ(rig_used_idx(&r, 1), 1);
	EQ(ears.n, 1);
	EQ(ears.at[0], RIG_BAR + VPCI_NOTIFY + 4);
	/* KVM signals it from now on. */
	rig_desc(&r, 1, 0, DATA, 3, W, 0);
	rig_avail(&r, 1, 0);
	EQ(eventfd_write(ears.fd[0], 1), 0);
	run(loop);
	EQ(rig_used_idx(&r, 1), 2);
	/* Moved, it is heard there, and not where it was. */
	cfg_set(r.pci, 1, PCI_BASE_ADDRESS_0 + 4 * VPCI_BAR, 4,
		(RIG_BAR + 0x8000) & UINT32_MAX);
	EQ(ears.n, 1);
	EQ(ears.at[0], RIG_BAR + 0x8000 + VPCI_NOTIFY + 4);
	/* Switched off, nowhere; and where KVM refuses, writes still arrive. */
	cfg_set(r.pci, 1, PCI_COMMAND, 2, 0);
	EQ(ears.n, 0);
	ears.refuse = EEXIST;
	rig_pci_place(&r);
	EQ(ears.n, 0);
	use_buffer(&r, 1);
	run(loop);
	EQ(rig_used_idx(&r, 1), 3);
	rig_free(&r);
	loop_free(loop);
}

TEST(Q17_off_the_bus_it_touches_no_memory_and_goes_on_when_it_is_back)
{
	struct rig r;

	echo_new(&r);
	rig_start(&r, 0);
	cfg_set(r.pci, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	rig_desc(&r, 0, 0, DATA, 64, W, 0);
	rig_send(&r, 0, 0);
	EQ(rig_used_idx(&r, 0), 0);
	EQ(r.irqs, 0);
	cfg_set(r.pci, 1, PCI_COMMAND, 2,
		PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(r.irqs, 1);
	rig_free(&r);
}
