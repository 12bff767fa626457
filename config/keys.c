/* SPDX-License-Identifier: MIT */
/* The table of configuration keys, look-up in it, and each as an option. */
#include "config/keys.h"

#include <assert.h>
#include <string.h>

#include "config/parts.h"
#include "config/suggest.h"
#include "config/values.h"
#include "host/rundir.h"

static const char *const consoles[] = { [CONSOLE_AUTO] = "auto",
					[CONSOLE_SERIAL] = "serial",
					[CONSOLE_VIRTIO] = "virtio",
					[CONSOLE_NONE] = "none",
					NULL };

static const char *const formats[] = {
	[KERNEL_AUTO] = "auto", [KERNEL_FLAT] = "flat", NULL
};

static const char *const mmio_orders[] = {
	[MMIO_UP] = "up", [MMIO_DOWN] = "down", NULL
};

static const char *const ecams[] = {
	[ECAM_LOW] = "low", [ECAM_HIGH] = "high", NULL
};

static const char *const clocks[] = {
	[CLOCK_GUEST] = "guest", [CLOCK_HOST] = "host", NULL
};

static const char *const cpus[] = { "host", NULL };

static const char *const firmwares[] = { "auto", NULL };

/* Standard output. */
static const char *const outputs[] = { "-", NULL };

static const char *const roots[] = { COMMAND_INITRAMFS, NULL };

static const char *const nested_kinds[] = { [NESTED_OFF] = "off",
					    [NESTED_AUTO] = "auto",
					    [NESTED_VHE] = "vhe",
					    [NESTED_NVHE] = "nvhe",
					    NULL };

static const char *const acpi_words[] = {
	[ACPI_AUTO] = "auto", [ACPI_ON] = "on", [ACPI_OFF] = "off", NULL
};

static const char *const policies[] = { [POLICY_RESTART] = "restart",
					[POLICY_STOP] = "stop",
					[POLICY_PAUSE] = "pause",
					[POLICY_IGNORE] = "ignore",
					NULL };

/* --no-reboot is an older word for --on-reset stop. */
static const char *const reboots[] = {
	[POLICY_RESTART] = "on", [POLICY_STOP] = "off", NULL
};

#define ROW(NAME, GROUP, HELP, ...)                                     \
	{                                                               \
		.name = (NAME), .group = GROUP_##GROUP, .help = (HELP), \
		__VA_ARGS__                                             \
	}
#define KEY(NAME, GROUP, TYPE, MEMBER, ARG, HELP, ...)              \
	ROW(NAME, GROUP, HELP, .type = &value_##TYPE,               \
	    .field = offsetof(struct config, MEMBER), .arg = (ARG), \
	    __VA_ARGS__)
#define FLAG(NAME, GROUP, MEMBER, DEF, HELP, ...) \
	KEY(NAME, GROUP, flag, MEMBER, NULL, HELP, .def = (DEF), __VA_ARGS__)
#define PARTS(NAME, GROUP, TABLE, ARG, HELP, ...)                     \
	ROW(NAME, GROUP, HELP, .arg = (ARG), .parts = &parts_##TABLE, \
	    __VA_ARGS__)
