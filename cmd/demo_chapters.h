/* SPDX-License-Identifier: MIT */
/*
 * The chapters, in the lecture's order: CHAPTER(payload, title, text). Included
 * more than once, each time with another CHAPTER.
 */
CHAPTER(el2_trap, "Trap and emulate",
	"A guest runs directly on the CPU, at EL1. Its hypervisor, at EL2, "
	"says "
	"in HCR_EL2 what the guest may not do by itself. The guest's attempt "
	"is an exception to EL2; the hypervisor reads the reason, does what it "
	"thinks right to the guest's saved state, and returns. Here the "
	"hypervisor is itself a guest: its EL2 is made by the host (L0).")
