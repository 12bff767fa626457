/* SPDX-License-Identifier: MIT */
/*
 * The machine as plain data: what the board has settled on, which is what the
 * FDT describes. No descriptors, no pointers into the VM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/gmem.h"
#include "machine/map.h"

enum gic_kind { GIC_V2 = 2, GIC_V3 = 3 };

/* What takes message-signalled interrupts. */
enum msi_kind { MSI_NONE, MSI_ITS, MSI_V2M };

/* [base, base + size); empty if size is 0. */
struct range {
	gpa_t base;
	uint64_t size;
};

struct machine {
	unsigned cpus;
	uint64_t ram_size; /* bytes, from arch_map.ram */
	enum gic_kind gic;
	enum msi_kind msi;
	struct range gicr2; /* second redistributor region, if any */
	bool aarch32;	    /* the vCPUs run 32-bit kernels */
	bool pmu;	    /* PMUv3, on PPI_PMU */
	bool el2;	    /* the vCPUs have a virtual EL2 */
	bool vhe;	    /* ... whose HCR_EL2.E2H is fixed to 1 */
	bool has_exits;	    /* the exit counter */
	bool has_watchdog;
	bool has_pci;
	struct range ecam;     /* configuration space, if has_pci */
	struct range pci_high; /* window for 64-bit BARs, if has_pci */
	bool has_virtio_mmio;  /* a device in one of its windows */
	struct range initrd;
	const char *params; /* may be NULL */
	bool flat; /* the kernel is a flat binary, whatever it is like */
	struct {
		struct range at;  /* empty: there is none */
		const char *args; /* may be NULL */
	} module[MODULES_MAX];
	const struct domain_config *domains; /* whose modules follow */
	unsigned ndomains;
	uint64_t kaslr_seed;
	uint8_t rng_seed[64];
};
