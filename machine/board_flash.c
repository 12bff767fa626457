/* SPDX-License-Identifier: MIT */
/*
 * The two banks of flash: the firmware, which a guest cannot change, and its
 * variables. Without a firmware both are empty, and the guest's.
 *
 * Theory of operation: while a bank gives its contents, it is a read-only slot
 * of KVM's. The guest reads it, and executes from it, at the speed of memory,
 * and only its writes come to the model. When one of them makes reads give
 * something else, the model says so, and the slot goes away until the contents
 * are back: then all of the bank's accesses come to the model. The vCPU that
 * wrote does this before it goes on; another vCPU that has left for a read
 * meanwhile gets its answer from the model, under the bank's lock, as if it had
 * come a moment sooner or later. A bank that is empty has nothing to map, and
 * costs who never looks at it nothing: the model answers until it is programmed.
 *
 * Taking a slot away is quick, but for a guest with an EL2 that has run guests
 * of its own: for those KVM then walks all of their addresses, which takes
 * seconds. Firmware programs its variables before that.
 */
#include "machine/board_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "devices/cfi_flash.h"
#include "host/flash.h"
#include "machine/acpi.h"
#include "machine/tree.h"

/* Memory comes to a bank only while it does not give its contents. */
static int map_bank(struct flash_slot *s, bool on)
{
	uint8_t *mem = flash_mem(s->bank);

	if (!mem)
		return 0;
	return board_add_slot(s->board, SLOT_FLASH + s->index,
			      arch_map.flash.base +
				      s->index * arch_map.flash.size,
			      on ? arch_map.flash.size : 0, mem, true);
}

/* A failure is no harm: without the slot the bank is slow, but right. */
static void on_array(void *ctx, bool on)
{
	map_bank(ctx, on);
}

static const uint8_t *contents(void *ctx)
{
	const struct flash_slot *s = ctx;

	return flash_mem(s->bank);
}

static int store(void *ctx, uint64_t off, const void *buf, size_t len)
{
	struct flash_slot *s = ctx;

	return flash_store(s->bank, off, buf, len);
}

static int add_bank(struct board *b, unsigned index, struct flash_bank *bank,
		    bool writable)
{
	struct flash_slot *s = &b->flash[index];
	struct cfi_flash_host host = {
		.mem = contents,
		.store = writable ? store : NULL,
		.array = on_array,
		.ctx = s,
	};
	struct place at = arch_map.flash;
	struct device *dev;
	int r;

	if (!bank)
		return -ENOMEM;
	*s = (struct flash_slot){ .board = b, .index = index, .bank = bank };
	r = map_bank(s, true);
	if (r)
		return r;
	at.base += index * at.size;
	dev = cfi_flash_new(&host, at.size);
	if (dev)
		snprintf(dev->name, sizeof(dev->name), "flash%u", index);
	return board_add(b, dev, "a bank of flash", &at);
}

static int add_firmware(struct board *b, const char *code, struct err *e)
{
	char found[PATH_MAX], vars[PATH_MAX];
	const char *template;
	struct flash_bank *bank;
	int r;

	if (!strcmp(code, "auto")) {
		r = firmware_find(found, e);
		if (r < 0)
			return r;
		code = found;
	}
	bank = flash_open_code(code, arch_map.flash.size, b->cfg->mte, e);
	r = bank ? add_bank(b, 0, bank, false) : -EINVAL;
	if (r < 0)
		return r;
	firmware_template(code, vars);
	template = vars[0] ? vars : NULL;
	bank = b->cfg->vars ? flash_open_vars(b->cfg->vars, template,
					      arch_map.flash.size, e)
			    : flash_open_scratch(template, arch_map.flash.size,
						 b->cfg->mte, e);
	return bank ? add_bank(b, 1, bank, true) : -EINVAL;
}

int board_add_flash(struct board *b, struct err *e)
{
	const uint64_t size = arch_map.flash.size;
	unsigned i;
	int r = 0;

	if (b->cfg->firmware)
		return add_firmware(b, b->cfg->firmware, e);
	for (i = 0; i < FLASH_BANKS && !r; i++)
		r = add_bank(b, i, flash_open_empty(size), true);
	return r;
}

/* One node for both banks, with the chips' common width in bytes. */
void board_flash_node(struct tree *t, const struct machine *m)
{
	const struct place *at = &arch_map.flash;

	(void)m;
	tree_node_at(t, "flash", at->base);
	tree_cells(t, "bank-width", 4);
	tree_cells(t, "reg", TREE_REGION(at->base, at->size),
		   TREE_REGION(at->base + at->size, at->size));
	tree_string(t, "compatible", "cfi-flash");
	tree_end(t);
}

/* A device for each. */
void board_flash_acpi(struct aml *a, const struct machine *m)
{
	struct place at = arch_map.flash;
	char name[16];
	unsigned i;

	(void)m;
	for (i = 0; i < FLASH_BANKS; i++, at.base += at.size) {
		snprintf(name, sizeof(name), "FLS%X", i);
		acpi_device(a, name, "LNRO0015", i);
		acpi_resources(a, &at, false);
		aml_end(a);
	}
}

void board_free_flash(struct board *b)
{
	unsigned i;

	for (i = 0; i < FLASH_BANKS; i++)
		flash_close(b->flash[i].bank);
}
