/* SPDX-License-Identifier: MIT */
/*
 * A length stands before what it is the length of, and is as short as it can
 * be: so it is inserted when the end is known. What is open at that time begins
 * before it, and stays where it is.
 */
#include "machine/aml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 4096

/* Encodings (ACPI 6.5, 20.2). */
enum {
	ONE = 0x01,
	NAME = 0x08,
	BYTE = 0x0a,
	WORD = 0x0b,
	DWORD = 0x0c,
	STRING = 0x0d,
	QWORD = 0x0e,
	SCOPE = 0x10,
	BUFFER = 0x11,
	PACKAGE = 0x12,
	METHOD = 0x14,
	DUAL_NAME = 0x2e,
	EXTENDED = 0x5b,
	EXTENDED_DEVICE = 0x82,
	IF = 0xa0,
};

#define METHOD_SERIALIZED 0x08

/* Resource descriptors (6.4.2, 6.4.3). */
enum {
	RES_END = 0x79,
	RES_MEMORY32 = 0x86,
	RES_DWORD = 0x87,
	RES_WORD = 0x88,
	RES_INTERRUPT = 0x89,
	RES_QWORD = 0x8a,
	RES_GPIO = 0x8c,
};

#define WRITABLE	  1u
#define CONSUMER	  1u
#define EDGE		  2u /* of an interrupt; else a level */
#define GPIO_EDGE	  1u
#define FIXED_ENDS	  0x0cu /* both */
#define IO_ENTIRE	  3u
#define IO_IS_MEMORY_HERE 0x10u /* TypeTranslation */

bool aml_failed(const struct aml *a)
{
	return a->failed;
}

/* Room for @n bytes more, which begin where the contents ended. */
static uint8_t *more(struct aml *a, size_t n)
{
	size_t room = a->room ? a->room : ROOM_FIRST;
	uint8_t *grown;

	while (room < a->size + n)
		room *= 2;
	if (room != a->room && !a->failed) {
		grown = realloc(a->data, room);
		a->failed = !grown;
		if (grown) {
			a->data = grown;
			a->room = room;
		}
	}
	if (a->failed)
		return NULL;
	a->size += n;
	return a->data + a->size - n;
}

static void store(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (; bytes--; v >>= 8)
		*p++ = v;
}

void aml_put(struct aml *a, uint64_t v, unsigned bytes)
{
	uint8_t *p = more(a, bytes);

	if (p)
		store(p, v, bytes);
}

void aml_put_all(struct aml *a, const void *data, size_t len)
{
	uint8_t *p = more(a, len);

	if (p)
		memcpy(p, data, len);
}

void aml_poke(struct aml *a, size_t at, uint64_t v, unsigned bytes)
{
	if (a->failed)
		return;
	assert(at + bytes <= a->size);
	store(a->data + at, v, bytes);
}

/* --- what is begun and ended ------------------------------------------------ */

static void begin(struct aml *a)
{
	if (a->depth == AML_DEPTH)
		a->failed = true;
	else
		a->open[a->depth++] = a->size;
}

static void insert(struct aml *a, size_t at, const uint8_t *data, size_t n)
{
	if (!more(a, n))
		return;
	memmove(a->data + at + n, a->data + at, a->size - n - at);
	memcpy(a->data + at, data, n);
}

/*
 * Of what stands from @at to here, and of itself: one byte with 6 bits, or one
 * with the number of further ones and the lowest 4 bits (20.2.4).
 */
static void insert_length(struct aml *a, size_t at)
{
	uint64_t len = a->size - at + 1;
	uint8_t byte[4] = { len };
	unsigned n = 1;

	if (len > 0x3f) {
		while (++len >> (4 + 8 * n))
			n++;
		byte[0] = n << 6 | (len & 0xf);
		store(byte + 1, len >> 4, n);
		n++;
	}
	insert(a, at, byte, n);
}

void aml_end(struct aml *a)
{
	if (a->failed)
		return;
	assert(a->depth);
	insert_length(a, a->open[--a->depth]);
}

void aml_scope(struct aml *a, const char *name)
{
	aml_put(a, SCOPE, 1);
	begin(a);
	aml_path(a, name);
}

void aml_device(struct aml *a, const char *name)
{
	aml_put(a, EXTENDED, 1);
	aml_put(a, EXTENDED_DEVICE, 1);
	begin(a);
	aml_path(a, name);
}

void aml_method(struct aml *a, const char *name, unsigned args)
{
	aml_put(a, METHOD, 1);
	begin(a);
	aml_path(a, name);
	aml_put(a, METHOD_SERIALIZED | args, 1);
}

void aml_package(struct aml *a, unsigned n)
{
	assert(n <= UINT8_MAX);
	aml_put(a, PACKAGE, 1);
	begin(a);
	aml_put(a, n, 1);
}

void aml_if(struct aml *a)
{
	aml_put(a, IF, 1);
	begin(a);
}

void aml_op(struct aml *a, enum aml_op op)
{
	aml_put(a, op, 1);
}

/* --- objects ---------------------------------------------------------------- */

/* Up to @end; what it lacks is filled up. */
static void put_segment(struct aml *a, const char *s, const char *end)
{
	char seg[4] = { '_', '_', '_', '_' };

	assert(end > s && (size_t)(end - s) <= sizeof(seg));
	memcpy(seg, s, end - s);
	aml_put_all(a, seg, sizeof(seg));
}

void aml_path(struct aml *a, const char *name)
{
	const char *dot;

	if (*name == '\\')
		aml_put(a, *name++, 1);
	dot = strchr(name, '.');
	if (dot) {
		aml_put(a, DUAL_NAME, 1);
		put_segment(a, name, dot);
		name = dot + 1;
	}
	put_segment(a, name, name + strlen(name));
}

