/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/kvm.h"

#define CALLS	 4096
#define CAPS	 512
#define RUN_SIZE 4096

struct fake_call fake_calls[CALLS];
unsigned fake_ncalls;
static int caps[CAPS];
static unsigned long fail_request;
static unsigned fail_nth;
static int fail_err, open_err;
static uint32_t absent_device;
static uint64_t one_reg;
static struct idreg {
	uint64_t id, val, limit, writable;
} idregs[16];
static unsigned nidregs;
static struct attr {
	uint32_t group, val;
	uint64_t attr;
} attrs[16];
static unsigned nattrs;
static uint32_t mp_state;
static const void *stats;
static size_t stats_size;

void fake_kvm_reset(void)
{
	fake_ncalls = 0;
	fail_err = open_err = 0;
	absent_device = 0;
	one_reg = 0;
	nidregs = 0;
	nattrs = 0;
	mp_state = KVM_MP_STATE_RUNNABLE;
	stats = NULL;
	memset(caps, 0, sizeof(caps));
	caps[KVM_CAP_ARM_VM_IPA_SIZE] = 40;
	caps[KVM_CAP_MAX_VCPUS] = 512;
	caps[KVM_CAP_ARM_PMU_V3] = 1;
	caps[KVM_CAP_ARM_SVE] = 1;
	caps[KVM_CAP_ARM_PTRAUTH_ADDRESS] = 1;
	caps[KVM_CAP_ARM_PTRAUTH_GENERIC] = 1;
	caps[KVM_CAP_STEAL_TIME] = 1;
}

uint8_t *fake_kvm_at(uint64_t gpa)
{
	const struct fake_call *c;

	for (c = fake_calls; c < fake_calls + fake_ncalls; c++)
		if (c->request == KVM_SET_USER_MEMORY_REGION && gpa >= c->a &&
		    gpa - c->a < (c->b & ~0xfffull))
			return c->hva + (gpa - c->a);
	return NULL;
}

void fake_kvm_cap(unsigned cap, int value)
{
	caps[cap] = value;
}

void fake_kvm_fail(unsigned long request, unsigned nth, int err)
{
	fail_request = request;
	fail_nth = nth;
	fail_err = err;
}

void fake_kvm_no_device(uint32_t type)
{
	absent_device = type;
}

void fake_kvm_reg(uint64_t val)
{
	one_reg = val;
}

void fake_kvm_idreg(uint64_t id, uint64_t val, uint64_t writable)
{
	idregs[nidregs++] = (struct idreg){ id, val, val, writable };
}

static struct idreg *find_idreg(uint64_t id)
{
	unsigned i;

	for (i = 0; i < nidregs; i++)
		if (idregs[i].id == id)
			return &idregs[i];
	return NULL;
}

void fake_kvm_attr(uint32_t group, uint64_t attr, uint32_t val)
{
	attrs[nattrs++] = (struct attr){ group, val, attr };
}

static int get_attr(const struct kvm_device_attr *a)
{
	uint32_t *val = (uint32_t *)(uintptr_t)a->addr;
	unsigned i;

	*val = 0;
	for (i = 0; i < nattrs; i++)
		if (attrs[i].group == a->group && attrs[i].attr == a->attr)
			*val = attrs[i].val;
	return 0;
}

void fake_kvm_mp_state(uint32_t state)
{
	mp_state = state;
}

/* op0 3, CRn 0: what KVM calls the feature ID range. */
static bool is_idreg(uint64_t id)
{
	return (id & ~(uint64_t)0x387f) == ARM64_SYS_REG(3, 0, 0, 0, 0);
}

static int get_reg(const struct kvm_one_reg *r)
{
	const struct idreg *id = find_idreg(r->id);

	if (!id && nidregs && is_idreg(r->id))
		return -ENOENT;
	*(uint64_t *)(uintptr_t)r->addr = id ? id->val : one_reg;
	return 0;
}

