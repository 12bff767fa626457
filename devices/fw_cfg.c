/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A guest selects an item, and reads it from its beginning, by the data
 * register or by DMA. Both go through read_item(), which gives zeroes past the
 * end. An item is made of parts, and a part is memory or a file: so a kernel
 * goes from the page cache to the guest, and is never copied in between.
 *
 * The directory is an item, too, written anew for each file: the files' keys
 * follow the order of their names, as QEMU's do.
 *
 * Registers, in bytes: data 0..7, selector 8..9, DMA address 16..23. The data
 * register is a stream of bytes; the others are big-endian.
 */
#include "devices/fw_cfg.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"

enum { REG_DATA = 0, REG_SELECT = 8, REG_DMA = 16, REG_DMA_LOW = 20 };

/* The DMA descriptor's control word; the key is in its upper half. */
#define DMA_ERROR  0x01u
#define DMA_READ   0x02u
#define DMA_SKIP   0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE  0x10u

#define KEY_WRITE 0x4000 /* the guest would write; it may still read */

#define SIGNATURE     "QEMU"
#define DMA_SIGNATURE "QEMU CFG"
#define ID_DMA	      3u /* the traditional interface and DMA */

#define ITEMS (FW_CFG_FILES + 16)

struct part {
	uint8_t *data; /* or, if that is NULL, @fd's */
	int fd;
	uint32_t size;
};

struct fw_cfg_item {
	struct fw_cfg *owner;
	uint16_t key;
	char name[FW_CFG_NAME_SIZE]; /* "" for what is no file */
	uint32_t size;
	struct part *part;
	unsigned nparts;
};

/* As a guest reads them. */
struct dir_entry {
	uint32_t size;
	uint16_t key, reserved;
	char name[FW_CFG_NAME_SIZE];
};

struct dma {
	uint32_t control, length;
	uint64_t address;
};

struct fw_cfg {
	struct device dev;
	const struct gmem *gmem;
	unsigned nitems;
	struct fw_cfg_item item[ITEMS];
	struct log_limit complaints;
	pthread_mutex_t lock;
	/* Under the lock. */
	const struct fw_cfg_item *selected; /* or NULL */
	uint32_t offset;		    /* in it, at most its size */
	uint32_t dma_high;		    /* until the low half is written */
};

/* --- items -------------------------------------------------------------- */

static const struct fw_cfg_item *find(const struct fw_cfg *f, uint16_t key)
{
	unsigned i;

	for (i = 0; i < f->nitems; i++)
		if (f->item[i].key == key)
			return &f->item[i];
	return NULL;
}

struct fw_cfg_item *fw_cfg_item(struct fw_cfg *f, uint16_t key)
{
	struct fw_cfg_item *it = &f->item[f->nitems];

	if (f->nitems == ITEMS || find(f, key))
		return NULL;
	*it = (struct fw_cfg_item){ .owner = f, .key = key };
	f->nitems++;
	return it;
}

/* Keys by the order of names; and the directory, of all the files there are. */
static void sort_files(struct fw_cfg *f)
{
	struct fw_cfg_item *dir =
		(struct fw_cfg_item *)find(f, FW_CFG_FILE_DIR);
	uint8_t *out = dir->part[0].data;
	unsigned i, j, n = 0;
	uint32_t count;

	for (i = 0; i < f->nitems; i++) {
		struct fw_cfg_item *it = &f->item[i];
		struct dir_entry d = { .size = htobe32(it->size) };
		unsigned before = 0;

		if (!it->name[0])
			continue;
		for (j = 0; j < f->nitems; j++)
			before += f->item[j].name[0] &&
				  strcmp(f->item[j].name, it->name) < 0;
		it->key = FW_CFG_FILE_FIRST + before;
		d.key = htobe16(it->key);
		memcpy(d.name, it->name, sizeof(d.name));
		memcpy(out + sizeof(count) + before * sizeof(d), &d, sizeof(d));
		n++;
	}
	count = htobe32(n);
	memcpy(out, &count, sizeof(count));
	dir->size = dir->part[0].size =
		sizeof(count) + n * sizeof(struct dir_entry);
}