static unsigned int_encode(uint64_t v, uint8_t byte[9])
{
	const unsigned bytes = v <= ONE		 ? 0
			       : v <= UINT8_MAX	 ? 1
			       : v <= UINT16_MAX ? 2
			       : v <= UINT32_MAX ? 4
						 : 8;
	static const uint8_t prefix[] = {
		[1] = BYTE, [2] = WORD, [4] = DWORD, [8] = QWORD
	};

	byte[0] = bytes ? prefix[bytes] : v;
	store(byte + 1, v, bytes);
	return 1 + bytes;
}

void aml_int(struct aml *a, uint64_t v)
{
	uint8_t byte[9];

	aml_put_all(a, byte, int_encode(v, byte));
}

void aml_string(struct aml *a, const char *s)
{
	aml_put(a, STRING, 1);
	aml_put_all(a, s, strlen(s) + 1);
}

/* Three letters of 5 bits, four digits, big-endian (6.1.5, 19.3.4). */
static void put_eisa(struct aml *a, const char *id)
{
	const uint32_t letters =
		(id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');

	aml_put(a, DWORD, 1);
	aml_put(a, __builtin_bswap32(letters << 16 | strtoul(id + 3, NULL, 16)),
		4);
}

void aml_id(struct aml *a, const char *id)
{
	if (strlen(id) == 7)
		put_eisa(a, id);
	else
		aml_string(a, id);
}

/* What follows is that of a buffer, until end_buffer(). */
static void begin_buffer(struct aml *a)
{
	aml_put(a, BUFFER, 1);
	begin(a);
}

static void end_buffer(struct aml *a)
{
	uint8_t byte[9];
	size_t at;

	if (a->failed)
		return;
	at = a->open[a->depth - 1];
	insert(a, at, byte, int_encode(a->size - at, byte));
	aml_end(a);
}

void aml_buffer(struct aml *a, const void *data, size_t len)
{
	begin_buffer(a);
	aml_put_all(a, data, len);
	end_buffer(a);
}

void aml_name(struct aml *a, const char *name)
{
	aml_put(a, NAME, 1);
	aml_path(a, name);
}

void aml_name_int(struct aml *a, const char *name, uint64_t v)
{
	aml_name(a, name);
	aml_int(a, v);
}

void aml_name_id(struct aml *a, const char *name, const char *id)
{
	aml_name(a, name);
	aml_id(a, id);
}

/* --- resources -------------------------------------------------------------- */

void aml_resources(struct aml *a, const char *name)
{
	aml_name(a, name);
	begin_buffer(a);
}

/* A checksum of 0 is one that is not looked at (6.4.2.9). */
void aml_resources_end(struct aml *a)
{
	aml_put(a, RES_END, 1);
	aml_put(a, 0, 1);
	end_buffer(a);
}

/* A large descriptor, of @len bytes behind these three (6.4.3). */
static void put_large(struct aml *a, uint8_t tag, uint16_t len)
{
	aml_put(a, tag, 1);
	aml_put(a, len, 2);
}

void aml_res_memory(struct aml *a, uint32_t base, uint32_t size)
{
	put_large(a, RES_MEMORY32, 9);
	aml_put(a, WRITABLE, 1);
	aml_put(a, base, 4);
	aml_put(a, size, 4);
}

void aml_res_interrupt(struct aml *a, uint32_t gsi, bool edge)
{
	put_large(a, RES_INTERRUPT, 6);
	aml_put(a, CONSUMER | (edge ? EDGE : 0), 1);
	aml_put(a, 1, 1);
	aml_put(a, gsi, 4);
}

void aml_res_window(struct aml *a, const struct aml_window *w, bool own)
{
	static const uint8_t flags[] = {
		[AML_SPACE_MEMORY] = WRITABLE,
		[AML_SPACE_IO] = IO_ENTIRE | IO_IS_MEMORY_HERE,
		[AML_SPACE_BUS] = 0,
	};

	put_large(a,
		  w->bytes == 8	  ? RES_QWORD
		  : w->bytes == 4 ? RES_DWORD
				  : RES_WORD,
		  3 + 5 * w->bytes);
	aml_put(a, w->space, 1);
	aml_put(a, FIXED_ENDS | (own ? CONSUMER : 0), 1);
	aml_put(a, flags[w->space], 1);
	aml_put(a, 0, w->bytes); /* no granularity */
	aml_put(a, w->first, w->bytes);
	aml_put(a, w->first + w->size - 1, w->bytes);
	aml_put(a, w->offset, w->bytes);
	aml_put(a, w->size, w->bytes);
}

#define GPIO_PINS 23 /* bytes of the descriptor before its pins */

void aml_res_gpio_event(struct aml *a, unsigned pin, const char *source)
{
	const size_t name = GPIO_PINS + 2, end = name + strlen(source) + 1;

	put_large(a, RES_GPIO, end - 3);
	aml_put(a, 1, 1); /* revision */
	aml_put(a, 0, 1); /* an interrupt */
	aml_put(a, CONSUMER, 2);
	aml_put(a, GPIO_EDGE, 2);
	aml_put(a, 0, 1); /* pulled as it is */
	aml_put(a, 0, 2); /* drive */
	aml_put(a, 0, 2); /* debounce */
	aml_put(a, GPIO_PINS, 2);
	aml_put(a, 0, 1);
	aml_put(a, name, 2);
	aml_put(a, end, 2); /* vendor's data: none */
	aml_put(a, 0, 2);
	aml_put(a, pin, 2);
	aml_put_all(a, source, strlen(source) + 1);
}
