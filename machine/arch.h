/* SPDX-License-Identifier: MIT */
/*
 * What a board asks of the architecture whose machine it is: arm64/ answers.
 *
 * Nothing else of machine/ knows an architecture. What is asked while a board
 * is built stands here in the order in which that is, which is the order in
 * which KVM has to be told (Documentation/virt/kvm/api.rst).
 *
 * Unless it says otherwise, a function returns 0 or -errno, with a sentence in
 * @e if the configuration is at fault, else logged; it runs on the main thread,
 * and no vCPU does.
 */
#pragma once

#include <jansson.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/gmem.h"

struct acpi;
struct aml;
struct board;
struct err;
struct head;
struct load;
struct machine;
struct tree;
struct vcpu;
struct vm;

/* The VM's arch, from the board's configuration. 0 or -ENOMEM. */
int arch_board_new(struct board *b);

/* Also one that was not finished, or never begun. */
void arch_board_free(struct board *b);

/*
 * arch_board_plan() - settle what this KVM can provide, and what is where
 *
 * All that the map has placed ends at @end or below; what is placed here lies
 * above. Returns the type for KVM_CREATE_VM.
 */
int arch_board_plan(struct board *b, gpa_t end, struct err *e);

/* The VM is there and empty: what is to be enabled, what vCPUs will be like. */
int arch_board_vm(struct board *b, struct err *e);

/*
 * arch_board_vcpus() - all vCPUs are there: their features, and the interrupt
 * controller
 *
 * Settles what takes messages, @b->m.msi, if there is a PCI host.
 */
int arch_board_vcpus(struct board *b, struct err *e);

/* What the architecture itself puts onto the bus, before all other devices. */
int arch_board_devices(struct board *b, struct err *e);

/*
 * The watchdog onto the bus, if there is one; its bite is VM_WATCHDOG. And its
 * node.
 */
int arch_board_watchdog(struct board *b, struct err *e);
void arch_watchdog_node(struct tree *t, const struct machine *m);

/* vCPUs and interrupt controller as at power-on, for a reboot in place. */
int arch_board_reset(struct board *b);

/* Where a vCPU begins, and where the kernel finds the tree. */
int arch_set_entry(struct vcpu *v, gpa_t pc, gpa_t fdt);

/*
 * arch_has_halted() - will no vCPU ever do anything again?
 *
 * @b->halt.slept tells which of them were asleep when they were stopped.
 */
bool arch_has_halted(const struct board *b);

/*
 * arch_hypervisor_json() - the registers by which vCPU @v is a hypervisor, if
 * it can be one
 *
 * NULL if they cannot be read.
 */
json_t *arch_hypervisor_json(const struct vcpu *v);

/* The level of line @line of the interrupt controller. Any thread. */
int arch_irq_line(const struct vm *vm, unsigned line, bool on);

/* How many lines the map's devices can have: 0 and up. */
unsigned arch_irq_lines(const struct machine *m);

/* Of an interrupt specifier. */
#define ARCH_IRQ_CELLS_MAX 3

/* A line's interrupt specifier, as a device's node has it: how many cells. */
unsigned arch_irq_cells(unsigned line, bool edge,
			uint32_t cell[ARCH_IRQ_CELLS_MAX]);

/*
 * Nodes of the tree: CPUs and all that they have, with the interrupt controller
 * (TREE_INTC) and what takes messages (TREE_MSI).
 */
void arch_fdt_cpus(struct tree *t, const struct machine *m);

/*
 * ACPI: a line's number among all interrupts; that of the controller in SPCR's
 * Interrupt Type; flags of the architecture in the FADT at @fadt; tables of its
 * own, with the CPUs, which have the UIDs 0 and up.
 */
unsigned arch_acpi_gsi(unsigned line);
extern const uint8_t arch_acpi_spcr_interrupt;
void arch_acpi_fadt(struct aml *tables, size_t fadt, const struct machine *m);
void arch_acpi_tables(struct acpi *out, const struct machine *m);

/*
 * arch_msi_entry() - what KVM makes of a message of PCI function @id: all but
 * the gsi of @e
 *
 * False if nobody takes it. Any thread.
 */
bool arch_msi_entry(const struct machine *m, uint16_t id, uint64_t addr,
		    uint32_t data, struct kvm_irq_routing_entry *e);

/* Of ELF files that run here: EM_. */
extern const uint16_t arch_elf_machine;

/* Do the bytes at the beginning belong to Linux's own format, an Image? */
bool arch_image_is(const struct head *);

/*
 * arch_image_place() - choose where the Image that begins with @h, of @size
 * bytes in all (at least), goes: fills @l->b. 0, or -errno with a sentence.
 */
int arch_image_place(struct load *l, const struct head *h, uint64_t size);

/*
 * arch_image_load() - is it for the architecture alone to say what can be
 * loaded? Then it has: *@err is 0, or -errno with a sentence.
 */
bool arch_image_load(struct load *l, int *err);
