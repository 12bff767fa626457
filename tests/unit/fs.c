/* SPDX-License-Identifier: MIT */
/*
 * This program takes virtiofsd's place, and then is the back end of
 * tests/unit/vhost_user_rig.h, in memory that it shares with the test.
 */
#include "virtio/fs.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "host/virtiofsd.h"
#include "tests/unit/fds.h"
#include "tests/unit/spin.h"
#include "tests/unit/vhost_user_rig.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/vhost.h"

#define BIT(n)	 (1ull << (n))
#define VERSION1 BIT(VIRTIO_F_VERSION_1)
#define EVENTS	 BIT(VIRTIO_RING_F_EVENT_IDX)

static struct program {
	struct back back;
	pid_t pid;
} * program;

static struct virtiofsd *server;
static _Atomic unsigned told;
static _Atomic int failure;
static struct rig r;

/*
 * In memory, by a link to it: who writes to a file waits for the disk, and on a
 * busy machine longer than a back end may.
 */
static struct program *shared(const char *dir, bool create)
{
	char path[4096], target[64];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "%s/program", dir);
	if (create) {
		fd = memfd_create("program", 0);
		snprintf(target, sizeof(target), "/proc/%d/fd/%d", getpid(),
			 fd);
		OK(fd >= 0 && !ftruncate(fd, sizeof(*program)));
		OK(!symlink(target, path));
	} else {
		fd = open(path, O_RDWR);
		OK(fd >= 0);
	}
	p = mmap(NULL, sizeof(*program), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 0);
	if (!create)
		close(fd);
	return p;
}

/* It does not end by itself, not even when it has hung up. */
__attribute__((constructor)) static void be_the_program(int argc, char **argv)
{
	if (argc < 4 || strcmp(argv[1], "--fd=3"))
		return;
	program = shared(argv[3], false);
	program->pid = getpid();
	program->back.fd = accept(3, NULL, NULL);
	back_serve(&program->back);
	for (;;)
		pause();
}

static void tell(void *ctx)
{
	EQ((intptr_t)ctx, 5);
	told++;
}

static void on_failure(void *ctx, int err)
{
	(void)ctx;
	failure = err;
}

/* The program, to be told how to behave before device_new(). */
static void prepare(void)
{
	log_level = LOG_ERROR;
	told = 0;
	if (!program)
		program = shared(test_dir(), true);
	memset(program, 0, sizeof(*program));
	program->back.features = PROTOCOL | VERSION1 | EVENTS;
	program->back.protocol = BIT(3) | 1;
}

static struct virtio *device_new(const char *path, const char *tag)
{
	struct err e;

	server = virtiofsd_new(path, test_dir(), false, &e);
	OK(server);
	rig_ram(&r);
	/* Any file will do: it is passed on, and not looked into. */
	return virtio_fs_new(&r.m, STDIN_FILENO, server, tag, tell, (void *)5);
}

static void plug(const char *tag)
{
	struct virtio *v = device_new("/proc/self/exe", tag);

	EQ(v ? 0 : errno, 0);
	if (!rig_on_a_thread)
		v->loop = loop = loop_new();
	virtio_on_failure(v, on_failure, NULL);
	rig_plug(&r, v);
}

static void begin(void)
{
	prepare();
	plug("share");
	rig_start(&r, 0);
}

static void end(void)
{
	rig_free(&r);
	if (!rig_on_a_thread)
		loop_free(loop);
	OK(no_child());
}

/* Let the loop run: its thread does, or the test. */
static void pass_time(void)
{
	if (rig_on_a_thread)
		rig_fence(r.v->loop);
	else
		spin_for(1);
}

static void lose(void)
{
	UNTIL_(told, pass_time());
	UNTIL_(rig_needs_reset(&r), pass_time());
	OK(no_child());
}

/* A driver may wait for that (4.1.4.3.2). */
static void stays_reset(void)
{
	pass_time();
	pass_time();
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 0);
}

