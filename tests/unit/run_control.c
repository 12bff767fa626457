/* SPDX-License-Identifier: MIT */
/* What a running VM answers on its control socket, before its vCPUs start. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "host/control.h"
#include "host/rundir.h"
#include "run/exit.h"
#include "run/run_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/spin.h"

static char *base;
static struct run run;
static struct config config;
static struct board *board;
static int client;

static void begin(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct err e;

	base = test_path("run");
	EQ(mkdir(base, 0700), 0);
	fake_kvm_reset();
	config = board_rig_config();
	config.name = "x";
	config.runtime_dir = base;
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
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/x/control.sock", base);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EQ(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
}

static void end(void)
{
	vm_quit(board_vm(board));
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

/* The answer to @line, without its newline; until the next call. */
static const char *ask(const char *line)
{
	static char answer[8192];
	ssize_t n = -1;

	EQ(send(client, line, strlen(line), 0), (ssize_t)strlen(line));
	SPIN_UNTIL((n = recv(client, answer, sizeof(answer) - 1, 0)) > 0);
	answer[n - 1] = '\0';
	return answer;
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
