/* SPDX-License-Identifier: MIT */
/* What a reader makes of a runtime directory that anything may be in. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "core/log.h"
#include "host/rundir.h"
#include "tests/unit/test.h"

static const char *path;
static struct rundir *base;
static struct err e;

static void begin(void)
{
	path = test_dir();
	EQ(rundir_open(path, true, &base, &e), 0);
}

static void end(void)
{
	rundir_close(base);
}

/* A directory in the base, as a VM has one, with a file in it. */
static void put(const char *name, const char *file, const void *buf, size_t len)
{
	char at[400];
	int fd;

	snprintf(at, sizeof(at), "%s/%s", path, name);
	mkdir(at, 0700);
	snprintf(at, sizeof(at), "%s/%s/%s", path, name, file);
	fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	EQ(write(fd, buf, len), (ssize_t)len);
	close(fd);
}

static void put_text(const char *name, const char *file, const char *text)
{
	put(name, file, text, strlen(text));
}

struct seen {
	char names[100];
	unsigned stop_after; /* so many; 0: never */
	struct vmref kept;
};

static int see(void *ctx, struct vmref *ref)
{
	struct seen *s = ctx;

	strcat(s->names, ref->name);
	strcat(s->names, " ");
	if (!s->stop_after || --s->stop_after)
		return 0;
	s->kept = *ref;
	ref->dir = -1;
	return 42;
}

TEST(vms_come_in_the_order_of_their_names_and_what_is_none_is_left_out)
{
	struct seen s = { .names = "" };

	begin();
	put_text("b", "vm.json", "{}");
	put_text("a", "vm.json", "{}");
	put_text("c", "vm.json", "{}");
	put_text(".half-made", "vm.json", "{}");
	put_text("a/x", "vm.json", "{}");
	put_text(".", "a-file", "");
	EQ(rundir_each(base, see, &s), 0);
	STR_EQ(s.names, "a b c ");
	end();
}

TEST(who_has_seen_enough_may_keep_the_last_one)
{
	struct seen s = { .stop_after = 2 };
	char *text;

	begin();
	put_text("b", "note", "of b");
	put_text("a", "note", "of a");
	put_text("c", "note", "of c");
	EQ(rundir_each(base, see, &s), 42);
	STR_EQ(s.names, "a b ");
	text = vmref_text(&s.kept, "note");
	STR_EQ(text, "of b");
	free(text);
	vmref_close(&s.kept);
	end();
}

TEST(a_file_that_holds_no_object_is_as_good_as_none)
{
	static const char *const bad[] = {
		"", "[1]", "7", "{\"a\":1", "{\"a\":1,\"a\":2}", "\xff"
	};
	struct vmref ref;
	unsigned i;
	json_t *o;

	begin();
	put_text("a", "end.json", "{\"a\": 1}");
	EQ(rundir_find(base, "a", &ref, &e), 0);
	o = vmref_json(&ref, "end.json");
	EQ(json_integer_value(json_object_get(o, "a")), 1);
	json_decref(o);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put_text("a", "end.json", bad[i]);
		OK(!vmref_json(&ref, "end.json"));
	}
	OK(!vmref_json(&ref, "none.json"));
	vmref_close(&ref);
	end();
}

TEST(a_file_without_an_end_is_read_up_to_a_bound)
{
	const size_t bound = 1u << 20;
	char *big = calloc(1, 2 * bound), *text;
	struct vmref ref;

	begin();
	memset(big, 'x', 2 * bound);
	put("a", "config", big, 2 * bound);
	EQ(rundir_find(base, "a", &ref, &e), 0);
	text = vmref_text(&ref, "config");
	EQ(strlen(text), bound);
	free(text);
	free(big);
	vmref_close(&ref);
	end();
}

TEST(a_link_in_the_place_of_a_file_is_not_followed)
{
	struct vmref ref;

	begin();
	put_text("a", "config", "cpus = 1\n");
	EQ(symlink("config", test_path("a/link")), 0);
	EQ(rundir_find(base, "a", &ref, &e), 0);
	OK(!vmref_text(&ref, "link"));
	vmref_close(&ref);
	end();
}
