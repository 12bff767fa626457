/* SPDX-License-Identifier: MIT */
/*
 * Creating and resetting KVM's ITS, and the KVM route of a message, which
 * depends on the GIC.
 */
#include "arm64/its.h"

#include <unistd.h>

#include "arm64/gicv2m.h"
#include "arm64/map.h"
#include "core/kvm.h"
#include "core/vm.h"
#include "machine/arch.h"
#include "machine/machine.h"

int its_create(struct vm *vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	uint64_t base = MAP_ITS_BASE;
	int r = kvm_ioctlp(vm->fd, KVM_CREATE_DEVICE, &dev);

	if (r < 0)
		return r;
	r = kvm_set_attr(dev.fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			 KVM_VGIC_ITS_ADDR_TYPE, &base);
	if (!r)
		r = kvm_set_attr(dev.fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
				 KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	if (r < 0)
		close(dev.fd);
	return r < 0 ? r : (int)dev.fd;
}

int its_reset(int its_fd)
{
	return kvm_set_attr(its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			    KVM_DEV_ARM_ITS_CTRL_RESET, NULL);
}

bool arch_msi_entry(const struct machine *m, uint16_t id, uint64_t addr,
		    uint32_t data, struct kvm_irq_routing_entry *e)
{
	if (m->gic == GIC_V2) {
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		return gicv2m_takes(addr, data, &e->u.irqchip.pin);
	}
	e->type = KVM_IRQ_ROUTING_MSI;
	e->flags = KVM_MSI_VALID_DEVID;
	e->u.msi.address_lo = addr;
	e->u.msi.address_hi = addr >> 32;
	e->u.msi.data = data;
	e->u.msi.devid = id;
	return true;
}
