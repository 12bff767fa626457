/* SPDX-License-Identifier: MIT */
/*
 * What the user asked for: the configuration of one VM, as plain data.
 *
 * config/ fills it from options and files, through one table of keys; the board
 * reads it. Strings and lists belong to the config: config_free()
 * (config/keys.h) frees them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Windows of virtio over MMIO, and so as many devices of a kind as make sense. */
#define VIRTIO_SLOTS 32u

/* A list of strings, in the order in which they were given. */
struct strlist {
	unsigned n;
	char **s;
};

/* Where PCI's configuration space is: machine/map.h. */
enum ecam_kind { ECAM_LOW, ECAM_HIGH };

/* Whose time a guest's counters have in a pause: none, or the host's. */
enum clock_kind { CLOCK_GUEST, CLOCK_HOST };

/* How a guest reaches a virtio device. */
enum transport_kind {
	TRANSPORT_AUTO, /* as the machine's, whose is PCI if the GIC takes MSIs */
	TRANSPORT_PCI,
	TRANSPORT_MMIO,
};

/* In which order they get their slots over MMIO. */
enum mmio_order {
	MMIO_UP,
	MMIO_DOWN, /* as on QEMU */
};

/* Where one stands. */
struct virtio_place {
	enum transport_kind transport;
	uint32_t slot; /* over MMIO, and one more; 0: the next in order */
};

struct disk_config {
	char *path;
	struct virtio_place place;
	bool readonly;
	char *serial; /* at most 20 characters, or NULL */
};

struct net_config {
	struct virtio_place place;
	char *tap;	/* name of a tap interface; NULL: the kernel names it */
	int fd;		/* an open tap passed by the parent, or -1 */
	uint8_t mac[6]; /* zero: any */
};

/* An additional virtio-console port; see host/chardev.h for the back end. */
struct port_config {
	char *name;
	char *backend;
};

/* A guest's sockets, as UNIX sockets; see host/vsock_unix.h. */
struct vsock_config {
	char *path; /* NULL: there is no such device */
	struct virtio_place place;
	uint32_t cid;
};

/*
 * What a hypervisor finds in memory beside itself: the kernel and the RAM disk
 * of its first guest, and with a device tree also those of others (Xen's
 * docs/misc/arm/device-tree/booting.txt).
 */
enum module_kind { MODULE_KERNEL, MODULE_RAMDISK, MODULE_TREE, MODULE_KINDS };

struct module_config {
	char *path; /* NULL: there is none */
	char *args; /* its command line, or NULL */
};

/* A guest that the hypervisor starts beside its first, without its help. */
#define DOMAINS_MAX	4
#define DOMAIN_NAME_MAX 31 /* it is a node of the tree */

struct domain_config {
	char *name;
	char *file[MODULE_KINDS]; /* NULL: there is none, but a kernel */
	char *params;		  /* its command line, or NULL */
	uint64_t memory;	  /* bytes */
	uint32_t cpus;
};

/* All modules: each kind of the first guest, then each of every other. */
#define MODULES_MAX (MODULE_KINDS * (1 + DOMAINS_MAX))

enum console_kind {
	CONSOLE_AUTO,	/* PL011 and hvc0 both on the terminal */
	CONSOLE_SERIAL, /* PL011 only */
	CONSOLE_VIRTIO, /* hvc0 only */
	CONSOLE_NONE,
};

/* Does the guest get an EL2, and which? */
enum nested_kind {
	NESTED_OFF,
	NESTED_AUTO, /* NVHE if the guest is told to be that, else VHE */
	NESTED_VHE,  /* HCR_EL2.E2H fixed to 1 */
	NESTED_NVHE, /* HCR_EL2.E2H fixed to 0 */
};

/* What a kernel's file is. */
enum kernel_format {
	KERNEL_AUTO, /* what its first bytes tell */
	KERNEL_FLAT, /* a program, as it lies in memory */
};

/* What nestor does when something happens to the guest. */
enum policy {
	POLICY_RESTART, /* a reboot in place */
	POLICY_STOP,	/* the VM ends */
	POLICY_PAUSE,	/* it waits for nestor resume, or stop */
	POLICY_IGNORE,	/* it is told to those who watch, and nothing else */
};

