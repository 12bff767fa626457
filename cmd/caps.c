/* SPDX-License-Identifier: MIT */
/*
 * nestor caps: prints what cmd/caps_probe.c found, as a table or as JSON, or
 * the host's CPU as a template.
 */
#include "cmd/caps.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "arm64/cpu.h"
#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "cmd/text.h"
#include "core/kvm.h"
#include "core/log.h"
#include "host/info.h"
#include "nested/granule.h"

#define COLUMN 18 /* where values start */

static const struct {
	const char *key, *title;
} names[] = {
	[HOST_GICV3] = { "gicv3", "GICv3" },
	[HOST_GICV2] = { "gicv2", "GICv2" },
	[HOST_ITS] = { "its", "GICv3 ITS" },
	[HOST_PMU] = { "pmu", "PMUv3" },
	[HOST_SVE] = { "sve", "SVE" },
	[HOST_PAUTH] = { "pauth", "pointer auth" },
	[HOST_MTE] = { "mte", "memory tags" },
	[HOST_AARCH32] = { "aarch32", "AArch32 at EL1" },
	[HOST_PVTIME] = { "pvtime", "stolen time" },
	[HOST_SUSPEND] = { "system_suspend", "PSCI suspend" },
	[HOST_READONLY_MEM] = { "readonly_memory", "read-only RAM" },
	[HOST_IRQFD] = { "irqfd", "irqfd" },
	[HOST_IOEVENTFD] = { "ioeventfd", "ioeventfd" },
	[HOST_DIRTY_RING] = { "dirty_log_ring", "dirty ring" },
	[HOST_EL2] = { "el2", "EL2 (VHE)" },
	[HOST_EL2_E2H0] = { "el2_e2h0", "EL2 (nVHE)" },
	[HOST_RECURSION] = { "recursion", "NV2 in guests" },
	[HOST_LPA2] = { "lpa2", "LPA2" },
};
static_assert(sizeof(names) / sizeof(*names) == HOST_CAPS,
	      "each capability has a name");

/* A title, then @text broken between words, all in its own column. */
static void print_row(FILE *f, const char *title, const char *text)
{
	fprintf(f, "%-*s", COLUMN, title);
	put_wrapped(f, COLUMN, text);
}

static void print_warnings(const char *const *warning, FILE *f)
{
	for (; *warning; warning++)
		print_row(f, "warning", *warning);
}

/* What nesting depends on first. */
static void print_mode(const struct caps *c, FILE *f)
{
	fputs("\nNested virtualization\n", f);
	print_row(f, "kvm-arm.mode",
		  c->kvm_mode[0] ? c->kvm_mode : "not given");
	if (c->granules_el2)
		print_row(f, "stage 2 pages", granules_text(c->granules_el2));
}

void caps_print(const struct caps *c, FILE *f)
{
	char text[320];
	int i;

	snprintf(text, sizeof(text), "Linux %s, %s", c->host->release,
		 c->host->machine);
	print_row(f, "host", text);
	snprintf(text, sizeof(text), "%u KiB", c->page / 1024);
	print_row(f, "host's pages", text);
	if (!c->kvm) {
		snprintf(text, sizeof(text), "no: /dev/kvm: %s", c->why_no_kvm);
		print_row(f, "KVM", text);
		return;
	}
	snprintf(text, sizeof(text), "yes, API version %d", c->api);
	print_row(f, "KVM", text);
	snprintf(text, sizeof(text), "%u bits", c->ipa_bits);
	print_row(f, "guest addresses", text);
	print_row(f, "guest pages",
		  c->granules ? granules_text(c->granules) : "unknown");
	snprintf(text, sizeof(text), "at most %u", c->max_vcpus);
	print_row(f, "vCPUs", text);
	for (i = 0; i < HOST_CAPS; i++) {
		if (i == HOST_EL2) {
			print_warnings(c->warning, f);
			print_mode(c, f);
		}
		if (!c->cap[i].have)
			snprintf(text, sizeof(text), "no: %s", c->cap[i].why);
		else if (i == HOST_SVE && c->sve_bits)
			snprintf(text, sizeof(text),
				 "yes, vectors of up to %u bits", c->sve_bits);
		else
			strcpy(text, "yes");
		print_row(f, names[i].title, text);
	}
	print_warnings(c->warning_el2, f);
}

static json_t *cap_json(const struct caps *c, int i)
{
	json_t *o = json_object();

	json_object_set_new(o, "present", json_boolean(c->cap[i].have));
	if (!c->cap[i].have)
		json_object_set_new(o, "reason", json_string(c->cap[i].why));
	else if (i == HOST_SVE && c->sve_bits)
		json_object_set_new(o, "max_vector_bits",
				    json_integer(c->sve_bits));
	return o;
}

