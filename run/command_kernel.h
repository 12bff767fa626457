/* SPDX-License-Identifier: MIT */
/*
 * What a command's kernel has built in, and what it has as modules, which are
 * then packed along: by /lib/modules/RELEASE of the command's root.
 */
#pragma once

#include <stdbool.h>

#include "core/config.h"

struct closure;

/*
 * command_modules() - the modules that @names (NULL-terminated) take, of @kernel
 *
 * Appends the files to @files, in the order in which they are to be loaded. True
 * if the kernel has all that is named, as far as can be told: of a kernel that is
 * compressed, and has no directory of modules in the root, nothing can.
 */
bool command_modules(const struct closure *root, const char *kernel,
		     const char *const *names, struct strlist *files);
