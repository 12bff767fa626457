/* SPDX-License-Identifier: MIT */
/* The map as machine/ asks for it. */
#include "arm64/map.h"

#include <assert.h>

#include "core/config.h"
#include "machine/map.h"

static_assert(MAP_VIRTIO_SLOTS == VIRTIO_SLOTS, "as many as there may be");
static_assert(MAP_FLASH_BANKS == FLASH_BANKS, "firmware and variables");

const struct map arch_map = {
	.flash = { MAP_FLASH_BASE, MAP_FLASH_SIZE, 0 },
	.uart = { MAP_UART_BASE, MAP_UART_SIZE, SPI_UART },
	.rtc = { MAP_RTC_BASE, MAP_RTC_SIZE, SPI_RTC },
	.fw_cfg = { MAP_FW_CFG_BASE, MAP_FW_CFG_SIZE, 0 },
	.gpio = { MAP_GPIO_BASE, MAP_GPIO_SIZE, SPI_GPIO },
	.pvpanic = { MAP_PVPANIC_BASE, MAP_PVPANIC_SIZE, 0 },
	.exits = { MAP_EXITS_BASE, MAP_EXITS_SIZE, 0 },
	.virtio = { MAP_VIRTIO_BASE, MAP_VIRTIO_STRIDE, SPI_VIRTIO },
	.pci_mmio = { MAP_PCI_MMIO_BASE, MAP_PCI_MMIO_SIZE, 0 },
	.pci_io = { MAP_PCI_IO_BASE, MAP_PCI_IO_SIZE, 0 },
	.ecam = { MAP_ECAM_BASE, MAP_ECAM_SIZE, SPI_PCI },
	.ecam_high = { MAP_HIGH_ECAM_BASE, MAP_HIGH_ECAM_SIZE, SPI_PCI },
	.pci_high = { MAP_PCI_HIGH_MIN, MAP_PCI_HIGH_SIZE, 0 },
	.ram = MAP_RAM_BASE,
	.power_button = GPIO_POWER_BUTTON,
};
