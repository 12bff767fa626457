/* SPDX-License-Identifier: MIT */
#include "machine/msi.h"

#include <errno.h>

#include "arm64/gicv2m.h"
#include "arm64/map.h"
#include "core/device.h"
#include "core/kvm.h"
#include "core/vm.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/said.h"

#define DOORBELL   (MAP_ITS_BASE + 0x10040)
#define V2M_SETSPI (MAP_V2M_BASE + 0x40)

/* A router of a machine with @gic, one source of four messages on it. */
struct way {
	struct vm vm;
	struct machine m;
	struct msi_router *router;
	struct msi msi;
};

static void way_new(struct way *w, enum gic_kind gic)
{
	struct msi_source *s;

	*w = (struct way){ .vm.fd = 3, .m.gic = gic };
	fake_kvm_reset();
	w->router = msi_router_new(&w->vm, &w->m);
	OK(w->router);
	s = msi_source_new(w->router, 0x10, 4);
	OK(s);
	w->msi = msi_of(s);
}

/* The table's length as last set, and the last entry in it. */
static struct fake_call last_routing(void)
{
	unsigned i = fake_ncalls;

	while (i && fake_calls[i - 1].request != KVM_SET_GSI_ROUTING)
		i--;
	OK(i);
	return fake_calls[i - 1];
}

TEST(a_message_goes_to_the_its_with_the_functions_id_beside_all_spis)
{
	struct way w;

	way_new(&w, GIC_V3);
	w.msi.route(w.msi.ctx, 2, DOORBELL, 7);
	EQ(last_routing().a, 48 + 1);
	EQ(last_routing().b, 0x10ull << 32 | 7);
	w.msi.send(w.msi.ctx, 2);
	w.msi.send(w.msi.ctx, 2);
	/* One eventfd for good, whose GSI is behind those of the SPIs. */
	EQ(fake_kvm_count(KVM_IRQFD), 1);
	EQ(fake_calls[fake_ncalls - 1].a, 48 + 2);
	w.msi.route(w.msi.ctx, 2, DOORBELL, 8);
	w.msi.send(w.msi.ctx, 2);
	EQ(last_routing().a, 48 + 1);
	EQ(last_routing().b, 0x10ull << 32 | 8);
	EQ(fake_kvm_count(KVM_IRQFD), 1);
	msi_router_free(w.router);
}

TEST(a_gicv2m_takes_its_own_spis_and_nothing_else)
{
	static const struct {
		uint64_t addr;
		uint32_t data;
	} bad[] = {
		{ V2M_SETSPI, 0 },
		{ V2M_SETSPI, 31 },
		{ V2M_SETSPI, SPI_V2M + 31 },
		{ V2M_SETSPI, SPI_V2M + 32 + SPI_V2M_COUNT },
		{ V2M_SETSPI, UINT32_MAX },
		{ V2M_SETSPI + 4, SPI_V2M + 32 },
		{ DOORBELL, SPI_V2M + 32 },
		{ 0, SPI_V2M + 32 },
	};
	struct way w;
	unsigned i;

	way_new(&w, GIC_V2);
	w.msi.route(w.msi.ctx, 0, V2M_SETSPI, SPI_V2M + 32 + 63);
	EQ(last_routing().a, 112 + 1);
	EQ(last_routing().b, SPI_V2M + 63);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w.msi.route(w.msi.ctx, 0, bad[i].addr, bad[i].data);
		EQ(last_routing().a, 112);
	}
	msi_router_free(w.router);
}

TEST(a_cpu_may_send_a_gicv2m_message_too)
{
	struct way w;
	struct device *d;

	way_new(&w, GIC_V2);
	d = gicv2m_new(w.router);
	EQ(d->ops->read(d, 8, 4), (SPI_V2M + 32) << 16 | SPI_V2M_COUNT);
	d->ops->write(d, 0x40, 4, SPI_V2M + 32);
	EQ(fake_kvm_count(KVM_IRQFD), 1);
	d->ops->write(d, 0x40, 4, SPI_V2M + 31);
	d->ops->write(d, 0x40, 4, 0);
	d->ops->write(d, 0x40, 2, SPI_V2M + 33);
	d->ops->write(d, 0x44, 4, SPI_V2M + 33);
	EQ(fake_kvm_count(KVM_IRQFD), 1);
	d->ops->free(d);
	msi_router_free(w.router);
}

TEST(more_messages_than_kvm_has_gsis_are_refused)
{
	struct way w;

	way_new(&w, GIC_V3);
	OK(!msi_source_new(w.router, 0x18, 4096));
	EQ(errno, ENOSPC);
	msi_router_free(w.router);
}

TEST(what_kvm_refuses_is_told_at_a_limited_rate)
{
	struct way w;
	unsigned i;

	way_new(&w, GIC_V3);
	fake_kvm_fail(KVM_IRQFD, 0, ENOSPC);
	fake_kvm_fail(KVM_SET_GSI_ROUTING, 0, EINVAL);
	listen_in();
	for (i = 0; i < 1000; i++) {
		w.msi.route(w.msi.ctx, 2, DOORBELL, i);
		w.msi.send(w.msi.ctx, i % 4);
		msi_pulse(w.router, 40);
	}
	LT(lines_said(), 16);
	msi_router_free(w.router);
}

TEST(the_its_comes_after_the_gic_and_before_its_devices)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	/* Type 8 is KVM_DEV_TYPE_ARM_VGIC_ITS. */
	LT(board_rig_at("SET_DEVICE_ATTR 0x4 0"),
	   board_rig_at("CREATE_DEVICE 0x8"));
	board_rig_unmake(b);
}

TEST(without_an_its_virtio_is_over_mmio)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.rng = true;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	/* Nobody maps the MMIO windows. */
	OK(!strstr(fake_kvm_log(), "SET_USER_MEMORY_REGION 0xa000000"));
	board_rig_unmake(b);
	c = board_rig_config();
	c.rng = true;
	fake_kvm_reset();
	fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_ITS);
	EQ(board_rig_make(&c, &b, &e), 0);
	board_rig_at("SET_USER_MEMORY_REGION 0xa000000");
	board_rig_unmake(b);
}