/* Messages: in the beginning, from each driver, and of both queues. */
#define GREETING 4
#define SET_UP	 2
#define START	 12
#define STOP	 4

/* It behaves from now on, and hears of the next driver. */
static void comes_back(void)
{
	const pid_t was = program->pid;

	program->back = (struct back){ .features = program->back.features,
				       .protocol = program->back.protocol };
	rig_start(&r, 0);
	UNTIL_(program->back.n == GREETING + SET_UP + START, pass_time());
	/* The last of what it heard, before its answer is taken. */
	UNTIL_(!failure, pass_time());
	NE(program->pid, was);
	OK(!rig_needs_reset(&r));
}

/* And so does the one that is started in its place, which may be told again. */
static void stays_lost(void)
{
	rig_start(&r, 0);
	UNTIL_(rig_needs_reset(&r), pass_time());
	OK(no_child());
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	stays_reset();
}

static void config_is(const char *tag)
{
	uint32_t words[16], want[16] = { 0 };
	unsigned i;

	memcpy(want, tag, strlen(tag));
	want[VIRTIO_FS_TAG_MAX / 4] = htole32(1);
	prepare();
	plug(tag);
	for (i = 0; i < 16; i++)
		words[i] = htole32(rig_get(&r, VIRTIO_MMIO_CONFIG + 4 * i));
	MEM_EQ(words, want, sizeof(words));
	end();
}

VIRTIO_TEST(its_configuration_is_the_tag_and_one_queue_for_requests)
{
	config_is("share");
	config_is("a tag as long as there is room for: ");
}

VIRTIO_TEST(it_has_a_queue_for_what_goes_first_and_one_for_requests)
{
	unsigned q;

	prepare();
	plug("share");
	for (q = 0; q < 3; q++) {
		rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, q);
		EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), q > 1 ? 0
							   : rig_over_pci
								   ? 256
								   : 1024);
	}
	end();
}

VIRTIO_TEST(nothing_is_offered_that_the_back_end_or_the_device_has_not_got)
{
	prepare();
	program->back.features |= BIT(0) | BIT(VIRTIO_F_ACCESS_PLATFORM);
	plug("share");
	EQ(rig_offered(&r) & ~BIT(VIRTIO_F_NOTIFICATION_DATA),
	   VERSION1 | EVENTS);
	rig_start(&r, EVENTS);
	OK(!rig_needs_reset(&r));
	EQ(program->back.acked, VERSION1 | EVENTS | PROTOCOL);
	end();
}

/* Those after the first @n. */
static void taken_back(unsigned n)
{
	static const unsigned stop[STOP] = { 18, 11, 18, 11 };

	EQ(program->back.n, n + STOP);
	MEM_EQ(program->back.heard + n, stop, sizeof(stop));
}

VIRTIO_TEST(its_queues_are_taken_back_at_a_reset_and_while_it_is_held)
{
	begin();
	virtio_lock(r.v);
	virtio_hold(r.v, VIRTIO_PAUSED);
	virtio_unlock(r.v);
	taken_back(GREETING + SET_UP + START);
	virtio_resume(r.v);
	UNTIL_(program->back.n == GREETING + SET_UP + START + STOP + START,
	       pass_time());
	EQ(program->back.base, 7);
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	taken_back(GREETING + SET_UP + START + STOP + START);
	/* Another driver begins at the beginning. */
	rig_start(&r, 0);
	OK(!rig_needs_reset(&r));
	EQ(program->back.base, 0);
	EQ(told, 0);
	end();
}

VIRTIO_TEST(
	a_back_end_that_is_gone_is_told_once_and_the_next_driver_has_another)
{
	unsigned i;

	begin();
	for (i = 1; i < 4; i++) {
		told = 0;
		EQ(kill(program->pid, SIGKILL), 0);
		lose();
		EQ(told, 1);
		EQ(failure, ECONNRESET);
		rig_set(&r, VIRTIO_MMIO_STATUS, 0);
		stays_reset();
		comes_back();
	}
	end();
}

