/* SPDX-License-Identifier: MIT */
/*
 * What the board tells firmware by fw_cfg: the order of devices to boot from,
 * SMBIOS and ACPI tables, the kernel to start, and what the user gave.
 */
#include "machine/board_impl.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/acpi.h"
#include "machine/infile.h"
#include "machine/smbios.h"
#include "machine/tree.h"
#include "core/log.h"
#include "devices/fw_cfg.h"

/* Initrds are joined; each begins at a multiple of this. */
#define PAD 4

/*
 * Paths of Open Firmware's, as EDK2's QemuBootOrderLib reads them: the bus and
 * the place on it, then what a device of that kind has below.
 */
int board_boot_from(struct board *b, uint32_t id, bool pci, unsigned slot)
{
	const bool disk = id == VIRTIO_ID_BLOCK;
	const char *before = b->bootorder ? b->bootorder : "";
	const char *newline = b->bootorder ? "\n" : "";
	char *all;
	gpa_t at = pci ? b->m.ecam.base
		       : arch_map.virtio.base + slot * arch_map.virtio.size;
	int n;

	if (!disk && id != VIRTIO_ID_NET)
		return 0;
	if (pci)
		n = asprintf(&all, "%s%s/pci@%llx/%s@%x/%s", before, newline,
			     (unsigned long long)at, disk ? "scsi" : "ethernet",
			     slot, disk ? "disk@0,0" : "ethernet-phy@0");
	else
		n = asprintf(&all, "%s%s/virtio-mmio@%016llx/%s", before,
			     newline, (unsigned long long)at,
			     disk ? "disk@0,0" : "ethernet-phy@0");
	if (n < 0)
		return log_failure("the order of boot devices", -ENOMEM);
	free(b->bootorder);
	b->bootorder = all;
	return 0;
}

static int no_room(struct err *e)
{
	return err_set(e, -ENOSPC, "no memory for fw_cfg");
}

static int add_data(struct fw_cfg *f, const char *name, const void *data,
		    size_t len, struct err *e)
{
	struct fw_cfg_item *it = fw_cfg_file(f, name);

	return it && fw_cfg_append(it, data, len) == 0 ? 0 : no_room(e);
}

/*
 * The file that @in has open, whose descriptor the item takes: with a firmware
 * nobody else reads kernel and initrds.
 */
static int append_file(struct fw_cfg_item *it, struct infile *in, struct err *e)
{
	int r = it ? fw_cfg_append_fd(it, in->fd, in->size) : -ENOMEM;

	if (r == 0)
		in->fd = -1;
	else if (r == -EFBIG)
		infile_err(in, e, r,
			   "is too long for fw_cfg, which takes less than 4 "
			   "GiB");
	else
		no_room(e);
	infile_close(in);
	return r;
}

static int add_size(struct fw_cfg *f, uint16_t key,
		    const struct fw_cfg_item *of, struct err *e)
{
	const uint32_t size = htole32(fw_cfg_size(of));
	struct fw_cfg_item *it = fw_cfg_item(f, key);

	return it && fw_cfg_append(it, &size, sizeof(size)) == 0 ? 0
								 : no_room(e);
}

/* Firmware starts what is an EFI program: an Image with its stub, or a zboot. */
static int add_kernel(struct fw_cfg *f, struct infile *in, struct err *e)
{
	struct fw_cfg_item *it = fw_cfg_item(f, FW_CFG_KERNEL_DATA);
	char mz[2] = "";
	int r = infile_read(in, 0, mz, in->size < 2 ? in->size : 2, e);

	if (!r && memcmp(mz, "MZ", 2) != 0)
		r = infile_err(
			in, e, -ENOEXEC,
			"is no EFI program, which a firmware wants; give "
			"an Image with CONFIG_EFI_STUB, or leave "
			"--firmware out");
	if (!r)
		r = append_file(it, in, e);
	return r ? r : add_size(f, FW_CFG_KERNEL_SIZE, it, e);
}

static int add_initrds(struct fw_cfg *f, struct boot_files *from, struct err *e)
{
	static const char zero[PAD];
	struct fw_cfg_item *it = fw_cfg_item(f, FW_CFG_INITRD_DATA);
	uint64_t size = 0;
	unsigned i;
	int r = 0;

	for (i = 0; i < from->ninitrds && !r; i++) {
		/* Each begins on 4 bytes, and the last ends where it ends. */
		if (fw_cfg_append(it, zero, -size % PAD) < 0)
			return no_room(e);
		size = from->initrd[i].size;
		r = append_file(it, &from->initrd[i], e);
	}
	return r ? r : add_size(f, FW_CFG_INITRD_SIZE, it, e);
}

