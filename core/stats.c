/* SPDX-License-Identifier: MIT */
/*
 * Reading the descriptors of a KVM statistics file once, and its values by
 * pread().
 */
#include "core/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/kvm.h"

/* Far beyond what any kernel has; they bound what is allocated. */
#define NAME_MAX_SIZE 1024
#define DESCS_MAX     4096

struct stats {
	int fd;
	unsigned n;
	struct stat_desc *desc;
	char *text; /* the descriptors as KVM gave them, with the names */
};

/* All of it, or an error: these files have no partial reads. */
static int read_at(int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t n = pread(fd, buf, len, off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EPROTO;
}

static int parse_one(const struct kvm_stats_header *h,
		     const struct kvm_stats_desc *k, struct stat_desc *d)
{
	unsigned type = k->flags & KVM_STATS_TYPE_MASK;

	if (!k->size || !memchr(k->name, 0, h->name_size))
		return -EPROTO;
	*d = (struct stat_desc){
		.name = k->name,
		.values = k->size,
		.histogram = type == KVM_STATS_TYPE_LINEAR_HIST ||
			     type == KVM_STATS_TYPE_LOG_HIST,
		.at = (uint64_t)h->data_offset + k->offset,
	};
	return 0;
}

static int parse(struct stats *s)
{
	struct kvm_stats_header h;
	size_t stride;
	unsigned i;
	int r = read_at(s->fd, &h, sizeof(h), 0);

	if (r < 0)
		return r;
	/* A stride that is no multiple of four would misalign a descriptor. */
	if (!h.name_size || h.name_size > NAME_MAX_SIZE || h.name_size % 4 ||
	    h.num_desc > DESCS_MAX)
		return -EPROTO;
	stride = sizeof(struct kvm_stats_desc) + h.name_size;
	s->text = malloc(h.num_desc * stride + 1);
	s->desc = calloc(h.num_desc + 1, sizeof(*s->desc));
	if (!s->text || !s->desc)
		return -ENOMEM;
	r = read_at(s->fd, s->text, h.num_desc * stride, h.desc_offset);
	for (i = 0; i < h.num_desc && !r; i++)
		r = parse_one(&h, (void *)(s->text + i * stride), &s->desc[i]);
	s->n = h.num_desc;
	return r;
}

int stats_open(int fd, struct stats **out)
{
	struct stats *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->fd = kvm_ioctl(fd, KVM_GET_STATS_FD, 0);
	r = s->fd < 0 ? s->fd : parse(s);
	if (r < 0) {
		stats_close(s);
		return r;
	}
	*out = s;
	return 0;
}

void stats_close(struct stats *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->desc);
	free(s->text);
	free(s);
}

const struct stat_desc *stats_at(const struct stats *s, unsigned i)
{
	return i < s->n ? &s->desc[i] : NULL;
}

const struct stat_desc *stats_find(const struct stats *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->desc[i].name, name))
			return &s->desc[i];
	return NULL;
}

int stats_read(const struct stats *s, const struct stat_desc *d, uint64_t *val,
	       unsigned n)
{
	return read_at(s->fd, val, n * sizeof(*val), d->at);
}
