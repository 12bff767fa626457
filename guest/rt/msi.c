/* SPDX-License-Identifier: MIT */
/*
 * Setting up the ITS and LPIs of CPU 0, or the SPIs of a GICv2m. All tables are
 * static, one page each.
 */
#include "guest/rt/msi.h"

#include "guest/rt/virtio.h"

#define GITS_CTLR	0x0000u
#define GITS_CBASER	0x0080u
#define GITS_CWRITER	0x0088u
#define GITS_CREADR	0x0090u
#define GITS_BASER(n)	(0x0100u + 8 * (n))
#define GITS_TRANSLATER 0x10040u
#define GICR_CTLR	0x0000u
#define GICR_PROPBASER	0x0070u
#define GICR_PENDBASER	0x0078u
#define GICD_ICFGR	0x0c00u

#define PAGES_64K   (2ull << 8)
#define TYPE(baser) ((baser) >> 56 & 7)
#define TYPE_DEVICE 1
#define TYPE_COLL   4

#define ID_BITS	    14u
#define LPI_ENABLED 0xa3 /* priority 0xa0, group 1 */
#define QUEUE_SIZE  0x10000u
#define DEVICES	    4u
#define LPI_CPUS    2u
#define V2M_SETSPI  0x40u

static uint8_t devices[0x10000] __attribute__((aligned(0x10000)));
static uint8_t collections[0x10000] __attribute__((aligned(0x10000)));
static uint8_t pending[LPI_CPUS][0x10000] __attribute__((aligned(0x10000)));
static uint8_t config[1u << ID_BITS] __attribute__((aligned(0x10000)));
static uint64_t queue[QUEUE_SIZE / 8] __attribute__((aligned(0x10000)));
static uint8_t translations[DEVICES][0x1000] __attribute__((aligned(0x1000)));
static unsigned ndevices, tail;

static void write_back(const void *p, uint64_t len)
{
	vq_sync(p, len);
}

void its_command(uint64_t a, uint64_t b, uint64_t c)
{
	volatile uint64_t *at = &queue[tail / 8];

	at[0] = a;
	at[1] = b;
	at[2] = c;
	at[3] = 0;
	write_back((const void *)at, 32);
	tail = (tail + 32) % QUEUE_SIZE;
	mmio_write64(MAP_ITS_BASE + GITS_CWRITER, tail);
	while (mmio_read64(MAP_ITS_BASE + GITS_CREADR) != tail)
		;
}

/* Memory for the tables that the ITS asks for, one page each. */
static void give_tables(void)
{
	unsigned n;

	for (n = 0; n < 8; n++) {
		uint64_t at = MAP_ITS_BASE + GITS_BASER(n);
		uint64_t type = TYPE(mmio_read64(at));

		if (type == TYPE_DEVICE)
			mmio_write64(at, ITS_VALID | PAGES_64K |
						 (uintptr_t)devices);
		else if (type == TYPE_COLL)
			mmio_write64(at, ITS_VALID | PAGES_64K |
						 (uintptr_t)collections);
	}
	mmio_write64(MAP_ITS_BASE + GITS_CBASER,
		     ITS_VALID | (uintptr_t)queue | (QUEUE_SIZE / 4096 - 1));
	mmio_write64(MAP_ITS_BASE + GITS_CWRITER, 0);
	tail = 0;
}

void msi_enable_cpu(unsigned n)
{
	unsigned i;

	for (i = 0; i < MSI_EVENTS; i++)
		((volatile uint8_t *)config)[i] = LPI_ENABLED;
	write_back(config, MSI_EVENTS);
	write_back(pending[n], sizeof(pending[n]));
	mmio_write64(gicr_base() + GICR_PROPBASER,
		     (uintptr_t)config | (ID_BITS - 1));
	mmio_write64(gicr_base() + GICR_PENDBASER, (uintptr_t)pending[n]);
	mmio_write32(gicr_base() + GICR_CTLR, 1);
}

void msi_set_enabled(unsigned n, bool on)
{
	((volatile uint8_t *)config)[n] = on ? LPI_ENABLED : LPI_ENABLED & ~1;
	write_back(config, MSI_EVENTS);
}

void msi_enable(void)
{
	ndevices = 0;
	if (!gic_is_v3())
		return;
	write_back(devices, sizeof(devices));
	write_back(collections, sizeof(collections));
	msi_enable_cpu(0);
	give_tables();
	mmio_write32(MAP_ITS_BASE + GITS_CTLR, 1);
	/* Collection 0 is redistributor 0. */
	its_command(ITS_MAPC, 0, ITS_VALID);
}

void msi_add_device(uint32_t devid)
{
	uint8_t *table = translations[ndevices++];

	if (ndevices > DEVICES)
		fail("more devices than the runtime has tables for");
	if (!gic_is_v3())
		return;
	write_back(table, 0x1000);
	/* Five bits of event, less one. */
	its_command(ITS_MAPD | (uint64_t)devid << 32, 4,
		    ITS_VALID | (uintptr_t)table);
}

static struct msi_message v2m_map(unsigned n)
{
	unsigned intid = SPI_V2M + 32 + n;
	uint64_t cfg = MAP_GICD_BASE + GICD_ICFGR + intid / 16 * 4;

	mmio_write32(cfg, mmio_read32(cfg) | 2u << intid % 16 * 2);
	gic_enable_intid(intid);
	return (struct msi_message){ MAP_V2M_BASE + V2M_SETSPI, intid, intid };
}

struct msi_message msi_map(uint32_t devid, unsigned event, unsigned n)
{
	unsigned lpi = MSI_FIRST_LPI + n;

	if (!gic_is_v3())
		return v2m_map(n);
	its_command(ITS_MAPTI | (uint64_t)devid << 32,
		    event | (uint64_t)lpi << 32, 0);
	its_command(ITS_INV | (uint64_t)devid << 32, event, 0);
	its_command(ITS_SYNC, 0, 0);
	return (struct msi_message){ MAP_ITS_BASE + GITS_TRANSLATER, event,
				     lpi };
}
