/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Two things are remembered between accesses: what reads give (the contents,
 * the status, the identifier or the CFI query), and which cycle of a command
 * the next write is. Both chips get each command at once, so there is one
 * state for both, and what they answer stands twice on the bus.
 *
 * Contents change only by store(): a word at a time or a buffer at a time, and
 * bits only from 1 to 0 but for an erase. What a program interrupted at any
 * moment leaves is thus what a chip would.
 */
#include "devices/cfi_flash.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

/* Commands (Intel StrataFlash P30, 316577, table "Command bus cycles"). */
enum {
	PROGRAM = 0x40,
	PROGRAM_ALT = 0x10,
	ERASE = 0x20,
	CLEAR_STATUS = 0x50,
	LOCK = 0x60,
	LOCK_ON = 0x01,
	LOCK_DOWN = 0x2f,
	READ_STATUS = 0x70,
	READ_ID = 0x90,
	READ_QUERY = 0x98,
	BUFFERED = 0xe8,
	CONFIRM = 0xd0,
	READ_ARRAY = 0xff,
};

/* Status register. */
#define SR_READY	 0x80
#define SR_ERASE_ERROR	 0x20
#define SR_PROGRAM_ERROR 0x10
#define SR_LOCKED	 0x02
#define SR_SEQUENCE	 (SR_ERASE_ERROR | SR_PROGRAM_ERROR)

#define BUS_WIDTH  4u /* bytes */
#define CHIPS	   2u
#define WORDS_MASK 0xffffu /* the count that each chip is given */

enum reads { READS_ARRAY, READS_STATUS, READS_ID, READS_QUERY };

/* What the next write is. */
enum cycle {
	C_COMMAND,
	C_WORD,	   /* what to program */
	C_COUNT,   /* how many words follow, less one */
	C_DATA,	   /* one of them */
	C_CONFIRM, /* of the buffer */
	C_ERASE,   /* the same of an erase */
	C_LOCK,	   /* which kind of locking; unlocking confirms */
};

struct cfi_flash {
	struct device dev;
	struct cfi_flash_host host;
	uint64_t size;
	struct log_limit complaints;
	pthread_mutex_t lock;
	/* Under the lock. */
	enum reads reads;
	enum cycle next;
	uint8_t status;
	uint32_t words;	 /* that C_DATA still waits for */
	uint64_t base;	 /* what the buffer is for; valid if lo < hi */
	unsigned lo, hi; /* what of it has been written */
	uint8_t buffer[CFI_FLASH_BUFFER];
};

/* JESD68.01, table 1, for one chip; the sizes are query()'s. */
static const uint8_t cfi_table[] = {
	[0x10] = 'Q',  'R',  'Y',
	[0x13] = 0x01, 0x00,	   /* Intel's extended command set */
	[0x15] = 0x31, 0x00,	   /* whose table is there */
	[0x1b] = 0x45, 0x55,	   /* 4.5 to 5.5 V */
	[0x1f] = 0x07, 0x07, 0x0a, /* 2^n us, us, ms: word, buffer, erase */
	[0x23] = 0x04, 0x04, 0x04, /* at most 2^n times that */
	[0x28] = 0x02,		   /* x8 and x16 */
	[0x2a] = 0x0b,		   /* 2^n bytes of buffer */
	[0x2c] = 0x01,		   /* one region of equal blocks */
	[0x31] = 'P',  'R',  'I',
	'1',	       '0',  [0x3f] = 0x01, /* one protection register */
};
static_assert(CHIPS << 0x0b == CFI_FLASH_BUFFER, "what the table says");

#define DEVICE_SIZE 0x27 /* 2^n bytes */
#define REGION	    0x2d /* blocks less one, 256ths of a block's size */

static uint8_t query(const struct cfi_flash *f, uint64_t word)
{
	uint32_t region = (CFI_FLASH_BLOCK / CHIPS / 256) << 16 |
			  (f->size / CFI_FLASH_BLOCK - 1);

	if (word == DEVICE_SIZE)
		return __builtin_ctzll(f->size / CHIPS);
	if (word >= REGION && word < REGION + 4)
		return region >> (word - REGION) * 8;
	return word < sizeof(cfi_table) ? cfi_table[word] : 0;
}