static int set_reg(const struct kvm_one_reg *r)
{
	uint64_t val = *(uint64_t *)(uintptr_t)r->addr;
	struct idreg *id = find_idreg(r->id);
	unsigned i;

	if (!id)
		return nidregs && is_idreg(r->id) ? -ENOENT : 0;
	if ((val ^ id->limit) & ~id->writable)
		return -EINVAL;
	for (i = 0; i < 64; i += 4)
		if ((val >> i & 15) > (id->limit >> i & 15))
			return -EINVAL;
	id->val = val;
	return 0;
}

static int get_masks(const struct reg_mask_range *range)
{
	uint64_t *mask = (uint64_t *)(uintptr_t)range->addr;
	unsigned i;

	for (i = 0; i < nidregs; i++) {
		uint64_t id = idregs[i].id;

		mask[KVM_ARM_FEATURE_ID_RANGE_IDX(3, id >> 11 & 7, 0,
						  id >> 3 & 15, id & 7)] =
			idregs[i].writable;
	}
	return 0;
}

void fake_kvm_no_kvm(int err)
{
	open_err = err;
}

void fake_kvm_stats(const void *file, size_t size)
{
	stats = file;
	stats_size = size;
}

unsigned fake_kvm_count(unsigned long request)
{
	unsigned i, n = 0;

	for (i = 0; i < fake_ncalls; i++)
		n += fake_calls[i].request == request;
	return n;
}

static int descriptor(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int stats_file(void)
{
	int fd;

	if (!stats)
		return -ENOTTY;
	fd = memfd_create("stats", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, stats, stats_size, 0) != (ssize_t)stats_size)
		return -EIO;
	return fd;
}

int kvm_open(void)
{
	return open_err ? -open_err : descriptor();
}

struct kvm_run *kvm_map_run(int vcpu_fd, size_t size)
{
	static char pages[512][RUN_SIZE] __attribute__((aligned(16)));
	static unsigned next;

	(void)vcpu_fd;
	(void)size;
	return (struct kvm_run *)pages[next++ % 512];
}

static const struct name {
	unsigned long request;
	const char *name;
} names[] = {
#define N(r)                \
	{                   \
		KVM_##r, #r \
	}
	N(GET_API_VERSION),
	N(CHECK_EXTENSION),
	N(GET_VCPU_MMAP_SIZE),
	N(CREATE_VM),
	N(ARM_PREFERRED_TARGET),
	N(ENABLE_CAP),
	N(SET_USER_MEMORY_REGION),
	N(CREATE_VCPU),
	N(CREATE_DEVICE),
	N(SET_DEVICE_ATTR),
	N(ARM_VCPU_INIT),
	N(ARM_VCPU_FINALIZE),
	N(SET_ONE_REG),
	N(GET_ONE_REG),
	N(SET_MP_STATE),
	N(SET_VCPU_EVENTS),
	N(IRQ_LINE),
	N(IRQFD),
	N(SET_GSI_ROUTING),
	N(IOEVENTFD),
	N(RUN),
	N(GET_STATS_FD),
	N(ARM_GET_REG_WRITABLE_MASKS),
#undef N
};

/* What of the argument a reader of the log wants to see. */
static void digest(struct fake_call *c, unsigned long arg)
{
	const void *p = (const void *)arg;

	switch (c->request) {
	case KVM_SET_DEVICE_ATTR: {
		const struct kvm_device_attr *a = p;

		c->a = a->group;
		c->b = a->attr;
		break;
	}
	case KVM_CREATE_DEVICE:
		c->a = ((const struct kvm_create_device *)p)->type;
		c->b = ((const struct kvm_create_device *)p)->flags;
		break;
	case KVM_SET_USER_MEMORY_REGION: {
		const struct kvm_userspace_memory_region *r = p;

		c->a = r->guest_phys_addr;
		c->b = r->memory_size | r->flags;
		c->hva = (uint8_t *)(uintptr_t)r->userspace_addr;
		break;
	}
	case KVM_ARM_VCPU_INIT:
		c->a = ((const struct kvm_vcpu_init *)p)->features[0];
		break;
	case KVM_SET_ONE_REG: {
		const struct kvm_one_reg *r = p;

		c->a = r->id;
		c->b = *(uint64_t *)(uintptr_t)r->addr;
		break;
	}
	case KVM_ENABLE_CAP:
		c->a = ((const struct kvm_enable_cap *)p)->cap;
		break;
	case KVM_IOEVENTFD: {
		const struct kvm_ioeventfd *io = p;

		c->a = io->addr;
		c->b = io->datamatch;
		break;
	}
	case KVM_IRQFD:
		c->a = ((const struct kvm_irqfd *)p)->gsi;
		break;
	case KVM_SET_GSI_ROUTING: {
		/* How many there are, and the last: a message, or a pin. */
		const struct kvm_irq_routing *t = p;
		const struct kvm_irq_routing_entry *e = &t->entries[t->nr - 1];

		c->a = t->nr;
		c->b = e->type == KVM_IRQ_ROUTING_MSI
			       ? (uint64_t)e->u.msi.devid << 32 | e->u.msi.data
			       : e->u.irqchip.pin;
		break;
	}
	case KVM_CHECK_EXTENSION:
	case KVM_CREATE_VM:
	case KVM_CREATE_VCPU:
		c->a = arg;
	}
}