/* Do ACPI tables describe the machine beside its tree? */
enum acpi_kind {
	ACPI_AUTO, /* to a 64-bit firmware, unless the tree is the user's */
	ACPI_ON,
	ACPI_OFF,
};

/* A file for the guest's firmware, under a name of fw_cfg's. */
struct fw_cfg_config {
	char *name;
	char *path;
};

/* What the SMBIOS tables say of the system, where that is a text. */
enum smbios_text {
	SMBIOS_MANUFACTURER,
	SMBIOS_PRODUCT,
	SMBIOS_VERSION,
	SMBIOS_SERIAL,
	SMBIOS_SKU,
	SMBIOS_FAMILY,
	SMBIOS_TEXTS
};

/* Characters of a text: SMBIOS has no bound, but those who read it do. */
#define SMBIOS_TEXT_MAX 64u

struct smbios_config {
	char *text[SMBIOS_TEXTS]; /* NULL: not given */
	uint8_t uuid[16];	  /* in the order of its text; zero: none */
};

/* A directory of the host's, which the guest mounts by its tag. */
struct share_config {
	char *tag;
	char *dir;
	struct virtio_place place;
	bool readonly;
};

#define COMMAND_INITRAMFS "initramfs"

/* A program to run in the guest, which is all that the guest is for. */
struct command_config {
	struct strlist argv; /* none: the guest is a machine like any other */
	struct strlist env;  /* NAME=VALUE, or NAME: as nestor's own */
	char *workdir;
	char *root; /* a directory, or "initramfs" */
	struct strlist files;
};

struct config {
	char *name;
	char *kernel;
	enum kernel_format kernel_format;
	struct strlist initrds; /* concatenated in this order */
	char *params;		/* the kernel's command line */
	struct module_config modules[MODULE_KINDS];
	struct domain_config *domains;
	unsigned ndomains;
	char *firmware; /* a file, "auto", or NULL: none */
	char *vars;	/* the file of its variables; NULL: they are not kept */
	enum acpi_kind acpi;
	struct fw_cfg_config *fw_cfgs;
	unsigned nfw_cfgs;
	struct smbios_config smbios;
	char *dtb; /* instead of the generated tree */
	struct strlist overlays;
	char *dump_dtb; /* write the tree here, and do not run */
	unsigned cpus;
	uint64_t memory; /* bytes */
	bool hugepages;	 /* RAM from hugetlbfs */
	enum clock_kind clock;
	enum transport_kind transport;
	enum ecam_kind ecam;
	enum mmio_order mmio_order;
	bool virtio_legacy; /* over MMIO, as before virtio 1.0 */
	enum console_kind console;
	struct port_config *ports;
	unsigned nports;
	struct disk_config *disks;
	unsigned ndisks;
	struct net_config *nets;
	unsigned nnets;
	struct vsock_config vsock;
	struct share_config *shares;
	unsigned nshares;
	bool rng;
	bool balloon;
	bool exit_counter;
	bool watchdog;
	bool pci_testdev;
	char *cpu;    /* "host", or the file of a CPU template */
	bool aarch32; /* the vCPUs' EL1 is a 32-bit one */
	bool mte;     /* memory has tags */
	bool pmu;     /* offer what the host has; off for a plainer CPU */
	bool sve;
	bool pauth;
	bool its; /* a GICv3 takes messages, by KVM's ITS */
	enum nested_kind nested;
	unsigned nested_depth; /* 1: no EL2 for guests of the guest; 0: any */
	enum policy on_reset, on_panic, on_watchdog;
	bool reload_on_reset; /* boot what has the names then */
	bool detect_halt;     /* a guest that halts for good has panicked */
	unsigned timeout;     /* seconds of host time; 0: none */
	char *stats;	      /* where statistics go; NULL: nowhere */
	struct command_config command;
	char *log; /* where console output goes, too; NULL: nowhere */
	bool debug;

	/* How it is run; these are no keys of a file. */
	char *runtime_dir; /* NULL: the usual one */
	bool detach;	   /* return when the guest runs */
	bool paused;	   /* ready, until nestor resume */
	bool remove;	   /* leave nothing behind, though detached */
	bool json;	   /* what is printed then */
};