/* As after @n that were lost, of which the last was started now. */
static void has_lost(unsigned n)
{
	virtio_lock(r.v);
	((struct vhost *)r.v)->pace =
		(struct pace){ .n = n, .last = mono_ns() };
	virtio_unlock(r.v);
}

VIRTIO_TEST(a_driver_that_loses_one_after_the_other_waits_for_the_next)
{
	unsigned i;

	begin();
	EQ(kill(program->pid, SIGKILL), 0);
	lose();
	has_lost(14);
	/* It is told once, however often a driver asks. */
	for (i = 0; i < 3; i++) {
		rig_set(&r, VIRTIO_MMIO_STATUS, 0);
		stays_reset();
		failure = 0;
		rig_start(&r, 0);
		pass_time();
		pass_time();
		EQ(failure, i ? 0 : EAGAIN);
		OK(!rig_needs_reset(&r));
		OK(no_child());
	}
	/* What it asks for is done when the time has come. */
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	has_lost(9);
	comes_back();
	LT(9, ((struct vhost *)r.v)->pace.n);
	end();
}

VIRTIO_TEST(a_driver_that_is_held_has_another_back_end_when_it_goes_on)
{
	begin();
	EQ(kill(program->pid, SIGKILL), 0);
	lose();
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	virtio_lock(r.v);
	virtio_hold(r.v, VIRTIO_PAUSED);
	virtio_unlock(r.v);
	program->back.n = 0;
	rig_start(&r, 0);
	pass_time();
	EQ(program->back.n, 0);
	OK(no_child());
	virtio_resume(r.v);
	UNTIL_(program->back.n == GREETING + SET_UP + START, pass_time());
	OK(!rig_needs_reset(&r));
	end();
}

VIRTIO_TEST(another_back_end_that_can_do_less_is_none)
{
	begin();
	EQ(kill(program->pid, SIGKILL), 0);
	lose();
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	program->back.features &= ~EVENTS;
	stays_lost();
	program->back.features |= EVENTS;
	comes_back();
	end();
}

VIRTIO_TEST(a_back_end_that_refuses_lies_or_hangs_up_is_ended)
{
	static const unsigned requests[8] = { 2, 5, 8, 9, 10, 12, 13, 18 };
	unsigned i;

	for (i = 0; i < 3 * 8; i++) {
		prepare();
		*(i % 3 == 0   ? &program->back.refuse
		  : i % 3 == 1 ? &program->back.hang_up
			       : &program->back.lie) = requests[i / 3];
		plug("share");
		rig_start(&r, 0);
		lose();
		stays_lost();
		comes_back();
		end();
	}
}

VIRTIO_TEST(a_back_end_that_does_not_give_a_queue_back_is_ended_by_the_reset)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		prepare();
		*(i ? &program->back.hang_up : &program->back.lie) = 11;
		plug("share");
		rig_start(&r, 0);
		OK(!rig_needs_reset(&r));
		rig_set(&r, VIRTIO_MMIO_STATUS, 0);
		OK(no_child());
		stays_reset();
		comes_back();
		end();
	}
}

static void is_none(const char *path, int error, int or_this)
{
	OK(!device_new(path, "share"));
	OK(errno == error || errno == or_this);
	virtiofsd_free(server);
	rig_free(&r);
	OK(no_child());
}

TEST(a_back_end_that_lies_or_hangs_up_before_there_is_a_device_is_none)
{
	static const unsigned requests[] = { 1, 15 };
	unsigned i;

	for (i = 0; i < 2; i++) {
		prepare();
		program->back.lie = requests[i];
		is_none("/proc/self/exe", EPROTO, 0);
		prepare();
		program->back.hang_up = requests[i];
		is_none("/proc/self/exe", ECONNRESET, 0);
	}
	/* No program: it ends when it should begin. */
	is_none(test_dir(), ECONNRESET, EPIPE);
}