/* Manufacturer and device; a block's lock, which is off, and anything else. */
static uint8_t identifier(uint64_t word)
{
	switch (word & 0xff) {
	case 0:
		return 0x89;
	case 1:
		return 0x18;
	}
	return 0;
}

/* What each chip says at @off. */
static uint8_t answer(const struct cfi_flash *f, uint64_t off)
{
	switch (f->reads) {
	case READS_ID:
		return identifier(off / BUS_WIDTH);
	case READS_QUERY:
		return query(f, off / BUS_WIDTH);
	default:
		return f->status;
	}
}

#define ERASED 0xffu

/* The @len bytes of the contents at @off. */
static void load(const struct cfi_flash *f, uint64_t off, void *buf, size_t len)
{
	const uint8_t *mem = f->host.mem(f->host.ctx);

	if (mem)
		memcpy(buf, mem + off, len);
	else
		memset(buf, ERASED, len);
}

static uint64_t cfi_flash_read(struct device *dev, uint64_t off, unsigned size)
{
	struct cfi_flash *f = (struct cfi_flash *)dev;
	uint64_t val = 0;
	unsigned i;

	pthread_mutex_lock(&f->lock);
	if (f->reads == READS_ARRAY)
		load(f, off, &val, size);
	else
		for (i = -off % CHIPS; i < size; i += CHIPS)
			val |= (uint64_t)answer(f, off + i) << i * 8;
	pthread_mutex_unlock(&f->lock);
	return val;
}

static void set_reads(struct cfi_flash *f, enum reads reads)
{
	bool was = f->reads == READS_ARRAY, is = reads == READS_ARRAY;

	f->reads = reads;
	if (was != is)
		f->host.array(f->host.ctx, is);
}

/* Back to single commands; @errors are to be seen until they are cleared. */
static void finish(struct cfi_flash *f, uint8_t errors)
{
	f->status |= errors;
	f->next = C_COMMAND;
}

/* Write @buf over the contents; @error is that of this kind of write. */
static void store(struct cfi_flash *f, uint64_t off, const void *buf,
		  size_t len, uint8_t error)
{
	int r;

	if (!f->host.store) {
		finish(f, error | SR_LOCKED);
		return;
	}
	r = f->host.store(f->host.ctx, off, buf, len);
	if (r < 0)
		log_guest(&f->complaints, "flash: cannot be written: %s",
			  strerror(-r));
	finish(f, r < 0 ? error : 0);
}

/* Bits only go from 1 to 0. At most a buffer's length. */
static void program(struct cfi_flash *f, uint64_t off, const uint8_t *data,
		    size_t len)
{
	uint8_t buf[CFI_FLASH_BUFFER];
	size_t i;

	load(f, off, buf, len);
	for (i = 0; i < len; i++)
		buf[i] &= data[i];
	store(f, off, buf, len, SR_PROGRAM_ERROR);
}

static void erase(struct cfi_flash *f, uint64_t off)
{
	static const uint8_t erased[4096] = { [0 ... 4095] = ERASED };
	const uint64_t end = (off | (CFI_FLASH_BLOCK - 1)) + 1;

	for (off = end - CFI_FLASH_BLOCK; off < end; off += sizeof(erased))
		store(f, off, erased, sizeof(erased), SR_ERASE_ERROR);
}

/*
 * The first cycle. What is no command leads back to the contents; and so does
 * clearing the status, after which a chip would go on telling it: drivers are
 * used to QEMU's bank here.
 */
static void command(struct cfi_flash *f, uint8_t cmd)
{
	enum reads reads = READS_STATUS;

	switch (cmd) {
	case PROGRAM:
	case PROGRAM_ALT:
		f->next = C_WORD;
		break;
	case ERASE:
		f->next = C_ERASE;
		break;
	case BUFFERED:
		f->next = C_COUNT;
		break;
	case LOCK:
		f->next = C_LOCK;
		break;
	case READ_STATUS:
		break;
	case READ_ID:
		reads = READS_ID;
		break;
	case READ_QUERY:
		reads = READS_QUERY;
		break;
	case CLEAR_STATUS:
		f->status = SR_READY;
		reads = READS_ARRAY;
		break;
	default:
		reads = READS_ARRAY;
	}
	set_reads(f, reads);
}

