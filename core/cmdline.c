/* SPDX-License-Identifier: MIT */
/* One pass over a kernel's command line, which is never changed. */
#include "core/cmdline.h"

#include <stdbool.h>
#include <string.h>

#define BLANK " \t\n\v\f\r\xa0"

/* One parameter: what stands before its first =, and behind it, unquoted. */
struct param {
	const char *name, *value;
	size_t name_len, value_len;
};

static bool is_blank(char c)
{
	return c && strchr(BLANK, c);
}

/* From @p, which is no blank; where it ends. */
static const char *param_read(const char *p, struct param *param)
{
	bool quoted = *p == '"', inside = quoted;
	const char *end, *equals = NULL;

	p += quoted;
	*param = (struct param){ .name = p };
	for (end = p; *end && (inside || !is_blank(*end)); end++) {
		if (*end == '=' && !equals)
			equals = end;
		inside ^= *end == '"';
	}
	param->name_len = (equals ? equals : end) - p;
	if (equals) {
		param->value = equals + 1;
		if (*param->value == '"') {
			param->value++;
			quoted = true;
		}
		param->value_len = end > param->value ? end - param->value : 0;
		if (quoted && param->value_len && end[-1] == '"')
			param->value_len--;
	} else if (quoted && end > p && end[-1] == '"') {
		param->name_len--;
	}
	return end;
}

static bool is_name(const struct param *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->name_len && name[i]; i++) {
		const char a = p->name[i] == '-' ? '_' : p->name[i];
		const char b = name[i] == '-' ? '_' : name[i];

		if (a != b)
			return false;
	}
	return i == p->name_len && !name[i];
}

const char *cmdline_value(const char *cmdline, const char *name, size_t *len)
{
	const char *found = NULL, *p = cmdline;
	struct param param;

	while (p && *(p += strspn(p, BLANK))) {
		p = param_read(p, &param);
		if (param.name_len == 2 && !memcmp(param.name, "--", 2) &&
		    !param.value)
			break;
		if (is_name(&param, name)) {
			found = param.value ? param.value
					    : param.name + param.name_len;
			*len = param.value_len;
		}
	}
	return found;
}
