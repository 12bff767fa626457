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
CHAPTER(el2_stage2, "Two-stage translation",
	"What a guest takes for physical addresses are translated once more, "
	"by "
	"tables that only EL2 knows.")
CHAPTER(el2_route, "Who gets which exception",
	"SVC, HVC, SMC and faults each have their way, and HCR_EL2 can change "
	"some of it.")
CHAPTER(el2_virq, "Virtual interrupts",
	"Real interrupts belong to the hypervisor. A guest gets virtual ones, "
	"which the CPU delivers without the hypervisor's help.")
CHAPTER(el2_vgic, "The GIC's virtual interface",
	"HCR_EL2.VI is one interrupt without a name. A GIC has hundreds, with "
	"numbers, priorities and ends.")
CHAPTER(el2_vhe, "Virtualization Host Extensions",
	"A hypervisor that is an operating system wants to run at EL2. VHE "
	"makes EL2 look like the EL1 that kernels were written for.")
CHAPTER(el2_tge, "Trap general exceptions",
	"An operating system at EL2 needs its programs right below it.")
CHAPTER(el2_nv, "Nested virtualization, from above",
	"Now the guest shall be a hypervisor. HCR_EL2.NV and NV2 let it "
	"believe "
	"that it is at EL2, and VNCR_EL2 says where its EL2 registers are "
	"kept.")
CHAPTER(el2_pingpong, "What FEAT_NV2 is worth",
	"500 operations of a guest hypervisor each, and how many of them left "
	"to the host. Deferred: a word in memory until a guest is entered. "
	"Redirected: another register stands in. Trapped: the host must act.")
