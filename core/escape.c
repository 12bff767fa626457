/* SPDX-License-Identifier: MIT */
/* Which bytes of a stream belong to escape sequences: one state, nothing kept. */
#include "core/escape.h"

#include <string.h>

/* What comes next. */
enum { PLAIN, ESCAPE, CONTROL, STRING, STRING_END };

#define ESC '\033'
#define BEL '\007'

bool escape_has(struct escape *x, char c)
{
	const unsigned char u = c;

	if (c == '\n') {
		x->next = PLAIN;
		return false;
	}
	switch (x->next) {
	case PLAIN:
		x->next = c == ESC ? ESCAPE : PLAIN;
		return c == ESC;
	case ESCAPE:
		if (c == '[')
			x->next = CONTROL;
		else if (c && strchr("]P^_X", c))
			x->next = STRING;
		else if (u < 0x20 || u > 0x2f) /* no intermediate byte */
			x->next = PLAIN;
		return true;
	case CONTROL:
		if (u >= 0x40)
			x->next = PLAIN;
		return true;
	case STRING_END:
		x->next = c == '\\' ? PLAIN : STRING;
		return true;
	default:
		if (c == BEL)
			x->next = PLAIN;
		else if (c == ESC)
			x->next = STRING_END;
		return true;
	}
}
