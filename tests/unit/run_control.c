/* SPDX-License-Identifier: MIT */
/* What a running VM answers on its control socket, before its vCPUs start. */
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "arm64/map.h"
#include "host/control.h"
#include "host/rundir.h"
#include "run/exit.h"
#include "run/run_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/spin.h"
#include "virtio/balloon.h"
#include "virtio/virtio.h"

static char *base;
static struct run run;
static struct config config;
static struct board *board;
static int client;

static int connect_one(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/x/control.sock", base);
	EQ(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void begin_with(bool balloon)
{
	struct err e;

	base = test_path("run");
	EQ(mkdir(base, 0700), 0);
	fake_kvm_reset();
	config = board_rig_config();
	config.name = "x";
	config.runtime_dir = base;
	config.balloon = balloon;
	EQ(board_rig_make(&config, &board, &e), 0);
	loop = board_rig_host.loop;
	run = (struct run){ .cfg = &config,
			    .loop = loop,
			    .terminal = board_rig_host.terminal,
			    .board = board,
			    .statm = -1,
			    .manager = -1 };
	EQ(timer_open(&run.stop, loop, CLOCK_MONOTONIC, stop_loop), 0);
	EQ(run_register(&run, &e), 0);
	EQ(run_serve(&run), 0);
	EQ(vm_start(board_vm(board)), 0);
	client = connect_one();
}

static void begin(void)
{
	begin_with(false);
}

static void end(void)
{
	vm_quit(board_vm(board));
	run_close_balloon(&run);
	close(client);
	control_free(run.control);
	if (run.statm >= 0)
		close(run.statm);
	timer_close(&run.stop);
	vmdir_close(run.dir, false);
	rundir_close(run.base);
	board_rig_unmake(board);
	EQ(rmdir(base), 0);
}

static void say(int fd, const char *line)
{
	EQ(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
}

/* What @fd is told, without its newline; until the next call. */
static const char *hear(int fd)
{
	static char answer[8192];
	ssize_t n = -1;

	SPIN_UNTIL((n = recv(fd, answer, sizeof(answer) - 1, 0)) > 0);
	answer[n - 1] = '\0';
	return answer;
}

static const char *ask(const char *line)
{
	say(client, line);
	return hear(client);
}

TEST(status_says_who_it_is_and_in_what_state)
{
	const char *s;

	begin();
	s = ask("{\"command\":\"status\"}\n");
	HAS(s, "\"name\":\"x\"");
	HAS(s, "\"state\":\"ready\"");
	HAS(s, "\"cpus\":1,\"memory\":67108864,\"nested\":false");
	/* Why it is held, if an event of the guest's was the reason. */
	run.held_for = CAUSE_PANIC;
	vm_hold(board_vm(board), VM_HOLD_POLICY);
	HAS(ask("{\"command\":\"status\"}\n"), "\"reason\":\"panic\"");
	end();
}

TEST(arguments_that_a_command_does_not_have_are_refused)
{
	begin();
	HAS(ask("{\"command\":\"status\",\"arguments\":{\"a\":1}}\n"),
	    "\"error\"");
	HAS(ask("{\"command\":\"pause\",\"arguments\":{\"a\":1}}\n"),
	    "\"error\"");
	HAS(ask("{\"command\":\"stop\",\"arguments\":{\"timeout\":86401}}\n"),
	    "timeout is not from 0 to 86400");
	HAS(ask("{\"command\":\"stop\",\"arguments\":{\"timeout\":-1}}\n"),
	    "timeout is not from 0 to 86400");
	OK(!run.ended);
	end();
}

TEST(a_vm_that_has_not_started_is_paused_at_once_and_resumed)
{
	struct vm *vm;

	begin();
	vm = board_vm(board);
	HAS(ask("{\"command\":\"pause\"}\n"), "\"result\"");
	OK(vm_is_held(vm, VM_HOLD_USER));
	EQ(vm->state, VM_READY);
	HAS(ask("{\"command\":\"resume\"}\n"), "\"result\"");
	OK(!vm_is_held(vm, VM_HOLD_USER));
	end();
}

TEST(statistics_have_the_process_and_each_device)
{
	const char *s;

	begin();
	s = ask("{\"command\":\"stats\"}\n");
	HAS(s, "\"process\":{\"rss\":");
	OK(!strstr(s, "\"rss\":0,"));
	HAS(s, "\"devices\"");
	end();
}

/* How often @word is in what is told until @last is, for the second time. */
static unsigned times_told(const char *word, const char *last)
{
	static char told[8192];
	const char *p, *seen = NULL;
	size_t len = 0;
	ssize_t n;
	unsigned times = 0;

	while (!seen || !strstr(seen + 1, last)) {
		n = -1;
		SPIN_UNTIL((n = recv(client, told + len, sizeof(told) - 1 - len,
				     0)) > 0);
		len += n;
		seen = strstr(told, last);
	}
	for (p = told; (p = strstr(p, word)); p++)
		times++;
	return times;
}

TEST(a_crash_kernel_that_takes_over_is_told_of_once_until_the_guest_boots_again)
{
	const struct vm_event crash = { .kind = VM_CRASH_KERNEL, .vcpu = -1 };
	unsigned boot, i;

	begin();
	EQ(run_panic_open(&run), 0);
	ask("{\"command\":\"events\"}\n");
	for (boot = 0; boot < 2; boot++) {
		for (i = 0; i < 3; i++)
			run_on_event(&run, &crash);
		board_vm(board)->state = VM_RUNNING;
		run_on_state(&run, VM_RESETTING);
		board_vm(board)->state = VM_READY;
	}
	OK(!run.ended && !board_vm(board)->holders);
	EQ(times_told("\"crash-kernel\"", "\"restarted\""), 2);
	run_panic_close(&run);
	end();
}

/* The events that follow begin with what is so now; the end is the last. */
TEST(who_asks_for_events_is_told_the_state_first)
{
	begin();
	HAS(ask("{\"command\":\"events\"}\n"), "\"state\":\"ready\"");
	end();
}

/* --- the balloon, whose driver answers when it likes --- */

#define STATS	2 /* its queue */
#define QUEUE	MAP_RAM_BASE
#define AVAIL	(QUEUE + 0x1000)
#define USED	(QUEUE + 0x2000)
#define FIGURES (QUEUE + 0x3000)

static void poke(gpa_t at, const void *bytes, size_t len)
{
	EQ(gmem_write(&board_vm(board)->mem, at, bytes, len), 0);
}

static bool is_served(struct virtio *v)
{
	uint64_t asked;

	virtio_lock(v);
	asked = v->asked;
	virtio_unlock(v);
	return !asked;
}

/* The driver hands its figures over, for the @nth time. */
static void give_figures(uint16_t nth)
{
	struct virtio *v = board_balloon(board);

	/* The device may look at the same time. */
	EQ(gmem_store16(&board_vm(board)->mem, AVAIL + 2, htole16(nth)), 0);
	virtio_lock(v);
	virtio_notified(v, STATS);
	virtio_unlock(v);
	SPIN_UNTIL(is_served(v));
}

static void start_driver(void)
{
	const struct vring_desc d = { .addr = htole64(FIGURES),
				      .len = htole32(10) };
	struct virtio *v = board_balloon(board);
	const uint16_t zero[8] = { 0 };

	poke(QUEUE, &d, sizeof(d));
	poke(AVAIL, zero, sizeof(zero));
	virtio_lock(v);
	virtio_ack_features(v, 0, 1u << VIRTIO_BALLOON_F_STATS_VQ);
	virtio_ack_features(v, 1, 1); /* VERSION_1 */
	virtio_set_status(v, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				     VIRTIO_CONFIG_S_DRIVER |
				     VIRTIO_CONFIG_S_FEATURES_OK);
	v->vq[STATS].size = 8;
	v->vq[STATS].desc = QUEUE;
	v->vq[STATS].avail = AVAIL;
	v->vq[STATS].used = USED;
	virtio_queue_ready(v, STATS, true);
	/* The VM does not run, but its balloon does. */
	virtio_release(v, VIRTIO_NO_MASTER);
	virtio_set_status(v, VIRTIO_CONFIG_S_DRIVER_OK);
	virtio_unlock(v);
	give_figures(1);
}

static uint64_t target(void)
{
	struct balloon_stats now;

	virtio_balloon_stats(board_balloon(board), &now);
	return config.memory - now.target;
}

TEST(two_who_ask_the_balloon_at_once_are_answered_and_the_later_target_counts)
{
	const char *heard;
	int other;

	begin_with(true);
	start_driver();
	other = connect_one();
	/* The driver does not answer before both have asked. */
	say(client, "{\"id\":1,\"command\":\"balloon\",\"arguments\":"
		    "{\"size\":33554432}}\n");
	SPIN_UNTIL(target() == 33554432);
	say(other, "{\"id\":3,\"command\":\"balloon\",\"arguments\":"
		   "{\"size\":50331648}}\n");
	SPIN_UNTIL(target() == 50331648);
	give_figures(2);
	HAS(hear(other), "\"target\":50331648");
	heard = hear(client);
	HAS(heard, "\"id\":1");
	HAS(heard, "\"target\":50331648");
	EQ(target(), 50331648);
	close(other);
	end();
}
