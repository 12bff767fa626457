/* SPDX-License-Identifier: MIT */
/* The version, in the one place that has it. */
#pragma once

#define NESTOR_VERSION "0.1.0"