static void begin_buffer(struct cfi_flash *f, uint32_t count)
{
	if (count >= CFI_FLASH_BUFFER / BUS_WIDTH) {
		finish(f, SR_SEQUENCE);
		return;
	}
	f->words = count + 1;
	f->lo = f->hi = 0;
	memset(f->buffer, ERASED, sizeof(f->buffer));
	f->next = C_DATA;
}

/* All of a buffer lies within one aligned range as long as the buffer. */
static void fill_buffer(struct cfi_flash *f, uint64_t off, unsigned size,
			uint64_t val)
{
	const unsigned at = off % CFI_FLASH_BUFFER;

	if (f->lo == f->hi) {
		f->base = off - at;
		f->lo = at;
	}
	if (off - at != f->base || size > CFI_FLASH_BUFFER - at) {
		finish(f, SR_SEQUENCE);
		return;
	}
	memcpy(f->buffer + at, &val, size);
	if (at < f->lo)
		f->lo = at;
	if (at + size > f->hi)
		f->hi = at + size;
	if (!--f->words)
		f->next = C_CONFIRM;
}

/* Something else came instead of a confirmation. */
static void cancel(struct cfi_flash *f, uint8_t cmd)
{
	finish(f, cmd == READ_ARRAY ? 0 : SR_SEQUENCE);
	if (cmd == READ_ARRAY)
		set_reads(f, READS_ARRAY);
}

/* Any cycle but the first, of no more than the bus's width. */
static void follow(struct cfi_flash *f, uint64_t off, unsigned size,
		   uint64_t val)
{
	const uint8_t cmd = val;

	switch (f->next) {
	case C_WORD:
		program(f, off, (const uint8_t *)&val, size);
		break;
	case C_COUNT:
		begin_buffer(f, val & WORDS_MASK);
		break;
	case C_DATA:
		fill_buffer(f, off, size, val);
		break;
	case C_CONFIRM:
		if (cmd == CONFIRM)
			program(f, f->base + f->lo, f->buffer + f->lo,
				f->hi - f->lo);
		else
			cancel(f, cmd);
		break;
	case C_ERASE:
		if (cmd == CONFIRM)
			erase(f, off);
		else
			cancel(f, cmd);
		break;
	default:
		if (cmd == LOCK_ON || cmd == LOCK_DOWN || cmd == CONFIRM)
			finish(f, 0);
		else
			cancel(f, cmd);
	}
}

static void cfi_flash_write(struct device *dev, uint64_t off, unsigned size,
			    uint64_t val)
{
	struct cfi_flash *f = (struct cfi_flash *)dev;

	pthread_mutex_lock(&f->lock);
	/* What is wider than the bus comes in two cycles. */
	for (;; off += BUS_WIDTH, size -= BUS_WIDTH, val >>= 32) {
		unsigned n = size < BUS_WIDTH ? size : BUS_WIDTH;

		if (f->next == C_COMMAND)
			command(f, val);
		else
			follow(f, off, n, val);
		if (size <= BUS_WIDTH)
			break;
	}
	pthread_mutex_unlock(&f->lock);
}

static void cfi_flash_reset(struct device *dev)
{
	struct cfi_flash *f = (struct cfi_flash *)dev;

	pthread_mutex_lock(&f->lock);
	f->status = SR_READY;
	f->next = C_COMMAND;
	set_reads(f, READS_ARRAY);
	pthread_mutex_unlock(&f->lock);
}

static void cfi_flash_free(struct device *dev)
{
	struct cfi_flash *f = (struct cfi_flash *)dev;

	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct device_ops cfi_flash_ops = {
	.name = "cfi_flash",
	.read = cfi_flash_read,
	.write = cfi_flash_write,
	.reset = cfi_flash_reset,
	.free = cfi_flash_free,
};

struct device *cfi_flash_new(const struct cfi_flash_host *host, uint64_t size)
{
	struct cfi_flash *f = calloc(1, sizeof(*f));

	assert(size >= 2 * CFI_FLASH_BLOCK && !(size & (size - 1)));
	if (!f)
		return NULL;
	f->dev.ops = &cfi_flash_ops;
	f->host = *host;
	f->size = size;
	f->status = SR_READY;
	pthread_mutex_init(&f->lock, NULL);
	return &f->dev;
}