static int add_params(struct fw_cfg *f, const char *params, struct err *e)
{
	struct fw_cfg_item *it = fw_cfg_item(f, FW_CFG_CMDLINE_DATA);

	if (!it || fw_cfg_append(it, params, strlen(params) + 1) < 0)
		return no_room(e);
	return add_size(f, FW_CFG_CMDLINE_SIZE, it, e);
}

static int add_boot(struct fw_cfg *f, struct board *b, struct err *e)
{
	int r = add_kernel(f, &b->files.kernel, e);

	if (!r && b->files.ninitrds)
		r = add_initrds(f, &b->files, e);
	if (!r && b->cfg->params)
		r = add_params(f, b->cfg->params, e);
	return r;
}

static int add_smbios(struct fw_cfg *f, const struct board *b, struct err *e)
{
	struct smbios s;
	int r;

	smbios_build(&b->m, &b->cfg->smbios, &s);
	r = add_data(f, "etc/smbios/smbios-tables", s.tables, s.size, e);
	return r ? r
		 : add_data(f, "etc/smbios/smbios-anchor", s.anchor,
			    sizeof(s.anchor), e);
}

/* Would the firmware show what the user says of the machine? */
static bool wants_acpi(const struct config *c)
{
	if (c->acpi != ACPI_AUTO)
		return c->acpi == ACPI_ON;
	return c->firmware && !c->aarch32 && !c->dtb && !c->overlays.n;
}

static int add_acpi(struct fw_cfg *f, const struct machine *m, struct err *e)
{
	struct acpi a;
	int r = acpi_build(m, &a);

	if (r < 0)
		return no_room(e);
	r = add_data(f, ACPI_FILE_TABLES, a.tables.data, a.tables.size, e);
	if (!r)
		r = add_data(f, ACPI_FILE_RSDP, a.rsdp.data, a.rsdp.size, e);
	if (!r)
		r = add_data(f, ACPI_FILE_LOADER, a.loader.data, a.loader.size,
			     e);
	acpi_free(&a);
	return r;
}

static int add_files(struct fw_cfg *f, const struct config *c, struct err *e)
{
	struct infile in;
	unsigned i;
	int r = 0;

	for (i = 0; i < c->nfw_cfgs && !r; i++) {
		r = infile_open(&in, "--fw-cfg", c->fw_cfgs[i].path, e);
		if (!r)
			r = append_file(fw_cfg_file(f, c->fw_cfgs[i].name), &in,
					e);
	}
	return r;
}

int board_fill_fw_cfg(struct board *b, struct err *e)
{
	const struct config *c = b->cfg;
	int r = add_smbios(b->fw_cfg, b, e);

	if (!r && b->bootorder)
		r = add_data(b->fw_cfg, "bootorder", b->bootorder,
			     strlen(b->bootorder) + 1, e);
	if (!r && wants_acpi(c))
		r = add_acpi(b->fw_cfg, &b->m, e);
	if (!r && c->firmware && c->kernel)
		r = add_boot(b->fw_cfg, b, e);
	return r ? r : add_files(b->fw_cfg, c, e);
}

int board_add_fw_cfg(struct board *b, struct err *e)
{
	b->fw_cfg = fw_cfg_new(&b->vm.mem);
	return b->fw_cfg ? board_add(b, fw_cfg_device(b->fw_cfg), "fw_cfg",
				     &arch_map.fw_cfg)
			 : no_room(e);
}

void board_fw_cfg_node(struct tree *t, const struct machine *m)
{
	(void)m;
	tree_node_at(t, "fw-cfg", arch_map.fw_cfg.base);
	tree_empty(t, "dma-coherent");
	tree_reg(t, &arch_map.fw_cfg);
	tree_string(t, "compatible", "qemu,fw-cfg-mmio");
	tree_end(t);
}

void board_fw_cfg_acpi(struct aml *a, const struct machine *m)
{
	(void)m;
	acpi_device(a, "FWCF", "QEMU0002", 0);
	aml_name_int(a, "_CCA", 1);
	acpi_resources(a, &arch_map.fw_cfg, false);
	aml_end(a);
}