static int (*on_run)(int fd);

void fake_kvm_on_run(int (*fn)(int fd))
{
	on_run = fn;
}

/* True: it is to fail. vCPUs' threads call at once. */
static bool note(int fd, unsigned long request, unsigned long arg)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct fake_call *c;
	bool fails;

	pthread_mutex_lock(&lock);
	c = &fake_calls[fake_ncalls % CALLS];
	*c = (struct fake_call){ .fd = fd, .request = request };
	digest(c, arg);
	fake_ncalls++;
	fails = fail_err && request == fail_request &&
		fake_kvm_count(request) >= fail_nth;
	pthread_mutex_unlock(&lock);
	return fails;
}

int kvm_ioctl(int fd, unsigned long request, unsigned long arg)
{
	struct kvm_create_device *dev;
	int r;

	if (request == KVM_RUN && on_run)
		return on_run(fd);
	if (note(fd, request, arg))
		return -fail_err;
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return arg < CAPS ? caps[arg] : 0;
	case KVM_GET_API_VERSION:
		return 12;
	case KVM_GET_VCPU_MMAP_SIZE:
		return RUN_SIZE;
	case KVM_CREATE_VM:
	case KVM_CREATE_VCPU:
		return descriptor();
	case KVM_GET_STATS_FD:
		return stats_file();
	case KVM_ARM_PREFERRED_TARGET:
		((struct kvm_vcpu_init *)arg)->target = 5;
		return 0;
	case KVM_GET_ONE_REG:
		return get_reg((struct kvm_one_reg *)arg);
	case KVM_GET_DEVICE_ATTR:
		return get_attr((struct kvm_device_attr *)arg);
	case KVM_GET_MP_STATE:
		((struct kvm_mp_state *)arg)->mp_state = mp_state;
		return 0;
	case KVM_SET_ONE_REG:
		return set_reg((struct kvm_one_reg *)arg);
	case KVM_ARM_GET_REG_WRITABLE_MASKS:
		return get_masks((struct reg_mask_range *)arg);
	case KVM_CREATE_DEVICE:
		dev = (struct kvm_create_device *)arg;
		if (dev->type == absent_device)
			return -ENODEV;
		r = dev->flags & KVM_CREATE_DEVICE_TEST ? 0 : descriptor();
		dev->fd = r;
		return r < 0 ? r : 0;
	}
	return 0;
}

const char *fake_kvm_log(void)
{
	static char text[1 << 16];
	size_t n = 0;
	unsigned i, j;

	text[0] = 0;
	for (i = 0; i < fake_ncalls && n < sizeof(text) - 128; i++) {
		const struct fake_call *c = &fake_calls[i];
		const char *name = "?";

		if (c->request == KVM_CHECK_EXTENSION ||
		    c->request == KVM_GET_VCPU_MMAP_SIZE)
			continue;
		for (j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			if (names[j].request == c->request)
				name = names[j].name;
		n += snprintf(text + n, sizeof(text) - n, "%s %#llx %#llx\n",
			      name, (unsigned long long)c->a,
			      (unsigned long long)c->b);
	}
	return text;
}
