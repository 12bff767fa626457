/* SPDX-License-Identifier: MIT */
/* What arm64/image*.c share. */
#pragma once

#include "machine/image_parts.h"

/* The bytes at the beginning are those of an ARM zImage, for --aarch32. */
bool image_is_zimage(const struct head *);
int image_load_zimage(struct load *l);
