/* SPDX-License-Identifier: MIT */
/* The tables of the options that have parts; config/parts.h says what is in a row. */
#include <assert.h>

#include "config/parts.h"
#include "config/values.h"
#include "core/config.h"
#include "devices/fw_cfg.h"
#include "virtio/fs.h"
#include "virtio/vsock.h"

#define SERIAL_MAX 20 /* VIRTIO_BLK_ID_BYTES */
#define FW_CFG_MAX 16 /* beside the files that the machine itself has */

#define ROW(NAME, PLACE, TYPE, ...)                                \
	{                                                          \
		.name = (NAME), .place = (PLACE), .type = &(TYPE), \
		.at = __VA_ARGS__                                  \
	}
#define AT(thing, member) offsetof(struct thing##_config, member)

/* Where a list is, and what a thing in it is. */
#define LIST(thing)                                                   \
	.shape = PARTS_LIST, .at = offsetof(struct config, thing##s), \
	.count = offsetof(struct config, n##thing##s),                \
	.size = sizeof(struct thing##_config)

const char *const transport_words[] = { [TRANSPORT_AUTO] = "auto",
					[TRANSPORT_PCI] = "pci",
					[TRANSPORT_MMIO] = "mmio",
					NULL };

#define PLACE(thing)                                                         \
	ROW("transport", PART_NAMED, value_word, AT(thing, place.transport), \
	    .arg = "KIND", .help = "pci or mmio, whatever --transport says", \
	    .min = TRANSPORT_AUTO + 1, .words = transport_words),            \
		ROW("slot", PART_NAMED, value_slot, AT(thing, place.slot),   \
		    .arg = "N", .help = "this one over mmio, from 0",        \
		    .max = VIRTIO_SLOTS - 1)

static const struct part disk_rows[] = {
	ROW("file", PART_FIRST, value_path, AT(disk, path)),
	ROW("ro", PART_NAMED, value_flag, AT(disk, readonly),
	    .help = "the guest cannot write to it"),
	ROW("serial", PART_NAMED, value_graph, AT(disk, serial), .arg = "TEXT",
	    .help = "by which the guest can tell it from others",
	    .max = SERIAL_MAX),
	PLACE(disk),
	{ 0 }
};

const struct parts parts_disk = { LIST(disk), .max = VIRTIO_SLOTS,
				  .rows = disk_rows };

static const struct part network_rows[] = {
	ROW("tap", PART_KIND, value_tap, AT(net, tap), .arg = "NAME",
	    .help = "that interface; else the kernel names one", .bare = true),
	ROW("fd", PART_KIND, value_fd, AT(net, fd), .arg = "N",
	    .help = "an open tap that is inherited"),
	ROW("mac", PART_NAMED, value_mac, AT(net, mac), .arg = "ADDRESS",
	    .help = "the card's; else the guest makes one up"),
	PLACE(net),
	{ 0 }
};

static const struct net_config no_net = { .fd = -1 };

const struct parts parts_network = { LIST(net), .max = VIRTIO_SLOTS,
				     .blank = &no_net, .none = "none",
				     .rows = network_rows };

static const struct part port_rows[] = {
	ROW("name", PART_LABEL, value_name, AT(port, name)),
	ROW("back end", PART_WHOLE, value_backend, AT(port, backend)),
	{ 0 }
};

const struct parts parts_port = { LIST(port), .noun = "port",
				  .max = VIRTIO_SLOTS, .rows = port_rows };

static const struct part share_rows[] = {
	ROW("tag", PART_LABEL, value_name, AT(share, tag),
	    .max = VIRTIO_FS_TAG_MAX),
	ROW("directory", PART_FIRST, value_path, AT(share, dir)),
	ROW("ro", PART_NAMED, value_flag, AT(share, readonly),
	    .help = "the guest cannot change anything in it"),
	PLACE(share),
	{ 0 }
};

const struct parts parts_share = { LIST(share), .noun = "share",
				   .max = VIRTIO_SLOTS, .rows = share_rows };

static const struct part vsock_rows[] = {
	ROW("path", PART_FIRST, value_path, AT(vsock, path)),
	ROW("cid", PART_NAMED, value_number, AT(vsock, cid), .arg = "N",
	    .help = "the guest's address [3]", .min = VSOCK_CID_MIN,
	    .max = VSOCK_CID_MAX),
	PLACE(vsock),
	{ 0 }
};

static const struct vsock_config no_vsock = { .cid = VSOCK_CID_MIN };

const struct parts parts_vsock = { .shape = PARTS_ONE,
				   .at = offsetof(struct config, vsock),
				   .size = sizeof(struct vsock_config),
				   .blank = &no_vsock,
				   .rows = vsock_rows };

static const struct part module_rows[] = {
	ROW("file", PART_FIRST, value_path, AT(module, path)),
	ROW("arguments", PART_SECOND, value_any, AT(module, args)),
	{ 0 }
};

static const char *const modules[] = {
	[MODULE_KERNEL] = "kernel", [MODULE_RAMDISK] = "ramdisk", NULL
};
static_assert(sizeof(modules) / sizeof(*modules) == MODULE_TREE + 1,
	      "each kind that the first guest has, has a name");

const struct parts parts_module = { .shape = PARTS_SLOTS,
				    .at = offsetof(struct config, modules),
				    .size = sizeof(struct module_config),
				    .slots = modules,
				    .rows = module_rows };

static const struct part domain_rows[] = {
	ROW("name", PART_LABEL, value_name, AT(domain, name),
	    .max = DOMAIN_NAME_MAX),
	ROW("kernel", PART_FIRST, value_path, AT(domain, file[MODULE_KERNEL])),
	ROW("ramdisk", PART_NAMED, value_path, AT(domain, file[MODULE_RAMDISK]),
	    .arg = "FILE", .help = "its RAM disk"),
	ROW("dtb", PART_NAMED, value_path, AT(domain, file[MODULE_TREE]),
	    .arg = "FILE", .help = "a partial tree: devices passed through"),
	ROW("params", PART_NAMED, value_any, AT(domain, params),
	    .arg = "STRING", .help = "its kernel's command line"),
	ROW("memory", PART_NAMED, value_size, AT(domain, memory), .arg = "SIZE",
	    .help = "its RAM [128M]", .min = 1, .max = UINT32_MAX),
	ROW("cpus", PART_NAMED, value_number, AT(domain, cpus), .arg = "N",
	    .help = "its virtual CPUs [1]", .min = 1, .max = 128),
	{ 0 }
};

static const struct domain_config no_domain = { .memory = 128ull << 20,
						.cpus = 1 };

const struct parts parts_domain = { LIST(domain), .noun = "domain",
				    .max = DOMAINS_MAX, .blank = &no_domain,
				    .rows = domain_rows };

static const struct part fw_cfg_rows[] = {
	ROW("name", PART_LABEL, value_opt_name, AT(fw_cfg, name),
	    .max = FW_CFG_NAME_SIZE - 1),
	ROW("file", PART_WHOLE, value_path, AT(fw_cfg, path)),
	{ 0 }
};

const struct parts parts_fw_cfg = { LIST(fw_cfg), .noun = "file",
				    .max = FW_CFG_MAX, .rows = fw_cfg_rows };

#define SMBIOS(name, index)                                         \
	ROW(name, PART_NAMED, value_print, AT(smbios, text[index]), \
	    .arg = "TEXT", .max = SMBIOS_TEXT_MAX)

static const struct part smbios_rows[] = {
	SMBIOS("manufacturer", SMBIOS_MANUFACTURER),
	SMBIOS("product", SMBIOS_PRODUCT),
	SMBIOS("version", SMBIOS_VERSION),
	SMBIOS("serial", SMBIOS_SERIAL),
	SMBIOS("sku", SMBIOS_SKU),
	SMBIOS("family", SMBIOS_FAMILY),
	ROW("uuid", PART_NAMED, value_uuid, AT(smbios, uuid), .arg = "UUID"),
	{ 0 }
};
static_assert(sizeof(smbios_rows) / sizeof(*smbios_rows) == SMBIOS_TEXTS + 2,
	      "each text has a row");

const struct parts parts_smbios = { .shape = PARTS_ADD,
				    .at = offsetof(struct config, smbios),
				    .size = sizeof(struct smbios_config),
				    .rows = smbios_rows };
