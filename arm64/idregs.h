/* SPDX-License-Identifier: MIT */
/*
 * The registers by which a CPU tells what it can do, and their fields, under
 * the names of the Arm ARM (DDI 0487, D24.2). All of them lie in what KVM calls
 * the feature ID range (Documentation/virt/kvm/api.rst,
 * KVM_ARM_GET_REG_WRITABLE_MASKS): op0 3, op1 0, 1 or 3, CRn 0, CRm 0 to 7.
 *
 * What has no name here is written by its numbers, as in S3_0_C0_C4_3 and
 * ID_AA64PFR0_EL1[63:60], so that nothing that KVM knows is out of reach.
 * Plain functions of a table; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits @lsb + @width - 1 to @lsb of the register number @reg. */
struct idfield {
	unsigned reg; /* in KVM's feature ID range, below IDREGS */
	unsigned lsb, width;
};

/* Registers in the range, whether there is one of that number or not. */
#define IDREGS (3 * 8 * 8)

/* The number of the register that S3_op1_C0_Ccrm_op2 is. */
#define IDREG(op1, crm, op2) \
	(((op1) == 3 ? 2 : (op1)) << 6 | (crm) << 3 | (op2))

/* Room for the name of any field, with its register's. */
#define IDFIELD_NAME 48

/* What KVM_GET_ONE_REG and KVM_SET_ONE_REG call register @reg. */
uint64_t idreg_kvm_id(unsigned reg);

/*
 * idreg_named() - field number @i of register @reg that has a name, from bit 0 up
 *
 * False past the last.
 */
bool idreg_named(unsigned reg, unsigned i, struct idfield *);

/*
 * idfield_parse() - the field that @name stands for
 *
 * REGISTER.FIELD, or REGISTER[MSB:LSB]. 0, or -ENOENT: no such register;
 * -ENOKEY: the register has no such field.
 */
int idfield_parse(const char *name, struct idfield *);

/* The same the other way: @buf has IDFIELD_NAME bytes. Returns it. */
const char *idfield_name(const struct idfield *, char *buf);

/* The bits of the field, in place. */
static inline uint64_t idfield_mask(const struct idfield *f)
{
	return (f->width < 64 ? (UINT64_C(1) << f->width) - 1 : UINT64_MAX)
	       << f->lsb;
}

static inline uint64_t idfield_get(const struct idfield *f, uint64_t reg)
{
	return (reg & idfield_mask(f)) >> f->lsb;
}

/* @reg with the field at @value, which fits. */
static inline uint64_t idfield_set(const struct idfield *f, uint64_t reg,
				   uint64_t value)
{
	return (reg & ~idfield_mask(f)) | value << f->lsb;
}

static inline bool idfield_overlap(const struct idfield *a,
				   const struct idfield *b)
{
	return a->reg == b->reg && (idfield_mask(a) & idfield_mask(b));
}
