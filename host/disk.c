/* SPDX-License-Identifier: MIT */
/* What is the same for every kind of disk image. */
#include "host/disk.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "core/log.h"
#include "host/disk_impl.h"

struct disk *disk_open(const char *path, bool readonly, struct err *e)
{
	return disk_raw_open(path, readonly, e);
}

void disk_close(struct disk *d)
{
	if (d)
		d->ops->close(d);
}

uint64_t disk_size(const struct disk *d)
{
	return d->size;
}

bool disk_readonly(const struct disk *d)
{
	return d->readonly;
}

uint32_t disk_block_size(const struct disk *d)
{
	return d->block;
}

void disk_restart(struct disk *d)
{
	d->failed = 0;
}

void disk_submit(struct disk *d, struct disk_request *r)
{
	r->result = 0;
	r->moved = 0;
	__atomic_store_n(&r->cancelled, false, __ATOMIC_RELAXED);
	d->ops->submit(d, r);
}

void disk_cancel(struct disk *d, struct disk_request *r)
{
	__atomic_store_n(&r->cancelled, true, __ATOMIC_RELAXED);
	if (d->ops->cancel)
		d->ops->cancel(d, r);
}

int disk_save(const struct disk *d, json_t *to)
{
	json_t *o =
		json_pack("{s:s, s:I, s:b}", "format", d->ops->format, "size",
			  (json_int_t)d->size, "readonly", d->readonly);

	return json_object_update_new(to, o) < 0 ? -ENOMEM : 0;
}

int disk_load(const struct disk *d, const json_t *from, struct err *e)
{
	json_int_t size = 0;
	const char *format;
	int readonly;

	if (json_unpack((json_t *)from, "{s:s, s:I, s:b}", "format", &format,
			"size", &size, "readonly", &readonly) < 0)
		return err_set(e, -EINVAL,
			       "what was saved of a disk is "
			       "damaged");
	if (strcmp(format, d->ops->format))
		return err_set(e, -EINVAL,
			       "the image is %s, and was %.16s; give the one "
			       "that was saved",
			       d->ops->format, format);
	if ((uint64_t)size != d->size)
		return err_set(e, -EINVAL,
			       "the image has %llu bytes, and had %lld; give "
			       "the one that was saved",
			       (unsigned long long)d->size, (long long)size);
	if (readonly != d->readonly)
		return err_set(e, -EINVAL,
			       "the image was open %s; open it in the same way",
			       readonly ? "to read only" : "to write");
	return 0;
}