/* In bytes. */
static json_t *granules_json(unsigned set)
{
	json_t *a = json_array();
	unsigned kib;

	for (kib = 4; kib <= 64; kib *= 4)
		if (set & kib)
			json_array_append_new(a, json_integer(kib * 1024));
	return a;
}

static json_t *warnings_json(const char *const *warning)
{
	json_t *a = json_array();

	for (; *warning; warning++)
		json_array_append_new(a, json_string(*warning));
	return a;
}

static json_t *nested_json(const struct caps *c)
{
	json_t *o = json_object();

	json_object_set_new(o, "mode",
			    c->kvm_mode[0] ? json_string(c->kvm_mode)
					   : json_null());
	json_object_set_new(o, "stage2_page_sizes",
			    granules_json(c->granules_el2));
	json_object_set_new(o, "warnings", warnings_json(c->warning_el2));
	return o;
}

static json_t *kvm_json(const struct caps *c)
{
	json_t *o = json_object();

	json_object_set_new(o, "present", json_boolean(c->kvm));
	if (c->kvm)
		json_object_set_new(o, "api_version", json_integer(c->api));
	else
		json_object_set_new(o, "reason", json_string(c->why_no_kvm));
	return o;
}

/* jansson takes NULL for a value and then fails: one check, at the end. */
int caps_json(const struct caps *c, FILE *f)
{
	json_t *o = json_object(), *features = json_object();
	int i, rc = 0;

	rc |= json_object_set_new(o, "kernel", json_string(c->host->release));
	rc |= json_object_set_new(o, "machine", json_string(c->host->machine));
	rc |= json_object_set_new(o, "page_size", json_integer(c->page));
	rc |= json_object_set_new(o, "kvm", kvm_json(c));
	if (c->kvm) {
		rc |= json_object_set_new(o, "ipa_bits",
					  json_integer(c->ipa_bits));
		rc |= json_object_set_new(o, "guest_page_sizes",
					  granules_json(c->granules));
		rc |= json_object_set_new(o, "max_vcpus",
					  json_integer(c->max_vcpus));
		for (i = 0; i < HOST_CAPS; i++)
			rc |= json_object_set_new(features, names[i].key,
						  cap_json(c, i));
		rc |= json_object_set_new(o, "features", features);
		rc |= json_object_set_new(o, "warnings",
					  warnings_json(c->warning));
		rc |= json_object_set_new(o, "nested", nested_json(c));
	} else {
		json_decref(features);
	}
	return text_put_json(f, o, rc);
}

static int print_cpu(const struct caps *caps, bool nested)
{
	int fd = caps->kvm ? kvm_open() : -ENODEV, r;
	struct err e;

	if (fd < 0) {
		log_warnx("no KVM here: %s", caps->why_no_kvm);
		return STATUS_FAILED;
	}
	if (nested && !caps->cap[HOST_EL2].have)
		r = err_set(&e, -ENOTSUP, "--nested: %s",
			    caps->cap[HOST_EL2].why);
	else
		r = cpu_template_print(fd, nested, stdout, &e);
	close(fd);
	if (r < 0)
		log_warnx("%s", e.text);
	return r < 0 ? STATUS_FAILED : STATUS_OFF;
}

static int cmd_caps(int argc, char **argv)
{
	bool json = false, cpu = false, nested = false;
	struct host_info host;
	const char *value;
	struct caps caps;
	struct opts o;
	struct err e;
	int r;

	opts_begin(&o, &command_caps, argc, argv);
	while ((r = opts_next(&o, &value, &e)) > 0) {
		json |= r == 'j';
		cpu |= r == 'c';
		nested |= r == 'n';
	}
	if (r < 0)
		return opts_status(r, &e);
	if (json ? cpu || nested : nested && !cpu) {
		err_set(&e, 0,
			"caps takes --json, or --cpu, or --cpu --nested: see "
			"'nestor help caps'");
		return cmd_refuse(&e);
	}
	host_info_read(&host);
	caps_probe(&caps, &host);
	if (cpu)
		return print_cpu(&caps, nested);
	if (!json) {
		caps_print(&caps, stdout);
	} else if (caps_json(&caps, stdout)) {
		log_warnx("out of memory");
		return STATUS_FAILED;
	}
	return caps.kvm ? STATUS_OFF : STATUS_FAILED;
}

const struct command command_caps = {
	.name = "caps",
	.summary = "say what this host can do, and why not",
	.opts = (const struct opt[]){ OPT_JSON,
				      OPT('c', "cpu", 0, NULL,
					  "the CPU, as run --cpu reads it"),
				      OPT('n', "nested", 0, NULL,
					  "... that of a guest with an EL2"),
				      { 0 } },
	.run = cmd_caps,
	.about = "Say what this host offers to virtual machines, and for what "
		 "it does not, the reason and the remedy. Ends with 0 if there "
		 "is a usable KVM, else 1.",
};
