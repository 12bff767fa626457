/* SPDX-License-Identifier: MIT */
/* The chapters of nestor demo, and the words of its steps. */
#include <string.h>

#include "cmd/demo.h"

/*
 * A payload's flat binary as read-only data, beside which nothing stands that a VM
 * touches; the Makefile reads these lines.
 */
#define CHAPTER(name, ...)                                            \
	asm(".section .embedded,\"a\"\n" #name "_image:\n"            \
	    ".incbin \"build/guest/" #name ".bin\"\n" #name "_end:\n" \
	    ".previous\n");                                           \
	extern const uint8_t name##_image[], name##_end[];
#include "cmd/demo_chapters.h"
#undef CHAPTER

#define CHAPTER(name, title, text) \
	{ #name, title, text, name##_image, name##_end },
const struct demo_chapter demo_chapters[] = {
#include "cmd/demo_chapters.h"
};
#undef CHAPTER

const unsigned demo_nchapters = sizeof(demo_chapters) / sizeof(*demo_chapters);

static const struct demo_words words[] = {
	{ "trap.none", "Enter a guest: HCR_EL2, then ERET",
	  "A vCPU is memory that its hypervisor keeps: 31 registers, a program "
	  "counter, a processor state. HCR_EL2 says how the guest runs; here "
	  "only that it is AArch64 (and E2H, as this EL2 has VHE). ELR_EL2 and "
	  "SPSR_EL2 say where and at which level it goes on; ERET goes there. "
	  "Nothing is trapped, so the guest comes back only by its own HVC." },
	{ "trap.tvm", "Trap: the guest writes CONTEXTIDR_EL1",
	  "With TVM set, that MSR does not happen: the CPU takes an exception "
	  "to EL2. ESR_EL2 tells what was tried (EC 0x18, and in ISS which "
	  "register, and which x register holds the value). The hypervisor "
	  "does it in its own way, moves ELR_EL2 on by 4, and returns." },
	{ "trap.tid3", "Trap: the guest asks what CPU this is",
	  "TID3 traps reads of ID registers, so that a hypervisor can show "
	  "another CPU than the real one. It puts its answer into the saved "
	  "x register; the guest cannot tell." },
	{ "trap.twi", "Trap: the guest waits for an interrupt",
	  "With TWI set, WFI comes to EL2, and the hypervisor can run someone "
	  "else meanwhile." },
	{ "trap.tsc", "Trap: the guest calls its firmware",
	  "SMC would go to EL3. With TSC set it comes to EL2, and the "
	  "hypervisor plays the firmware; this is how PSCI works in a VM "
	  "that has an EL2." },

	{ "stage2.vmid", "One address, two guests: VTTBR_EL2",
	  "Both guests use the same intermediate physical address (IPA). "
	  "VTTBR_EL2 holds the root of the stage-2 tables that turn it into a "
	  "real one, and a VMID by which the TLB keeps guests apart. Writing "
	  "it switches guests; FEAT_NV2 makes that a store to memory." },
	{ "stage2.hole", "A hole: ESR_EL2 and HPFAR_EL2",
	  "Stage 2 maps nothing there. The load stops, and EL2 learns the kind "
	  "of fault (ESR_EL2), the guest's virtual address (FAR_EL2) and the "
	  "IPA (HPFAR_EL2). It maps a page and returns to the same "
	  "instruction. Memory on demand, and device emulation, begin here." },
	{ "stage2.remap", "Take a page away: TLBI",
	  "The CPU may remember an old translation until a TLBI says "
	  "otherwise. A guest hypervisor's TLBI must reach the host, which "
	  "keeps the real (shadow) tables: it traps even with FEAT_NV2." },
	{ "stage2.read-only", "A page that may only be read",
	  "S2AP in the stage-2 entry lets the guest read; a write becomes a "
	  "permission fault. Dirty logging and copy on write are made of "
	  "this." },

	{ "virq.pending", "A virtual interrupt: HCR_EL2.VI",
	  "With IMO set, the guest's interrupts are virtual ones. VI makes one "
	  "pending. A guest that masks interrupts sees it in ISR_EL1 and goes "
	  "on." },
	{ "virq.taken", "The guest takes it",
	  "Unmasked, it goes straight to the guest's own vector at EL1. No "
	  "hypervisor runs on the way; the guest asks for its withdrawal by "
	  "an HVC, which is the only exit." },

	{ "vgic.lr", "A list register: an interrupt with a number",
	  "The GIC's virtual interface offers what list registers hold. The "
	  "guest acknowledges and ends the interrupt at its own ICC registers, "
	  "as on a CPU of its own. The exits here are the ERET that enters it "
	  "and its HVC after all is done." },
	{ "vgic.eoi", "The end of an interrupt, if one asks",
	  "With its EOI bit set a list register tells when the guest has "
	  "ended it: by the maintenance interrupt, an interrupt of the "
	  "hypervisor's own. Level-triggered devices need that." },
	{ "vgic.underflow", "More interrupts than list registers",
	  "UIE has the maintenance interrupt come when list registers run "
	  "empty, so that the next interrupts can follow." },
	{ "vgic.sgi", "An interrupt from one vCPU to another",
	  "The guest's write to ICC_SGI1R_EL1 traps. Its hypervisor puts the "
	  "interrupt into a list register of the CPU that runs the other vCPU, "
	  "and interrupts that CPU to have it noticed." },

	{ "route.svc", "SVC stays inside",
	  "The guest's system call goes to the guest's EL1 and costs the "
	  "hypervisor nothing." },
	{ "route.hvc", "HVC comes to EL2",
	  "It is the call to the hypervisor; its number is in ESR_EL2." },
	{ "route.stage-1", "A hole in the guest's own tables",
	  "Stage 1 belongs to the guest, and so does its fault: FAR_EL1 has "
	  "the address, and EL2 hears nothing." },
	{ "route.stage-2", "A hole in the hypervisor's tables",
	  "Stage 2 belongs to EL2. FAR_EL2 has the guest's virtual address, "
	  "HPFAR_EL2 the IPA." },
	{ "route.smc-tsc-clear", "SMC passes by",
	  "Without TSC it goes to EL3, which for a guest hypervisor is the "
	  "host that plays its firmware." },
	{ "route.smc-tsc-set", "SMC comes to EL2",
	  "With TSC the hypervisor sees it first. The instruction has not run: "
	  "ELR_EL2 still points to it." },

	{ "vhe.names", "The same name, another register",
	  "With E2H set, code at EL2 that says VBAR_EL1 gets VBAR_EL2. The "
	  "guest's VBAR_EL1 is reached by a name of its own, VBAR_EL12. So a "
	  "kernel that was written for EL1 runs at EL2 unchanged." },
	{ "vhe.guest", "What the guest finds",
	  "What the hypervisor wrote to VBAR_EL12 is the guest's VBAR_EL1, and "
	  "its own is untouched. With FEAT_NV2, EL12 names are memory until "
	  "the guest is entered." },
	{ "vhe.ttbr1", "A kernel's half of the address space",
	  "EL2 without VHE has one translation table base. With it there is "
	  "TTBR1_EL2 for the upper half, where kernels live." },

	{ "nv.el1", "What a guest sees of its own level",
	  "A guest at EL1 reads CurrentEL and sees EL1." },
	{ "nv.el2", "HCR_EL2.NV: the guest believes that it is at EL2",
	  "It still runs at EL1. CurrentEL is the first thing that lies to "
	  "it. This is what the host does to the hypervisor that you see "
	  "here, done by it once more." },
	{ "nv.vncr", "VNCR_EL2: registers become memory",
	  "With NV2 the guest's VTTBR_EL2 is the word at offset 0x020 of the "
	  "page that VNCR_EL2 points to. It writes there without a trap; its "
	  "hypervisor reads what was written when it is needed, and its own "
	  "VTTBR_EL2 is untouched." },
	{ "nv.trap", "What cannot wait",
	  "TTBR0_EL2 would act at once, so writing it traps (EC 0x18) even "
	  "with "
	  "NV2." },
	{ "nv.eret", "ERET must be done by somebody",
	  "The guest wants to enter a guest of its own. ERET traps (EC 0x1a), "
	  "and the hypervisor does the switch: for an L3, by loading what the "
	  "guest prepared in the page." },

	{ "cost.hvc", "The least a nested hypercall can cost",
	  "L2 calls L1 and L1 returns: one exit for HVC, one for ERET. Without "
	  "FEAT_NV2 each register that the switch touches is one more." },

	{ "tge.clear", "A program and its kernel, both in the guest",
	  "Without TGE a system call (SVC) from EL0 goes to the kernel at "
	  "EL1, inside the guest. Here that kernel tells the hypervisor of it "
	  "by an HVC." },
	{ "tge.set", "A program right below EL2",
	  "With TGE the same SVC comes to EL2. This is how a VHE host runs its "
	  "own user space: E2H and TGE both set, and no EL1 at all. (The ERET "
	  "to EL0 does reach the host, whose KVM sees to it on its fast path "
	  "and counts no exit.)" },
};

const struct demo_words *demo_words_of(const char *id)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i].id, id))
			return &words[i];
	return NULL;
}
