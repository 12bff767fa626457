/* SPDX-License-Identifier: MIT */
/*
 * The namespace of tests/unit/acpi_iasl.c's full machine, of 2 CPUs.
 * Interrupts are INTIDs: SPI + 32.
 */
DefinitionBlock ("", "DSDT", 2, "NESTOR", "VIRT    ", 1)
{
Scope (\_SB)
{
	Device (C000)
	{
		Name (_HID, "ACPI0007")
		Name (_UID, Zero)
	}

	Device (C001)
	{
		Name (_HID, "ACPI0007")
		Name (_UID, One)
	}

	Device (FLS0)
	{
		Name (_HID, "LNRO0015")
		Name (_UID, Zero)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x00000000, 0x4000000)
		})
	}

	Device (FLS1)
	{
		Name (_HID, "LNRO0015")
		Name (_UID, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x04000000, 0x4000000)
		})
	}

	Device (FWCF)
	{
		Name (_HID, "QEMU0002")
		Name (_UID, Zero)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x09020000, 0x18)
		})
	}

	Device (COM0)
	{
		Name (_HID, "ARMH0011")
		Name (_UID, Zero)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x09000000, 0x1000)
			Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 33 }
		})
	}

	Device (GPO0)
	{
		Name (_HID, "ARMH0061")
		Name (_UID, Zero)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x09030000, 0x1000)
			Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 39 }
		})
		Name (_AEI, ResourceTemplate ()
		{
			GpioInt (Edge, ActiveHigh, Exclusive, PullDefault, 0,
				"\\_SB.GPO0") { 3 }
		})
		Method (_E03, 0, Serialized)
		{
			Notify (\_SB.PWRB, 0x80)
		}
	}

	Device (PWRB)
	{
		Name (_HID, EisaId ("PNP0C0C"))
		Name (_UID, Zero)
	}

	Device (PVPN)
	{
		Name (_HID, "QEMU0001")
		Name (_UID, Zero)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x090d0000, 0x2)
		})
	}

	Device (EXIT)
	{
		Name (_HID, EisaId ("PRP0001"))
		Name (_UID, Zero)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x090e0000, 0x1000)
		})
		Name (_DSD, Package (2)
		{
			ToUUID ("daffd814-6eba-4d8c-8a91-bc9bbf4aa301"),
			Package (1)
			{
				Package (2) { "compatible", "nestor,exit-counter" }
			}
		})
	}

	Device (PCI0)
	{
		Name (_HID, EisaId ("PNP0A08"))
		Name (_UID, Zero)
		Name (_CID, EisaId ("PNP0A03"))
		Name (_SEG, Zero)
		Name (_BBN, Zero)
		Name (_CCA, One)
		/* Granularity, first, last, offset, length. */
		Name (_CRS, ResourceTemplate ()
		{
			WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
				0, 0, 15, 0, 16)
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0, 0x10000000, 0x3efeffff, 0, 0x2eff0000)
			DWordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
				EntireRange, 0, 0, 0xffff, 0x3eff0000, 0x10000, , , ,
				TypeTranslation)
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0, 0x8000000000, 0x807fffffff, 0, 0x80000000)
		})
		/* Device, pin, no link device, interrupt. */
		Name (_PRT, Package (128)
		{
			Package (4) { 0xffff, Zero, Zero, 35 }, Package (4) { 0xffff, One, Zero, 36 },
			Package (4) { 0xffff, 2, Zero, 37 }, Package (4) { 0xffff, 3, Zero, 38 },
			Package (4) { 0x1ffff, Zero, Zero, 36 }, Package (4) { 0x1ffff, One, Zero, 37 },
			Package (4) { 0x1ffff, 2, Zero, 38 }, Package (4) { 0x1ffff, 3, Zero, 35 },
			Package (4) { 0x2ffff, Zero, Zero, 37 }, Package (4) { 0x2ffff, One, Zero, 38 },
			Package (4) { 0x2ffff, 2, Zero, 35 }, Package (4) { 0x2ffff, 3, Zero, 36 },
			Package (4) { 0x3ffff, Zero, Zero, 38 }, Package (4) { 0x3ffff, One, Zero, 35 },
			Package (4) { 0x3ffff, 2, Zero, 36 }, Package (4) { 0x3ffff, 3, Zero, 37 },
			Package (4) { 0x4ffff, Zero, Zero, 35 }, Package (4) { 0x4ffff, One, Zero, 36 },
			Package (4) { 0x4ffff, 2, Zero, 37 }, Package (4) { 0x4ffff, 3, Zero, 38 },
			Package (4) { 0x5ffff, Zero, Zero, 36 }, Package (4) { 0x5ffff, One, Zero, 37 },
			Package (4) { 0x5ffff, 2, Zero, 38 }, Package (4) { 0x5ffff, 3, Zero, 35 },
			Package (4) { 0x6ffff, Zero, Zero, 37 }, Package (4) { 0x6ffff, One, Zero, 38 },
			Package (4) { 0x6ffff, 2, Zero, 35 }, Package (4) { 0x6ffff, 3, Zero, 36 },
			Package (4) { 0x7ffff, Zero, Zero, 38 }, Package (4) { 0x7ffff, One, Zero, 35 },
			Package (4) { 0x7ffff, 2, Zero, 36 }, Package (4) { 0x7ffff, 3, Zero, 37 },
			Package (4) { 0x8ffff, Zero, Zero, 35 }, Package (4) { 0x8ffff, One, Zero, 36 },
			Package (4) { 0x8ffff, 2, Zero, 37 }, Package (4) { 0x8ffff, 3, Zero, 38 },
			Package (4) { 0x9ffff, Zero, Zero, 36 }, Package (4) { 0x9ffff, One, Zero, 37 },
			Package (4) { 0x9ffff, 2, Zero, 38 }, Package (4) { 0x9ffff, 3, Zero, 35 },
			Package (4) { 0xaffff, Zero, Zero, 37 }, Package (4) { 0xaffff, One, Zero, 38 },
			Package (4) { 0xaffff, 2, Zero, 35 }, Package (4) { 0xaffff, 3, Zero, 36 },
			Package (4) { 0xbffff, Zero, Zero, 38 }, Package (4) { 0xbffff, One, Zero, 35 },
			Package (4) { 0xbffff, 2, Zero, 36 }, Package (4) { 0xbffff, 3, Zero, 37 },
			Package (4) { 0xcffff, Zero, Zero, 35 }, Package (4) { 0xcffff, One, Zero, 36 },
			Package (4) { 0xcffff, 2, Zero, 37 }, Package (4) { 0xcffff, 3, Zero, 38 },
			Package (4) { 0xdffff, Zero, Zero, 36 }, Package (4) { 0xdffff, One, Zero, 37 },
			Package (4) { 0xdffff, 2, Zero, 38 }, Package (4) { 0xdffff, 3, Zero, 35 },
			Package (4) { 0xeffff, Zero, Zero, 37 }, Package (4) { 0xeffff, One, Zero, 38 },
			Package (4) { 0xeffff, 2, Zero, 35 }, Package (4) { 0xeffff, 3, Zero, 36 },
			Package (4) { 0xfffff, Zero, Zero, 38 }, Package (4) { 0xfffff, One, Zero, 35 },
			Package (4) { 0xfffff, 2, Zero, 36 }, Package (4) { 0xfffff, 3, Zero, 37 },
			Package (4) { 0x10ffff, Zero, Zero, 35 }, Package (4) { 0x10ffff, One, Zero, 36 },
			Package (4) { 0x10ffff, 2, Zero, 37 }, Package (4) { 0x10ffff, 3, Zero, 38 },
			Package (4) { 0x11ffff, Zero, Zero, 36 }, Package (4) { 0x11ffff, One, Zero, 37 },
			Package (4) { 0x11ffff, 2, Zero, 38 }, Package (4) { 0x11ffff, 3, Zero, 35 },
			Package (4) { 0x12ffff, Zero, Zero, 37 }, Package (4) { 0x12ffff, One, Zero, 38 },
			Package (4) { 0x12ffff, 2, Zero, 35 }, Package (4) { 0x12ffff, 3, Zero, 36 },
			Package (4) { 0x13ffff, Zero, Zero, 38 }, Package (4) { 0x13ffff, One, Zero, 35 },
			Package (4) { 0x13ffff, 2, Zero, 36 }, Package (4) { 0x13ffff, 3, Zero, 37 },
			Package (4) { 0x14ffff, Zero, Zero, 35 }, Package (4) { 0x14ffff, One, Zero, 36 },
			Package (4) { 0x14ffff, 2, Zero, 37 }, Package (4) { 0x14ffff, 3, Zero, 38 },
			Package (4) { 0x15ffff, Zero, Zero, 36 }, Package (4) { 0x15ffff, One, Zero, 37 },
			Package (4) { 0x15ffff, 2, Zero, 38 }, Package (4) { 0x15ffff, 3, Zero, 35 },
			Package (4) { 0x16ffff, Zero, Zero, 37 }, Package (4) { 0x16ffff, One, Zero, 38 },
			Package (4) { 0x16ffff, 2, Zero, 35 }, Package (4) { 0x16ffff, 3, Zero, 36 },
			Package (4) { 0x17ffff, Zero, Zero, 38 }, Package (4) { 0x17ffff, One, Zero, 35 },
			Package (4) { 0x17ffff, 2, Zero, 36 }, Package (4) { 0x17ffff, 3, Zero, 37 },
			Package (4) { 0x18ffff, Zero, Zero, 35 }, Package (4) { 0x18ffff, One, Zero, 36 },
			Package (4) { 0x18ffff, 2, Zero, 37 }, Package (4) { 0x18ffff, 3, Zero, 38 },
			Package (4) { 0x19ffff, Zero, Zero, 36 }, Package (4) { 0x19ffff, One, Zero, 37 },
			Package (4) { 0x19ffff, 2, Zero, 38 }, Package (4) { 0x19ffff, 3, Zero, 35 },
			Package (4) { 0x1affff, Zero, Zero, 37 }, Package (4) { 0x1affff, One, Zero, 38 },
			Package (4) { 0x1affff, 2, Zero, 35 }, Package (4) { 0x1affff, 3, Zero, 36 },
			Package (4) { 0x1bffff, Zero, Zero, 38 }, Package (4) { 0x1bffff, One, Zero, 35 },
			Package (4) { 0x1bffff, 2, Zero, 36 }, Package (4) { 0x1bffff, 3, Zero, 37 },
			Package (4) { 0x1cffff, Zero, Zero, 35 }, Package (4) { 0x1cffff, One, Zero, 36 },
			Package (4) { 0x1cffff, 2, Zero, 37 }, Package (4) { 0x1cffff, 3, Zero, 38 },
			Package (4) { 0x1dffff, Zero, Zero, 36 }, Package (4) { 0x1dffff, One, Zero, 37 },
			Package (4) { 0x1dffff, 2, Zero, 38 }, Package (4) { 0x1dffff, 3, Zero, 35 },
			Package (4) { 0x1effff, Zero, Zero, 37 }, Package (4) { 0x1effff, One, Zero, 38 },
			Package (4) { 0x1effff, 2, Zero, 35 }, Package (4) { 0x1effff, 3, Zero, 36 },
			Package (4) { 0x1fffff, Zero, Zero, 38 }, Package (4) { 0x1fffff, One, Zero, 35 },
			Package (4) { 0x1fffff, 2, Zero, 36 }, Package (4) { 0x1fffff, 3, Zero, 37 }
		})
		Method (_OSC, 4, Serialized)
		{
			CreateDWordField (Arg3, Zero, CDW1)
			If (Arg0 != ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766"))
			{
				CDW1 |= 4
				Return (Arg3)
			}
			If (Arg1 != One)
			{
				CDW1 |= 8
			}
			CreateDWordField (Arg3, 8, CDW3)
			Local0 = CDW3 & 0xbf
			If (Local0 != CDW3)
			{
				CDW1 |= 0x10
			}
			CDW3 = Local0
			Return (Arg3)
		}
	}

	Device (ECAM)
	{
		Name (_HID, EisaId ("PNP0C02"))
		Name (_UID, Zero)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x3f000000, 0x1000000)
		})
	}

	Device (VR00)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, Zero)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000000, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 48 }
		})
	}

	Device (VR01)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, One)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000200, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 49 }
		})
	}

	Device (VR02)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 2)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000400, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 50 }
		})
	}

	Device (VR03)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 3)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000600, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 51 }
		})
	}

	Device (VR04)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 4)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000800, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 52 }
		})
	}

	Device (VR05)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 5)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000a00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 53 }
		})
	}

	Device (VR06)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 6)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000c00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 54 }
		})
	}

	Device (VR07)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 7)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a000e00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 55 }
		})
	}

	Device (VR08)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 8)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001000, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 56 }
		})
	}

	Device (VR09)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 9)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001200, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 57 }
		})
	}

	Device (VR0A)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 10)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001400, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 58 }
		})
	}

	Device (VR0B)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 11)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001600, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 59 }
		})
	}

	Device (VR0C)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 12)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001800, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 60 }
		})
	}

	Device (VR0D)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 13)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001a00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 61 }
		})
	}

	Device (VR0E)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 14)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001c00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 62 }
		})
	}

	Device (VR0F)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 15)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a001e00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 63 }
		})
	}

	Device (VR10)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 16)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002000, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 64 }
		})
	}

	Device (VR11)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 17)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002200, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 65 }
		})
	}

	Device (VR12)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 18)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002400, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 66 }
		})
	}

	Device (VR13)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 19)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002600, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 67 }
		})
	}

	Device (VR14)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 20)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002800, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 68 }
		})
	}

	Device (VR15)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 21)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002a00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 69 }
		})
	}

	Device (VR16)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 22)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002c00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 70 }
		})
	}

	Device (VR17)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 23)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a002e00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 71 }
		})
	}

	Device (VR18)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 24)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003000, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 72 }
		})
	}

	Device (VR19)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 25)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003200, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 73 }
		})
	}

	Device (VR1A)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 26)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003400, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 74 }
		})
	}

	Device (VR1B)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 27)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003600, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 75 }
		})
	}

	Device (VR1C)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 28)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003800, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 76 }
		})
	}

	Device (VR1D)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 29)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003a00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 77 }
		})
	}

	Device (VR1E)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 30)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003c00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 78 }
		})
	}

	Device (VR1F)
	{
		Name (_HID, "LNRO0005")
		Name (_UID, 31)
		Name (_CCA, One)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0x0a003e00, 0x200)
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 79 }
		})
	}
}
}
