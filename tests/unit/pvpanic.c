/* SPDX-License-Identifier: MIT */
#include "devices/pvpanic.h"

#include "machine/board_impl.h"
#include "machine/map.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/test.h"

static unsigned said, times;

static void on_event(void *ctx, unsigned bits)
{
	OK(ctx == &said);
	said = bits;
	times++;
}

static struct device *dev;

static void wr(uint64_t off, unsigned size, uint64_t val)
{
	dev->ops->write(dev, off, size, val);
}

TEST(pvpanic_says_which_events_it_knows)
{
	dev = pvpanic_new(on_event, &said);
	EQ(dev->ops->read(dev, 0, 1), 3);
	EQ(dev->ops->read(dev, 1, 1), 0);
	dev->ops->free(dev);
}

TEST(pvpanic_passes_on_the_events_it_knows_and_no_others)
{
	dev = pvpanic_new(on_event, &said);
	wr(0, 1, PVPANIC_PANICKED);
	EQ(said, PVPANIC_PANICKED);
	wr(0, 1, 0xff);
	EQ(said, 3);
	EQ(times, 2);
	wr(0, 1, 0);
	wr(0, 2, 0xff00);
	wr(1, 1, 1);
	wr(0, 1, 0xfc);
	EQ(times, 2);
	dev->ops->free(dev);
}

/* --- on the board --- */

static enum vm_event_kind seen;

static void on_vm_event(void *ctx, const struct vm_event *ev)
{
	(void)ctx;
	seen = ev->kind;
	loop_stop(board_rig_host.loop);
}

TEST(a_crash_that_the_guest_handles_itself_is_an_event_of_its_own)
{
	static const struct {
		uint64_t bits;
		enum vm_event_kind event;
	} says[] = {
		{ PVPANIC_CRASH_LOADED, VM_CRASH_KERNEL },
		{ PVPANIC_PANICKED, VM_PANIC },
		{ PVPANIC_PANICKED | PVPANIC_CRASH_LOADED, VM_PANIC },
	};
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	unsigned i;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	b->vm.listener.event = on_vm_event;
	for (i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		uint64_t bits = says[i].bits;

		seen = VM_POWEROFF;
		OK(bus_access(&b->vm.bus, arch_map.pvpanic.base, 1, true,
			      &bits));
		EQ(loop_run(board_rig_host.loop), 0);
		EQ(seen, says[i].event);
	}
	board_rig_unmake(b);
}
