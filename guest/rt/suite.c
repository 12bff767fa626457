/* SPDX-License-Identifier: MIT */
/* The beginning and the end of a test suite's program. */
#include "guest/rt/suite.h"

#include "guest/rt/vgic.h"

#define MAX_ENV	 4096u
#define PSCI_HVC "hvc"
#define PSCI_SMC "smc"

uint8_t *suite_tree;

static const char *suite_name;
static char env[MAX_ENV + 1];
static unsigned results, failures;

static bool begins(const char *s, const char *with)
{
	while (*with && *s == *with)
		s++, with++;
	return !*with;
}

void expect(bool ok, const char *what)
{
	results++;
	failures += !ok;
	print("%s: %s: %s\n", ok ? "PASS" : "FAIL", suite_name, what);
}

/* A copy, with zeroes for ends of lines. Bytes past its end are not its. */
static void read_env(void)
{
	uint8_t *node = tree_node(suite_tree, "chosen", 0);
	uint32_t len;
	const uint8_t *start =
		tree_prop(suite_tree, node, "linux,initrd-start", &len);
	const uint8_t *end =
		tree_prop(suite_tree, node, "linux,initrd-end", &len);
	const volatile char *from;
	uint64_t n, i;

	if (!start || !end)
		return;
	from = (const volatile char *)be64(start);
	n = be64(end) - be64(start);
	if (n > MAX_ENV)
		n = MAX_ENV;
	for (i = 0; i < n; i++)
		env[i] = from[i] == '\n' ? 0 : from[i];
	print("INFO: %s: environment of %u bytes\n", suite_name, n);
}

const char *suite_env(const char *key)
{
	const char *s = env, *end = env + MAX_ENV;

	while (s < end) {
		if (begins(s, key)) {
			const char *v = s;

			while (*v && *v != '=')
				v++;
			if (*v)
				return v + 1;
		}
		while (s < end && *s)
			s++;
		s++;
	}
	return NULL;
}

unsigned suite_cpus(void)
{
	unsigned n = 0;

	while (tree_node(suite_tree, "cpu", n))
		n++;
	return n;
}

/* Three cells each: 0 an SPI, 1 a PPI; its number; its trigger. */
unsigned suite_intid(const char *node, unsigned n)
{
	const uint8_t *cells =
		tree_find(suite_tree, node, "interrupts", 12 * (n + 1)) +
		12 * n;

	return be32(cells + 4) + (be32(cells) ? 16 : 32);
}

static void check_memory(void)
{
	const uint8_t *reg = tree_find(suite_tree, "memory", "reg", 16);
	const uint64_t me = (uintptr_t)suite_begin;

	expect(me - be64(reg) < be64(reg + 8), "its memory is the tree's");
}

void suite_el2(void)
{
	el2_init();
	el2_write(ICC_SRE_EL2, 0xf);
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC);
	isb();
}

static const char *arguments(void)
{
	uint32_t len;
	const uint8_t *args =
		tree_prop(suite_tree, tree_node(suite_tree, "chosen", 0),
			  "bootargs", &len);

	return args ? (const char *)args : "";
}

void suite_begin(uint64_t fdt, const char *name)
{
	const char *method;

	suite_name = name;
	suite_tree = (uint8_t *)fdt;
	if (be32(suite_tree) != TREE_MAGIC)
		fail("no tree at %x", fdt);
	if (at_el2())
		suite_el2();
	print("INFO: %s: at EL%u, arguments '%s'\n", name,
	      (uint64_t)(at_el2() ? 2 : 1), arguments());
	read_env();
	check_memory();
	method = (const char *)tree_find(suite_tree, "psci", "method", 4);
	expect(begins(method, at_el2() ? PSCI_SMC : PSCI_HVC),
	       "the tree says how to call PSCI from here");
}

int suite_end(void)
{
	print("SUMMARY: %u tests, %u unexpected failures\n", (uint64_t)results,
	      (uint64_t)failures);
	print("\nEXIT: STATUS=%u\n", (uint64_t)(failures ? 3 : 1));
	return 0;
}
