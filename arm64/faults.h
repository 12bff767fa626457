/* SPDX-License-Identifier: MIT */
/*
 * Faults that KVM of the host's kernel is known to have, by its version.
 *
 * A version is a hint: whoever ships a kernel may have mended it, and says so
 * elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a guest has that a fault may concern. */
enum fault_part { FAULT_ITS = 1, FAULT_EL2 = 2, FAULT_SVE = 4 };

struct fault {
	unsigned parts;	  /* of a guest, all of which it takes */
	const char *name; /* a CVE's number, or a few words */
	const char *text; /* a sentence: what it does, and the remedy */
};

/*
 * fault_of() - the @i-th that concerns a guest with these @parts
 *
 * @release is the host's uname -r; of one that is no version nothing is known.
 * NULL past the last. Any thread.
 */
const struct fault *fault_of(unsigned i, const char *release, unsigned parts);

/*
 * fault_vendor() - is @release numbered by who ships it, and not by the stable
 * release that it is made from, as 6.12.0-55.el10 is?
 */
bool fault_vendor(const char *release);

/*
 * fault_names() - the names of all of them, with commas
 *
 * False, and @buf empty, if there is none.
 */
bool fault_names(char *buf, size_t size, const char *release, unsigned parts);
