/* SPDX-License-Identifier: MIT */
/*
 * The address map and interrupt numbers of the machine: those of QEMU's `virt`
 * board, so that firmware, hypervisors and bare-metal programs built for that
 * board run here. All of it is in the FDT too.
 */
#pragma once

#define MAP_FLASH_BASE	  0x00000000ull /* two banks: firmware, variables */
#define MAP_FLASH_SIZE	  0x04000000ull /* of each */
#define MAP_FLASH_BANKS	  2u
#define MAP_GICD_BASE	  0x08000000ull
#define MAP_GICD_SIZE	  0x00010000ull
#define MAP_GICC_BASE	  0x08010000ull /* GICv2 CPU interface */
#define MAP_GICC_SIZE	  0x00010000ull
#define MAP_V2M_BASE	  0x08020000ull /* GICv2m: messages on a GICv2 */
#define MAP_V2M_SIZE	  0x00001000ull
#define MAP_ITS_BASE	  0x08080000ull /* messages on a GICv3 */
#define MAP_ITS_SIZE	  0x00020000ull
#define MAP_GICR_BASE	  0x080a0000ull /* GICv3 redistributors, 128 KiB each */
#define MAP_GICR_SIZE	  0x00f60000ull
#define MAP_GICR_STRIDE	  0x00020000ull
#define MAP_GICR_CPUS	  ((unsigned)(MAP_GICR_SIZE / MAP_GICR_STRIDE)) /* 123 */
#define MAP_UART_BASE	  0x09000000ull
#define MAP_UART_SIZE	  0x00001000ull
#define MAP_RTC_BASE	  0x09010000ull
#define MAP_RTC_SIZE	  0x00001000ull
#define MAP_FW_CFG_BASE	  0x09020000ull
#define MAP_FW_CFG_SIZE	  0x00000018ull
#define MAP_GPIO_BASE	  0x09030000ull
#define MAP_GPIO_SIZE	  0x00001000ull
#define MAP_PVTIME_BASE	  0x090a0000ull /* 64 bytes a vCPU */
#define MAP_PVTIME_SIZE	  0x00010000ull
#define MAP_PVPANIC_BASE  0x090d0000ull
#define MAP_PVPANIC_SIZE  0x00000002ull
#define MAP_EXITS_BASE	  0x090e0000ull /* nestor's own: the exit counter */
#define MAP_EXITS_SIZE	  0x00001000ull
#define MAP_WATCHDOG_BASE 0x09100000ull /* two frames: control, refresh */
#define MAP_WATCHDOG_SIZE 0x00011000ull
#define MAP_VIRTIO_BASE	  0x0a000000ull
#define MAP_VIRTIO_STRIDE 0x00000200ull
#define MAP_VIRTIO_SLOTS  32u
#define MAP_PCI_MMIO_BASE 0x10000000ull
#define MAP_PCI_MMIO_SIZE 0x2eff0000ull
#define MAP_PCI_IO_BASE	  0x3eff0000ull
#define MAP_PCI_IO_SIZE	  0x00010000ull
#define MAP_ECAM_BASE	  0x3f000000ull
#define MAP_ECAM_SIZE	  0x01000000ull /* 16 buses */
#define MAP_RAM_BASE	  0x40000000ull
/*
 * A window for 64-bit BARs goes behind RAM and 4 GiB, on a multiple of its size;
 * Linux complains of one that has 4 GiB itself.
 */
#define MAP_PCI_HIGH_MIN  0x100000000ull
#define MAP_PCI_HIGH_SIZE 0x80000000ull
/* A second redistributor region goes here, or right above RAM if that is higher. */
#define MAP_HIGH_GICR_BASE 0x4000000000ull
/* PCI configuration space with --ecam high; the same goes for it. */
#define MAP_HIGH_ECAM_BASE 0x4010000000ull
#define MAP_HIGH_ECAM_SIZE 0x10000000ull /* 256 buses */

/* Shared peripheral interrupts: INTID is 32 more. */
#define SPI_UART	  1u
#define SPI_RTC		  2u
#define SPI_PCI		  3u /* .. 6: INTA to INTD */
#define SPI_GPIO	  7u
#define SPI_WATCHDOG	  10u
#define SPI_VIRTIO	  16u /* .. 47 */
#define SPI_V2M		  48u /* .. 111 */
#define SPI_V2M_COUNT	  64u
#define GPIO_POWER_BUTTON 3u /* line of the PL061 */

/* Private peripheral interrupts: INTID is 16 more. */
#define PPI_PMU	      7u
#define PPI_GIC_MAINT 9u
#define PPI_TIMER_HP  10u
#define PPI_TIMER_V   11u
#define PPI_TIMER_HV  12u
#define PPI_TIMER_S   13u
#define PPI_TIMER_P   14u