struct fw_cfg_item *fw_cfg_file(struct fw_cfg *f, const char *name)
{
	const size_t len = strlen(name);
	struct fw_cfg_item *it;
	unsigned i, n = 0;

	if (!len || len >= FW_CFG_NAME_SIZE)
		return NULL;
	for (i = 0; i < f->nitems; i++) {
		if (!strcmp(f->item[i].name, name))
			return NULL;
		n += f->item[i].name[0] != '\0';
	}
	it = n < FW_CFG_FILES ? fw_cfg_item(f, FW_CFG_FILE_FIRST + n) : NULL;
	if (!it)
		return NULL;
	memcpy(it->name, name, len);
	sort_files(f);
	return it;
}

static int append(struct fw_cfg_item *it, const struct part *p, uint64_t len)
{
	struct part *more;

	if (len > UINT32_MAX - it->size)
		return -EFBIG;
	more = reallocarray(it->part, it->nparts + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	it->part = more;
	more[it->nparts] = *p;
	more[it->nparts++].size = len;
	it->size += len;
	if (it->name[0])
		sort_files(it->owner);
	return 0;
}

int fw_cfg_append(struct fw_cfg_item *it, const void *data, size_t len)
{
	struct part p = { .data = malloc(len + 1), .fd = -1 };
	int r;

	if (!p.data)
		return -ENOMEM;
	memcpy(p.data, data, len);
	r = append(it, &p, len);
	if (r < 0)
		free(p.data);
	return r;
}

int fw_cfg_append_fd(struct fw_cfg_item *it, int fd, uint64_t len)
{
	return append(it, &(struct part){ .fd = fd }, len);
}

uint32_t fw_cfg_size(const struct fw_cfg_item *it)
{
	return it->size;
}

/* @len bytes of @p from @off, all within it. A file that has shrunk: -EIO. */
static int read_part(const struct part *p, uint32_t off, uint8_t *buf,
		     size_t len)
{
	if (p->data) {
		memcpy(buf, p->data + off, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(p->fd, buf, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* @len bytes of the selected item, zeroes past its end; the offset moves on. */
static int read_item(struct fw_cfg *f, uint8_t *buf, size_t len)
{
	const struct fw_cfg_item *it = f->selected;
	uint32_t start = 0; /* of the part, in the item */
	unsigned i;
	int r = 0;

	for (i = 0; it && i < it->nparts && len && !r; i++) {
		const struct part *p = &it->part[i];
		const uint32_t off = f->offset - start;
		size_t n;

		start += p->size;
		if (off >= p->size)
			continue;
		n = len < p->size - off ? len : p->size - off;
		r = read_part(p, off, buf, n);
		f->offset += n;
		buf += n;
		len -= n;
	}
	memset(buf, 0, len);
	return r;
}

static void skip(struct fw_cfg *f, uint32_t len)
{
	uint32_t left = f->selected ? f->selected->size - f->offset : 0;

	f->offset += len < left ? len : left;
}

static void select_item(struct fw_cfg *f, uint16_t key)
{
	f->selected = find(f, key & ~KEY_WRITE);
	f->offset = 0;
}

/* --- registers ---------------------------------------------------------- */

/* Into guest memory: all of the range is RAM, or nothing is read. */
static int read_to_guest(struct fw_cfg *f, gpa_t gpa, uint32_t len)
{
	struct iovec iov[GMEM_BANKS];
	int i, r = 0, n = gmem_map(f->gmem, gpa, len, iov, GMEM_BANKS);

	if (n < 0)
		return n;
	for (i = 0; i < n && !r; i++)
		r = read_item(f, iov[i].iov_base, iov[i].iov_len);
	return r;
}

/*
 * The address register is 0 again. The descriptor is copied once; what it says
 * is checked where it is used.
 */
static void transfer(struct fw_cfg *f, gpa_t at)
{
	struct dma d;
	uint32_t control;
	int r = 0;

	f->dma_high = 0;
	if (gmem_read(f->gmem, at, &d, sizeof(d)) < 0) {
		log_guest(&f->complaints,
			  "fw_cfg: a DMA descriptor lies outside RAM");
		return;
	}
	control = be32toh(d.control);
	if (control & DMA_SELECT)
		select_item(f, control >> 16);
	if (control & DMA_READ)
		r = read_to_guest(f, be64toh(d.address), be32toh(d.length));
	else if (control & DMA_WRITE)
		r = -EPERM;
	else if (control & DMA_SKIP)
		skip(f, be32toh(d.length));
	if (r < 0)
		log_guest(&f->complaints, "fw_cfg: DMA failed: %s",
			  strerror(-r));
	d.control = htobe32(r < 0 ? DMA_ERROR : 0);
	gmem_write(f->gmem, at, &d.control, sizeof(d.control));
}

static uint64_t fw_cfg_read(struct device *dev, uint64_t off, unsigned size)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;
	uint8_t bytes[8] = { 0 };
	uint64_t val;

	if (off == REG_DATA) {
		pthread_mutex_lock(&f->lock);
		if (read_item(f, bytes, size) < 0)
			memset(bytes, 0, sizeof(bytes));
		pthread_mutex_unlock(&f->lock);
	} else if (off >= REG_DMA) {
		memcpy(bytes, &DMA_SIGNATURE[off - REG_DMA], size);
	}
	memcpy(&val, bytes, sizeof(val));
	return le64toh(val);
}

static void fw_cfg_write(struct device *dev, uint64_t off, unsigned size,
			 uint64_t val)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;

	pthread_mutex_lock(&f->lock);
	if (off == REG_SELECT && size == 2) {
		select_item(f, __builtin_bswap16(val));
	} else if (off == REG_DMA && size == 8) {
		transfer(f, __builtin_bswap64(val));
	} else if (off == REG_DMA && size == 4) {
		f->dma_high = __builtin_bswap32(val);
	} else if (off == REG_DMA_LOW && size == 4) {
		transfer(f,
			 (uint64_t)f->dma_high << 32 | __builtin_bswap32(val));
	}
	pthread_mutex_unlock(&f->lock);
}

static void fw_cfg_reset(struct device *dev)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;

	pthread_mutex_lock(&f->lock);
	select_item(f, FW_CFG_SIGNATURE);
	f->dma_high = 0;
	pthread_mutex_unlock(&f->lock);
}

static void fw_cfg_free(struct device *dev)
{
	struct fw_cfg *f = (struct fw_cfg *)dev;
	unsigned i, j;

	for (i = 0; i < f->nitems; i++) {
		for (j = 0; j < f->item[i].nparts; j++) {
			if (!f->item[i].part[j].data)
				close(f->item[i].part[j].fd);
			free(f->item[i].part[j].data);
		}
		free(f->item[i].part);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct device_ops fw_cfg_ops = {
	.name = "fw_cfg",
	.read = fw_cfg_read,
	.write = fw_cfg_write,
	.reset = fw_cfg_reset,
	.free = fw_cfg_free,
};

/* The directory gets the room that it may ever need. */
static int add_basics(struct fw_cfg *f)
{
	static const uint8_t room[4 + FW_CFG_FILES * sizeof(struct dir_entry)];
	const uint32_t id = htole32(ID_DMA);
	int r = fw_cfg_append(fw_cfg_item(f, FW_CFG_SIGNATURE), SIGNATURE, 4);

	if (!r)
		r = fw_cfg_append(fw_cfg_item(f, FW_CFG_ID), &id, sizeof(id));
	if (!r)
		r = fw_cfg_append(fw_cfg_item(f, FW_CFG_FILE_DIR), room,
				  sizeof(room));
	if (!r)
		sort_files(f);
	return r;
}

struct fw_cfg *fw_cfg_new(const struct gmem *gmem)
{
	struct fw_cfg *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->dev.ops = &fw_cfg_ops;
	f->gmem = gmem;
	pthread_mutex_init(&f->lock, NULL);
	if (add_basics(f) < 0) {
		fw_cfg_free(&f->dev);
		return NULL;
	}
	select_item(f, FW_CFG_SIGNATURE);
	return f;
}

struct device *fw_cfg_device(struct fw_cfg *f)
{
	return &f->dev;
}
