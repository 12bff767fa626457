/* SPDX-License-Identifier: MIT */
/*
 * The table of configuration keys, and what is derived from it: look-up,
 * defaults, the dump, and freeing a configuration.
 */
#include "config/keys.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/parts.h"
#include "config/suggest.h"
#include "config/values.h"
#include "core/log.h"

#define AT(member) offsetof(struct config, member)

static const char *const consoles[] = { [CONSOLE_AUTO] = "auto",
					[CONSOLE_SERIAL] = "serial",
					[CONSOLE_VIRTIO] = "virtio",
					[CONSOLE_NONE] = "none",
					NULL };

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

static const char *const policies[] = { [POLICY_RESTART] = "restart",
					[POLICY_STOP] = "stop",
					[POLICY_PAUSE] = "pause",
					[POLICY_IGNORE] = "ignore",
					NULL };

/* In the order of --help and --dump-config. Help texts fit 80 columns. */
const struct key keys[] = {
	{ .name = "kernel",
	  .letter = 'k',
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "kernel: Image, Image.gz, zboot, ELF or flat",
	  .type = &value_path,
	  .field = AT(kernel) },
	{ .name = "initrd",
	  .letter = 'i',
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "initial RAM disk; several are concatenated",
	  .type = &value_paths,
	  .field = AT(initrds) },
	{ .name = "params",
	  .letter = 'p',
	  .group = GROUP_BOOT,
	  .arg = "STRING",
	  .help = "kernel command line; several are joined",
	  .type = &value_params,
	  .field = AT(params) },
	{ .name = "module",
	  .group = GROUP_BOOT,
	  .arg = "KIND=FILE[,ARGS]",
	  .help = "a hypervisor's guest; KIND: kernel, ramdisk",
	  .type = &value_parts,
	  .parts = &parts_module },
	{ .name = "firmware",
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "UEFI or U-Boot to start; auto: the distribution's",
	  .type = &value_path,
	  .choices = firmwares,
	  .field = AT(firmware) },
	{ .name = "vars",
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "file that keeps the firmware's variables",
	  .type = &value_path,
	  .field = AT(vars) },
	{ .name = "fw-cfg",
	  .group = GROUP_BOOT,
	  .arg = "NAME=FILE",
	  .help = "a file for the guest to find in fw_cfg",
	  .type = &value_parts,
	  .parts = &parts_fw_cfg },
	{ .name = "smbios",
	  .group = GROUP_BOOT,
	  .arg = "KEY=TEXT[,...]",
	  .help = "what SMBIOS says: product, serial, uuid ...",
	  .type = &value_parts,
	  .parts = &parts_smbios },
	{ .name = "dtb",
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "device tree to use instead of nestor's own",
	  .type = &value_path,
	  .field = AT(dtb) },
	{ .name = "dtb-overlay",
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "overlay to apply to the tree; repeatable",
	  .type = &value_paths,
	  .field = AT(overlays) },
	{ .name = "dump-dtb",
	  .group = GROUP_BOOT,
	  .arg = "FILE",
	  .help = "write the tree ('-': to stdout) and exit",
	  .type = &value_path,
	  .choices = outputs,
	  .field = AT(dump_dtb) },

	{ .name = "name",
	  .group = GROUP_MACHINE,
	  .arg = "NAME",
	  .help = "what to call this VM",
	  .type = &value_text,
	  .field = AT(name) },
	{ .name = "cpus",
	  .letter = 'c',
	  .group = GROUP_MACHINE,
	  .arg = "N",
	  .def = "1",
	  .help = "number of virtual CPUs",
	  .type = &value_number,
	  .field = AT(cpus),
	  .min = 1,
	  .max = 512 },
	{ .name = "memory",
	  .letter = 'm',
	  .group = GROUP_MACHINE,
	  .arg = "SIZE",
	  .def = "512M",
	  .help = "guest RAM, as 512M or 1.5G",
	  .type = &value_size,
	  .field = AT(memory) },
	{ .name = "hugepages",
	  .group = GROUP_MACHINE,
	  .def = "off",
	  .help = "take guest RAM from the hugepage pool",
	  .type = &value_flag,
	  .field = AT(hugepages) },
	{ .name = "cpu",
	  .group = GROUP_MACHINE,
	  .arg = "host|FILE",
	  .def = "host",
	  .help = "what CPU the guest sees: a template",
	  .type = &value_path,
	  .choices = cpus,
	  .field = AT(cpu) },
	{ .name = "aarch32",
	  .group = GROUP_MACHINE,
	  .def = "off",
	  .help = "processors for a 32-bit ARM kernel",
	  .type = &value_flag,
	  .field = AT(aarch32) },
	{ .name = "pmu",
	  .group = GROUP_MACHINE,
	  .def = "on",
	  .help = "no performance counters (PMUv3)",
	  .type = &value_flag,
	  .field = AT(pmu) },
	{ .name = "sve",
	  .group = GROUP_MACHINE,
	  .def = "on",
	  .help = "no scalable vectors (SVE)",
	  .type = &value_flag,
	  .field = AT(sve) },
	{ .name = "pauth",
	  .group = GROUP_MACHINE,
	  .def = "on",
	  .help = "no pointer authentication",
	  .type = &value_flag,
	  .field = AT(pauth) },

	{ .name = "nested",
	  .group = GROUP_NESTED,
	  .arg = "KIND",
	  .bare = "auto",
	  .def = "off",
	  .help = "an EL2 for the guest: auto, vhe, nvhe or off",
	  .type = &value_choice,
	  .choices = nested_kinds,
	  .field = AT(nested) },
	{ .name = "nested-depth",
	  .group = GROUP_NESTED,
	  .arg = "N",
	  .def = "0",
	  .help = "1: the guest's guests have no EL2; 0: any depth",
	  .type = &value_number,
	  .field = AT(nested_depth),
	  .max = 1000 },

	{ .name = "transport",
	  .group = GROUP_DEVICES,
	  .arg = "KIND",
	  .def = "auto",
	  .help = "virtio over pci, mmio; auto: pci with MSIs",
	  .type = &value_choice,
	  .choices = transport_words,
	  .field = AT(transport) },
	{ .name = "disk",
	  .letter = 'd',
	  .group = GROUP_DEVICES,
	  .arg = "FILE[,...]",
	  .help = "virtio disk; repeatable",
	  .type = &value_parts,
	  .parts = &parts_disk },
	{ .name = "network",
	  .letter = 'n',
	  .group = GROUP_DEVICES,
	  .arg = "tap[=NAME]|fd=N[,...]|none",
	  .help = "virtio network card; repeatable",
	  .type = &value_parts,
	  .parts = &parts_network },
	{ .name = "console",
	  .group = GROUP_DEVICES,
	  .arg = "KIND",
	  .def = "auto",
	  .help = "auto, serial, virtio or none",
	  .type = &value_choice,
	  .choices = consoles,
	  .field = AT(console) },
	{ .name = "port",
	  .group = GROUP_DEVICES,
	  .arg = "NAME=BACKEND",
	  .help = "BACKEND: file:PATH, unix:PATH, pty, fd:N, null",
	  .type = &value_parts,
	  .parts = &parts_port },
	{ .name = "share",
	  .group = GROUP_DEVICES,
	  .arg = "TAG=DIR[,ro]",
	  .help = "a directory, by virtio-fs; repeatable",
	  .type = &value_parts,
	  .parts = &parts_share },
	{ .name = "vsock",
	  .group = GROUP_DEVICES,
	  .arg = "PATH[,cid=N]",
	  .help = "sockets between guest and host, at PATH",
	  .type = &value_parts,
	  .parts = &parts_vsock },
	{ .name = "rng",
	  .group = GROUP_DEVICES,
	  .def = "on",
	  .help = "no virtio entropy source",
	  .type = &value_flag,
	  .field = AT(rng) },
	{ .name = "balloon",
	  .group = GROUP_DEVICES,
	  .def = "off",
	  .help = "let the guest give memory back",
	  .type = &value_flag,
	  .field = AT(balloon) },
	{ .name = "exit-counter",
	  .group = GROUP_DEVICES,
	  .def = "off",
	  .help = "a register that counts exits to the host",
	  .type = &value_flag,
	  .field = AT(exit_counter) },
	{ .name = "watchdog",
	  .group = GROUP_DEVICES,
	  .def = "off",
	  .help = "a watchdog, for a guest that may hang",
	  .type = &value_flag,
	  .field = AT(watchdog) },
	{ .name = "pci-testdev",
	  .group = GROUP_DEVICES,
	  .def = "off",
	  .help = "QEMU's PCI test device",
	  .type = &value_flag,
	  .field = AT(pci_testdev) },

	{ .name = "on-reset",
	  .group = GROUP_LIFECYCLE,
	  .arg = "POLICY",
	  .def = "restart",
	  .help = "restart, stop or pause",
	  .type = &value_choice,
	  .choices = policies,
	  .field = AT(on_reset) },
	{ .name = "reboot",
	  .group = GROUP_LIFECYCLE,
	  .def = "on",
	  .help = "the same as --on-reset stop",
	  .type = &value_reboot,
	  .field = AT(on_reset) },
	{ .name = "reload-on-reset",
	  .group = GROUP_LIFECYCLE,
	  .def = "off",
	  .help = "open kernel, initrds and trees anew at a reset",
	  .type = &value_flag,
	  .field = AT(reload_on_reset) },
	{ .name = "on-panic",
	  .group = GROUP_LIFECYCLE,
	  .arg = "POLICY",
	  .def = "stop",
	  .help = "restart, stop, pause or ignore",
	  .type = &value_choice,
	  .choices = policies,
	  .field = AT(on_panic) },
	{ .name = "on-watchdog",
	  .group = GROUP_LIFECYCLE,
	  .arg = "POLICY",
	  .def = "restart",
	  .help = "restart, stop, pause or ignore",
	  .type = &value_choice,
	  .choices = policies,
	  .field = AT(on_watchdog) },
	{ .name = "detect-halt",
	  .group = GROUP_LIFECYCLE,
	  .def = "off",
	  .help = "a guest that can never run again has panicked",
	  .type = &value_flag,
	  .field = AT(detect_halt) },
	{ .name = "timeout",
	  .group = GROUP_LIFECYCLE,
	  .arg = "SECONDS",
	  .def = "0",
	  .help = "end nestor after so long; 0: never",
	  .type = &value_number,
	  .field = AT(timeout),
	  .max = 31536000 },
	{ .name = "log",
	  .group = GROUP_LIFECYCLE,
	  .arg = "FILE",
	  .help = "append console output here, with times",
	  .type = &value_path,
	  .field = AT(log) },
	{ .name = "stats",
	  .group = GROUP_LIFECYCLE,
	  .arg = "FILE",
	  .help = "exits and EL2 state, at the end and on SIGUSR1",
	  .type = &value_path,
	  .choices = outputs,
	  .field = AT(stats) },
	{ .name = "debug",
	  .letter = 'v',
	  .group = GROUP_LIFECYCLE,
	  .def = "off",
	  .help = "say what nestor does, on standard error",
	  .type = &value_flag,
	  .field = AT(debug) },

	{ .name = "detach",
	  .group = GROUP_LIFECYCLE,
	  .help = "return when the guest runs; print the name",
	  .role = KEY_RUNS,
	  .type = &value_flag,
	  .field = AT(detach) },
	{ .name = "paused",
	  .group = GROUP_LIFECYCLE,
	  .help = "build the VM, and wait for nestor resume",
	  .role = KEY_RUNS,
	  .type = &value_flag,
	  .field = AT(paused) },
	{ .name = "rm",
	  .group = GROUP_LIFECYCLE,
	  .help = "leave nothing behind, though detached",
	  .role = KEY_RUNS,
	  .type = &value_flag,
	  .field = AT(remove) },
	{ .name = "json",
	  .group = GROUP_LIFECYCLE,
	  .help = "with --detach: print JSON",
	  .role = KEY_RUNS,
	  .type = &value_flag,
	  .field = AT(json) },
	{ .name = "runtime-dir",
	  .group = GROUP_LIFECYCLE,
	  .arg = "DIR",
	  .help = "where the VM is registered",
	  .role = KEY_RUNS,
	  .type = &value_path,
	  .field = AT(runtime_dir) },

	{ .name = "env",
	  .group = GROUP_COMMAND,
	  .arg = "NAME[=VALUE]",
	  .help = "put into its environment; repeatable",
	  .type = &value_envs,
	  .field = AT(command.env) },
	{ .name = "workdir",
	  .group = GROUP_COMMAND,
	  .arg = "DIR",
	  .help = "where it starts [the current directory]",
	  .type = &value_path,
	  .field = AT(command.workdir) },
	{ .name = "root",
	  .group = GROUP_COMMAND,
	  .arg = "DIR|initramfs",
	  .help = "the root it sees; initramfs: only what it needs",
	  .type = &value_path,
	  .choices = roots,
	  .field = AT(command.root) },
	{ .name = "add",
	  .group = GROUP_COMMAND,
	  .arg = "FILE",
	  .help = "a file or tree for the initramfs; repeatable",
	  .type = &value_paths,
	  .field = AT(command.files) },

	{ .name = "config",
	  .group = GROUP_CONFIG,
	  .arg = "FILE",
	  .help = "read options from a file, as `key = value`",
	  .role = KEY_READS_FILE },
	{ .name = "dump-config",
	  .group = GROUP_CONFIG,
	  .help = "print such a file and exit",
	  .role = KEY_DUMPS },
	{ .name = "help",
	  .letter = 'h',
	  .group = GROUP_CONFIG,
	  .help = "print this and exit",
	  .role = KEY_HELPS },
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
			       k->type == &value_paths ||
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

int text_check(const char *text, struct err *why)
{
	const unsigned char *s;

	for (s = (const unsigned char *)text; *s; s++) {
		if ((*s < ' ' && *s != '\t') || *s == 0x7f)
			return err_set(why, -EINVAL,
				       "contains a control character, which "
				       "no configuration can hold; leave it "
				       "out");
	}
	return 0;
}

/* What no value may hold: it could not stand on a line of a file. */
static int check_value(const struct key *k, const char *value, struct err *why)
{
	size_t len = strlen(value);
	int rc = text_check(value, why);

	if (rc || k->type == &value_params)
		return rc;
	if (!len)
		return err_set(why, -EINVAL, "empty; give %s",
			       k->arg ? k->arg : "on or off");
	if (strchr(" \t", value[0]) || strchr(" \t", value[len - 1]))
		return err_set(why, -EINVAL, "starts or ends with a blank");
	return 0;
}

int key_set(const struct key *k, struct config *c, const char *value,
	    const char *dir, struct err *why)
{
	int rc = check_value(k, value, why);

	return rc ? rc : k->type->set(k, c, value, dir, why);
}

int config_init(struct config *c, struct err *e)
{
	const struct key *k;
	int rc;

	*c = (struct config){ 0 };
	for (k = keys; k < keys + nkeys; k++) {
		if (k->role != KEY_SETS || !k->def)
			continue;
		rc = key_set(k, c, k->def, NULL, e);
		if (rc) {
			config_free(c);
			return rc;
		}
	}
	return 0;
}

void config_free(struct config *c)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++) {
		if (k->type && k->type->free)
			k->type->free(k, c);
	}
	while (c->command.argv.n)
		free(c->command.argv.s[--c->command.argv.n]);
	free(c->command.argv.s);
	*c = (struct config){ 0 };
}

void config_dump(const struct config *c, FILE *f)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++) {
		if (k->role == KEY_SETS)
			k->type->dump(k, c, f);
	}
}
