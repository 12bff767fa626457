/* SPDX-License-Identifier: MIT */
/* ELF kernels. */
#include "tests/unit/image_rig.h"

#include <elf.h>

static struct elf_file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[4];
	uint8_t data[4096];
} elf;

/* Two segments: 0x40100000 (256 bytes, 4096 in memory), 0x40200000. */
static void elf_good(void)
{
	unsigned i;

	elf = (struct elf_file){ 0 };
	memcpy(elf.eh.e_ident, ELFMAG, SELFMAG);
	elf.eh.e_ident[EI_CLASS] = ELFCLASS64;
	elf.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.eh.e_type = ET_EXEC;
	elf.eh.e_machine = EM_AARCH64;
	elf.eh.e_entry = 0xffff000000000010;
	elf.eh.e_phoff = offsetof(struct elf_file, ph);
	elf.eh.e_phentsize = sizeof(Elf64_Phdr);
	elf.eh.e_phnum = 3;
	elf.ph[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_filesz = 1ull << 60 };
	elf.ph[1] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = offsetof(struct elf_file, data),
		.p_vaddr = 0xffff000000000000,
		.p_paddr = RAM + MIB,
		.p_filesz = 256,
		.p_memsz = 4096,
	};
	elf.ph[2] = elf.ph[1];
	elf.ph[2].p_offset += 256;
	elf.ph[2].p_vaddr += MIB;
	elf.ph[2].p_paddr += MIB;
	for (i = 0; i < sizeof(elf.data); i++)
		elf.data[i] = i ^ (i >> 8) ^ 0x5a;
}

static int load_elf(void)
{
	return load_bytes(&elf, sizeof(elf));
}

TEST(an_elf_file_is_loaded_by_physical_address_and_its_tails_are_zeroed)
{
	unsigned i;

	machine_of(32 * MIB);
	elf_good();
	EQ(load_elf(), 0);
	EQ(boot.entry, RAM + MIB + 0x10);
	EQ(boot.kernel.base, RAM + MIB);
	EQ(boot.kernel.size, MIB + 4096);
	EQ(boot.kind, BOOT_ELF);
	MEM_EQ(ram + MIB, elf.data, 256);
	MEM_EQ(ram + 2 * MIB, elf.data + 256, 256);
	for (i = 256; i < 4096; i++)
		EQ(ram[MIB + i], 0);
	EQ(ram[MIB + 4096], 0xdd);
}

TEST(an_elf_entry_point_may_be_physical)
{
	machine_of(32 * MIB);
	elf_good();
	elf.eh.e_entry = RAM + 2 * MIB;
	EQ(load_elf(), 0);
	EQ(boot.entry, RAM + 2 * MIB);
}

TEST(B1_an_elf_file_for_something_else_is_called_by_its_name)
{
	machine_of(32 * MIB);
	elf_good();
	elf.eh.e_ident[EI_CLASS] = ELFCLASS32;
	EQ(load_elf(), -ENOEXEC);
	says("32-bit");
	elf_good();
	elf.eh.e_ident[EI_DATA] = ELFDATA2MSB;
	EQ(load_elf(), -ENOEXEC);
	says("big-endian");
	elf_good();
	elf.eh.e_machine = EM_X86_64;
	EQ(load_elf(), -ENOEXEC);
	says("x86-64");
	elf_good();
	elf.eh.e_type = ET_REL;
	EQ(load_elf(), -ENOEXEC);
	says("not linked");
}

TEST(B1_nonsense_about_program_headers_is_refused)
{
	machine_of(32 * MIB);
	elf_good();
	elf.eh.e_phentsize = 8;
	EQ(load_elf(), -ENOEXEC);
	elf_good();
	elf.eh.e_phnum = 0;
	EQ(load_elf(), -ENOEXEC);
	elf.eh.e_phnum = 0xffff;
	EQ(load_elf(), -ENOEXEC);
	says("65535 program headers");
	elf_good();
	elf.eh.e_phoff = UINT64_MAX - 8;
	EQ(load_elf(), -ENODATA);
	elf.eh.e_phoff = sizeof(elf) - 3 * sizeof(Elf64_Phdr) + 1;
	EQ(load_elf(), -ENODATA);
	says("is truncated");
	EQ(load_bytes(&elf, 63), -ENODATA);
	says("ELF header is cut off");
	elf_good();
	elf.ph[1].p_type = elf.ph[2].p_type = PT_NOTE;
	EQ(load_elf(), -ENOEXEC);
	says("no segment to load");
}

TEST(B1_a_segment_that_lies_is_refused)
{
	machine_of(32 * MIB);
	elf_good();
	elf.ph[2].p_memsz = 255;
	EQ(load_elf(), -ENOEXEC);
	says("is damaged");
	elf_good();
	elf.ph[2].p_offset = sizeof(elf) - 255;
	EQ(load_elf(), -ENODATA);
	says("is truncated");
	elf.ph[2].p_offset = UINT64_MAX;
	EQ(load_elf(), -ENODATA);
	elf_good();
	elf.ph[2].p_paddr = RAM + MIB + 4095;
	EQ(load_elf(), -ENOEXEC);
	says("overlap at 0x40100fff");
	elf_good();
	elf.eh.e_entry = 0x1000;
	EQ(load_elf(), -ENOEXEC);
	says("entry point, 0x1000");
	EQ(ram[MIB], 0xdd);
}

TEST(B1_a_segment_outside_of_ram_is_refused)
{
	machine_of(32 * MIB);
	elf_good();
	elf.ph[2].p_paddr = RAM - 1;
	EQ(load_elf(), -EFAULT);
	says("outside of RAM");
	elf.ph[2].p_paddr = 0xffff800080000000;
	EQ(load_elf(), -EFAULT);
	elf.ph[2].p_paddr = RAM + 32 * MIB - 4096;
	EQ(load_elf(), 0);
	elf.ph[2].p_paddr++;
	EQ(load_elf(), -EFBIG);
	says("give --memory 36M");
	elf_good();
	elf.ph[2].p_memsz = UINT64_MAX;
	EQ(load_elf(), -EFAULT);
	elf.ph[2].p_memsz = -elf.ph[2].p_paddr;
	EQ(load_elf(), -EFAULT);
}