#define DO(NAME, ROLE, ARG, HELP, ...) \
	ROW(NAME, CONFIG, HELP, .role = KEY_##ROLE, .arg = (ARG), __VA_ARGS__)

/* In the order of --help and --dump-config. Help texts fit 80 columns. */
const struct key keys[] = {
	KEY("kernel", BOOT, path, kernel, "FILE",
	    "kernel: Image, Image.gz, zboot, ELF or flat", .letter = 'k'),
	KEY("kernel-format", BOOT, word, kernel_format, "KIND",
	    "auto, or flat: taken as it is", .def = "auto", .choices = formats),
	KEY("initrd", BOOT, path, initrds, "FILE",
	    "initial RAM disk; several are concatenated", .letter = 'i',
	    .list = true),
	KEY("params", BOOT, params, params, "STRING",
	    "kernel command line; several are joined", .letter = 'p'),
	PARTS("module", BOOT, module, "KIND=FILE[,ARGS]",
	      "a hypervisor's guest; KIND: kernel, ramdisk"),
	PARTS("domain", BOOT, domain, "NAME=KERNEL[,...]",
	      "a guest that Xen starts beside that one"),
	KEY("firmware", BOOT, path, firmware, "FILE",
	    "UEFI or U-Boot to start; auto: the distribution's",
	    .choices = firmwares),
	KEY("vars", BOOT, path, vars, "FILE",
	    "file that keeps the firmware's variables"),
	KEY("acpi", BOOT, word, acpi, "KIND",
	    "ACPI tables for firmware: auto, on or off", .def = "auto",
	    .choices = acpi_words),
	PARTS("fw-cfg", BOOT, fw_cfg, "NAME=FILE",
	      "a file for the guest to find in fw_cfg"),
	PARTS("smbios", BOOT, smbios, "KEY=TEXT[,...]",
	      "what SMBIOS says: product, serial, uuid ..."),
	KEY("dtb", BOOT, path, dtb, "FILE",
	    "device tree to use instead of nestor's own"),
	KEY("dtb-overlay", BOOT, path, overlays, "FILE",
	    "overlay to apply to the tree; repeatable", .list = true),
	KEY("dump-dtb", BOOT, path, dump_dtb, "FILE",
	    "write the tree ('-': to stdout) and exit", .choices = outputs),

	KEY("name", MACHINE, vm_name, name, "NAME", "what to call this VM",
	    .max = VM_NAME_MAX),
	KEY("cpus", MACHINE, number, cpus, "N", "number of virtual CPUs",
	    .letter = 'c', .def = "1", .min = 1, .max = 512),
	KEY("memory", MACHINE, size, memory, "SIZE",
	    "guest RAM, as 512M or 1.5G", .letter = 'm', .def = "512M"),
	FLAG("hugepages", MACHINE, hugepages, "off",
	     "take guest RAM from the hugepage pool"),
	KEY("clock", MACHINE, word, clock, "KIND",
	    "counters in a pause: guest (stop) or host", .def = "guest",
	    .choices = clocks),
	KEY("cpu", MACHINE, path, cpu, "host|FILE",
	    "what CPU the guest sees: a template", .def = "host",
	    .choices = cpus),
	FLAG("aarch32", MACHINE, aarch32, "off",
	     "processors for a 32-bit ARM kernel"),
	FLAG("mte", MACHINE, mte, "off", "tags for the guest's memory (MTE)"),
	FLAG("pmu", MACHINE, pmu, "on", "no performance counters (PMUv3)"),
	FLAG("sve", MACHINE, sve, "on", "no scalable vectors (SVE)"),
	FLAG("pauth", MACHINE, pauth, "on", "no pointer authentication"),
	FLAG("its", MACHINE, its, "on",
	     "no GICv3 ITS: devices do without messages"),

	KEY("nested", NESTED, word, nested, "KIND",
	    "an EL2 for the guest: auto, vhe, nvhe or off", .bare = "auto",
	    .def = "off", .choices = nested_kinds),
	KEY("nested-depth", NESTED, number, nested_depth, "N",
	    "1: the guest's guests have no EL2; 0: any depth", .def = "0",
	    .max = 1000),

	KEY("transport", DEVICES, word, transport, "KIND",
	    "virtio over pci, mmio; auto: pci with MSIs", .def = "auto",
	    .choices = transport_words),
	KEY("ecam", DEVICES, word, ecam, "PLACE",
	    "PCI's registers: low (16 buses) or high (256)", .def = "low",
	    .choices = ecams),
	KEY("mmio-order", DEVICES, word, mmio_order, "ORDER",
	    "slots over mmio: up from 0, or down from 31", .def = "up",
	    .choices = mmio_orders),
	FLAG("virtio-legacy", DEVICES, virtio_legacy, "off",
	     "virtio over mmio as of before virtio 1.0"),
	PARTS("disk", DEVICES, disk, "FILE[,...]", "virtio disk; repeatable",
	      .letter = 'd'),
	PARTS("network", DEVICES, network, "tap[=NAME]|fd=N[,...]|none",
	      "virtio network card; repeatable", .letter = 'n'),
	KEY("console", DEVICES, word, console, "KIND",
	    "auto, serial, virtio or none", .def = "auto", .choices = consoles),
	PARTS("port", DEVICES, port, "NAME=BACKEND",
	      "BACKEND: file:PATH, unix:PATH, pty, fd:N, null"),
	PARTS("share", DEVICES, share, "TAG=DIR[,...]",
	      "a directory, by virtio-fs; repeatable"),
	PARTS("vsock", DEVICES, vsock, "PATH[,...]",
	      "sockets between guest and host, at PATH"),
	FLAG("rng", DEVICES, rng, "on", "no virtio entropy source"),
	FLAG("balloon", DEVICES, balloon, "off",
	     "let the guest give memory back"),
	FLAG("exit-counter", DEVICES, exit_counter, "off",
	     "a register that counts exits to the host"),
	FLAG("watchdog", DEVICES, watchdog, "off",
	     "a watchdog, for a guest that may hang"),
	FLAG("pci-testdev", DEVICES, pci_testdev, "off",
	     "QEMU's PCI test device"),

	KEY("on-reset", LIFECYCLE, word, on_reset, "POLICY",
	    "restart, stop or pause", .def = "restart", .choices = policies),
	KEY("reboot", LIFECYCLE, alias, on_reset, NULL,
	    "the same as --on-reset stop", .def = "on", .choices = reboots),
	FLAG("reload-on-reset", LIFECYCLE, reload_on_reset, "off",
	     "open kernel, initrds and trees anew at a reset"),
	KEY("on-panic", LIFECYCLE, word, on_panic, "POLICY",
	    "restart, stop, pause or ignore", .def = "stop",
	    .choices = policies),
	KEY("on-watchdog", LIFECYCLE, word, on_watchdog, "POLICY",
	    "restart, stop, pause or ignore", .def = "restart",
	    .choices = policies),
	FLAG("detect-halt", LIFECYCLE, detect_halt, "off",
	     "a guest that can never run again has panicked"),
	KEY("timeout", LIFECYCLE, number, timeout, "SECONDS",
	    "end nestor after so long; 0: never", .def = "0", .max = 31536000),
	KEY("log", LIFECYCLE, path, log, "FILE",
	    "append console output here, with times"),
	KEY("stats", LIFECYCLE, path, stats, "FILE",
	    "exits and EL2 state, at the end and on SIGUSR1",
	    .choices = outputs),
	FLAG("debug", LIFECYCLE, debug, "off",
	     "say what nestor does, on standard error", .letter = 'v'),

	FLAG("detach", LIFECYCLE, detach, NULL,
	     "return when the guest runs; print the name", .role = KEY_RUNS),
	FLAG("paused", LIFECYCLE, paused, NULL,
	     "build the VM, and wait for nestor resume", .role = KEY_RUNS),
	FLAG("rm", LIFECYCLE, remove, NULL,
	     "leave nothing behind, though detached", .role = KEY_RUNS),
	FLAG("json", LIFECYCLE, json, NULL, "with --detach: print JSON",
	     .role = KEY_RUNS),
	KEY("runtime-dir", LIFECYCLE, path, runtime_dir, "DIR",
	    "where the VM is registered", .role = KEY_RUNS),

	KEY("env", COMMAND, env, command.env, "NAME[=VALUE]",
	    "put into its environment; repeatable", .list = true),
	KEY("workdir", COMMAND, path, command.workdir, "DIR",
	    "where it starts [the current directory]"),
	KEY("root", COMMAND, path, command.root, "DIR|initramfs",
	    "the root it sees; initramfs: only what it needs",
	    .choices = roots),
	KEY("add", COMMAND, path, command.files, "FILE",
	    "a file or tree for the initramfs; repeatable", .list = true),

	DO("config", READS_FILE, "FILE",
	   "read options from a file, as `key = value`"),
	DO("dump-config", DUMPS, NULL, "print such a file and exit"),
	DO("help", HELPS, NULL, "print this and exit", .letter = 'h'),
};

const unsigned nkeys = sizeof(keys) / sizeof(*keys);
static_assert(sizeof(keys) / sizeof(*keys) < KEYS_MAX, "an empty row follows");

const struct key *key_find(const char *name, size_t len)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++) {
		if (strlen(k->name) == len && !memcmp(k->name, name, len))
			return k;
	}
	return NULL;
}

const char *key_suggest(const char *name)
{
	struct suggestion near = { .word = name };
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++)
		suggest(&near, k->name);
	return near.name;
}

static enum opt_kind kind_of(const struct key *k)
{
	if (k->arg && !strcmp(k->arg, "DIR"))
		return OPT_DIR;
	return k->role == KEY_READS_FILE || k->type == &value_path ||
			       k->parts == &parts_disk
		       ? OPT_FILE
		       : OPT_PLAIN;
}

static enum opt_no no_of(const struct key *k)
{
	if (k->arg || k->role > KEY_RUNS)
		return OPT_NO_NONE;
	return k->def && !strcmp(k->def, "on") ? OPT_NO_SHOWN : OPT_NO_TOO;
}

struct opt key_opt(const struct key *k)
{
	return (struct opt){ .id = 1 + (k - keys),
			     .name = k->name,
			     .letter = k->letter,
			     .arg = k->arg,
			     .help = k->help,
			     .kind = kind_of(k),
			     .no = no_of(k),
			     .bare = k->bare,
			     .words = k->choices };
}
