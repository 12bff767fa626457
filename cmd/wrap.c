/* SPDX-License-Identifier: MIT */
/* Breaking text into lines between words, for tables that a person reads. */
#include <string.h>

#include "cmd/cmd.h"

#define WIDTH 78

void put_wrapped(FILE *f, unsigned column, const char *text)
{
	size_t room = WIDTH - column, len, cut;

	for (;;) {
		len = cut = strlen(text);
		if (len > room) {
			for (cut = room; cut > 0 && text[cut] != ' '; cut--)
				;
			if (!cut)
				cut = room;
		}
		fprintf(f, "%.*s\n", (int)cut, text);
		text += cut + strspn(text + cut, " ");
		if (!*text)
			return;
		fprintf(f, "%*s", (int)column, "");
	}
}
