/* SPDX-License-Identifier: MIT */
/* The control socket's server, against clients that behave and that do not. */
#include "host/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/loop.h"
#include "tests/unit/loop_call.h"
#include "tests/unit/test.h"

static struct iothread *thread;
static struct control *control;
static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static socklen_t addr_len = sizeof(addr);
static int listener;
/* What the commands below were asked for; the loop's thread writes. */
static struct control_request *pending;
static int taken = -1, calls;

static void do_echo(void *ctx, struct control_request *rq, json_t *args)
{
	OK(ctx == &calls);
	__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
	control_reply(rq, json_incref(args));
}

static void do_number(void *ctx, struct control_request *rq, json_t *args)
{
	int n;

	(void)ctx;
	if (!control_args(rq, args, "{s:i}", "n", &n))
		control_reply(rq, json_pack("{s:i}", "n", n + 1));
}

static void do_later(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	(void)args;
	__atomic_store_n(&pending, rq, __ATOMIC_SEQ_CST);
}

static void do_events(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	control_subscribe(rq, NULL,
			  json_is_true(json_object_get(args, "replay")));
}

static void do_take(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	(void)args;
	__atomic_store_n(&taken, control_take(rq, NULL), __ATOMIC_SEQ_CST);
}

/* As a handler of nestor's does that changes the state. */
static void do_tell(void *ctx, struct control_request *rq, json_t *args)
{
	(void)ctx;
	control_event(control, "told", json_incref(args));
	control_reply(rq, NULL);
}

static const struct control_command commands[] = {
	{ "echo", do_echo },	 { "number", do_number }, { "later", do_later },
	{ "events", do_events }, { "take", do_take },	  { "tell", do_tell },
	{ NULL, NULL },
};

/* An abstract socket: a test leaves nothing behind. */
static void serve(void)
{
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EQ(bind(listener, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
	EQ(getsockname(listener, (struct sockaddr *)&addr, &addr_len), 0);
	EQ(listen(listener, 500), 0);
	thread = iothread_new("control");
	EQ(control_new(iothread_loop(thread), listener, commands, &calls,
		       &control),
	   0);
}

static bool done;

struct call {
	void (*fn)(void);
};

static void run_call(void *arg)
{
	((struct call *)arg)->fn();
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
}

/* @fn has run on the loop's thread. */
static void on_loop(void (*fn)(void))
{
	struct call call = { fn };

	done = false;
	EQ(loop_call(iothread_loop(thread), run_call, &call), 0);
	AWAIT(__atomic_load_n(&done, __ATOMIC_SEQ_CST));
}

static void free_control(void)
{
	control_free(control);
}

static void stop(void)
{
	on_loop(free_control);
	iothread_free(thread);
	close(listener);
}

static void answer_pending(void)
{
	control_reply(pending, NULL);
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	EQ(connect(fd, (struct sockaddr *)&addr, addr_len), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next line, without its end; "" at the end of the stream. */
static const char *line(int fd)
{
	static char buf[70000];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n < sizeof(buf) - 1) {
		EQ(poll(&p, 1, PATIENCE * 1000), 1);
		if (recv(fd, buf + n, 1, 0) <= 0 || buf[n] == '\n')
			break;
		n++;
	}
	buf[n] = '\0';
	return buf;
}

#define ASK(fd, question, answer)         \
	do {                              \
		say(fd, question "\n");   \
		STR_EQ(line(fd), answer); \
	} while (0)

static void fire(void *arg)
{
	control_event(control, arg, json_pack("{s:i}", "n", 1));
}

TEST(a_request_is_answered_with_its_id)
{
	int fd;

	serve();
	fd = client();
	ASK(fd, "{\"command\":\"echo\",\"id\":7,\"arguments\":{\"a\":[1]}}",
	    "{\"result\":{\"a\":[1]},\"id\":7}");
	ASK(fd, "{\"id\":\"x\",\"command\":\"echo\"}",
	    "{\"result\":{},\"id\":\"x\"}");
	ASK(fd, "{\"command\":\"echo\",\"id\":null}",
	    "{\"result\":{},\"id\":null}");
	ASK(fd, "{\"command\":\"number\",\"arguments\":{\"n\":2}}",
	    "{\"result\":{\"n\":3}}");
	close(fd);
	stop();
}

static const char *code(const char *answer)
{
	static char text[64];
	json_t *o = json_loads(answer, 0, NULL);
	const char *c = "none", *message = "";

	json_unpack(o, "{s:{s:s, s:s}}", "error", "code", &c, "message",
		    &message);
	OK(*message);
	snprintf(text, sizeof(text), "%s", c);
	json_decref(o);
	return text;
}

TEST(what_is_no_request_is_refused_and_the_next_is_served)
{
	static const struct {
		const char *text, *code;
	} bad[] = {
		{ "", "bad-request" },
		{ "hello", "bad-request" },
		{ "[]", "bad-request" },
		{ "{}", "bad-request" },
		{ "{\"command\":1}", "bad-request" },
		{ "{\"command\":\"echo\",\"command\":\"echo\"}",
		  "bad-request" },
		{ "{\"command\":\"echo\",\"more\":1}", "bad-request" },
		{ "{\"command\":\"echo\",\"id\":{}}", "bad-request" },
		{ "{\"command\":\"echo\",\"arguments\":[]}", "bad-request" },
		{ "{\"command\":\"echo\"} {\"command\":\"echo\"}",
		  "bad-request" },
		{ "{\"command\":\"echo\",\"id\":\"\xff\"}", "bad-request" },
		{ "{\"command\":\"echo\",\"arguments\":"
		  "{\"a\":[[[[[[[[[[]]]]]]]]]]}}",
		  "bad-request" },
		{ "{\"command\":\"\xc3\xbc\"}", "unknown-command" },
		{ "{\"command\":\"number\"}", "invalid-argument" },
		{ "{\"command\":\"number\",\"arguments\":{\"n\":\"1\"}}",
		  "invalid-argument" },
		{ "{\"command\":\"number\",\"arguments\":{\"n\":1,\"m\":1}}",
		  "invalid-argument" },
	};
	unsigned i;
	int fd;

	serve();
	fd = client();
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		say(fd, bad[i].text);
		say(fd, "\n");
		STR_EQ(code(line(fd)), bad[i].code);
	}
	/* Brackets in a text nest nothing. */
	ASK(fd,
	    "{\"command\":\"echo\",\"arguments\":{\"s\":\"[[[[[[[[[[\\\"{\"}}",
	    "{\"result\":{\"s\":\"[[[[[[[[[[\\\"{\"}}");
	close(fd);
	stop();
}

TEST(a_line_without_an_end_is_refused_at_its_bound)
{
	static char much[CONTROL_LINE_MAX + 8192];
	int fd;

	serve();
	fd = client();
	memset(much, 'x', sizeof(much));
	send(fd, much, sizeof(much), MSG_NOSIGNAL);
	STR_EQ(code(line(fd)), "bad-request");
	STR_EQ(line(fd), "");
	close(fd);
	stop();
}

TEST(a_line_may_come_in_pieces_and_many_at_once)
{
	char text[] = "{\"command\":\"echo\",\"id\":1}\n";
	int fd, i;

	serve();
	fd = client();
	for (i = 0; text[i]; i++)
		EQ(send(fd, text + i, 1, 0), 1);
	STR_EQ(line(fd), "{\"result\":{},\"id\":1}");
	say(fd, "{\"command\":\"echo\",\"id\":2}\n"
		"{\"command\":\"echo\",\"id\":3}\n{\"comm");
	STR_EQ(line(fd), "{\"result\":{},\"id\":2}");
	STR_EQ(line(fd), "{\"result\":{},\"id\":3}");
	ASK(fd, "and\":\"echo\",\"id\":4}", "{\"result\":{},\"id\":4}");
	close(fd);
	stop();
}

TEST(a_client_that_has_sent_all_gets_its_answers_and_the_end)
{
	int fd;

	serve();
	fd = client();
	say(fd, "{\"command\":\"echo\",\"id\":1}\n"
		"{\"command\":\"later\",\"id\":2}\n");
	shutdown(fd, SHUT_WR);
	STR_EQ(line(fd), "{\"result\":{},\"id\":1}");
	AWAIT(__atomic_load_n(&pending, __ATOMIC_SEQ_CST));
	on_loop(answer_pending);
	STR_EQ(line(fd), "{\"result\":{},\"id\":2}");
	STR_EQ(line(fd), "");
	close(fd);
	stop();
}

TEST(an_answer_for_a_client_that_has_gone_goes_nowhere)
{
	int fd;

	serve();
	fd = client();
	say(fd, "{\"command\":\"later\"}\n{\"command\":\"echo\"}\n");
	AWAIT(__atomic_load_n(&pending, __ATOMIC_SEQ_CST));
	close(fd);
	/* Another one is served, so the first was noticed before. */
	fd = client();
	ASK(fd, "{\"command\":\"echo\"}", "{\"result\":{}}");
	close(fd);
	on_loop(answer_pending);
	EQ(calls, 1);
	stop();
}

static void fill(int fd, const char *text)
{
	size_t len = strlen(text), at = 0;
	ssize_t n;

	while ((n = send(fd, text + at, len - at,
			 MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		at = (at + n) % len;
	EQ(errno, EAGAIN);
}

/* What a process of user @uid is answered; "" if it is turned away. */
static const char *answer_to(uid_t uid)
{
	int fd, said[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, said), 0);
	if (!fork()) {
		if (setresuid(uid, uid, uid) < 0)
			_exit(1);
		fd = client();
		send(fd, "{\"command\":\"echo\"}\n", 19, MSG_NOSIGNAL);
		dprintf(said[1], "%s\n", line(fd));
		_exit(0);
	}
	close(said[1]);
	return line(said[0]);
}

/* The socket of this test has no mode: who asks is all that counts. */
TEST(A1_a_process_of_another_user_is_turned_away)
{
	serve();
	STR_EQ(answer_to(geteuid()), "{\"result\":{}}");
	/* Only root can be somebody else. */
	if (geteuid() == 0) {
		STR_EQ(answer_to(65534), "");
		EQ(__atomic_load_n(&calls, __ATOMIC_SEQ_CST), 1);
	}
	stop();
}

TEST(A1_a_client_that_floods_and_never_reads_holds_up_nobody)
{
	int bad, fd, served;

	serve();
	bad = client();
	fd = client();
	/* Until its answers fill the socket, and then its requests do. */
	do {
		served = __atomic_load_n(&calls, __ATOMIC_SEQ_CST);
		fill(bad, "{\"command\":\"echo\",\"id\":1}\n");
		ASK(fd, "{\"command\":\"number\",\"arguments\":{\"n\":0}}",
		    "{\"result\":{\"n\":1}}");
	} while (served != __atomic_load_n(&calls, __ATOMIC_SEQ_CST));
	/* When it reads, it gets all that it asked for. */
	STR_EQ(line(bad), "{\"result\":{},\"id\":1}");
	while (served--)
		STR_EQ(line(bad), "{\"result\":{},\"id\":1}");
	close(bad);
	close(fd);
	stop();
}

TEST(events_come_to_those_who_asked_with_the_last_first_on_request)
{
	int a, b, i;

	serve();
	a = client();
	b = client();
	ASK(a, "{\"command\":\"events\"}", "{\"result\":{}}");
	for (i = 0; i < CONTROL_KEPT_EVENTS + 10; i++)
		loop_call(iothread_loop(thread), fire, i < 10 ? "old" : "new");
	for (i = 0; i < CONTROL_KEPT_EVENTS + 10; i++)
		HAS(line(a),
		    i < 10 ? "\"event\":\"old\"" : "\"event\":\"new\"");
	ASK(b, "{\"command\":\"events\",\"arguments\":{\"replay\":true}}",
	    "{\"result\":{}}");
	for (i = 0; i < CONTROL_KEPT_EVENTS; i++)
		HAS(line(b), "\"event\":\"new\"");
	/* One who asks may be told within its own request. */
	say(b, "{\"command\":\"tell\",\"id\":1}\n");
	HAS(line(b), "\"event\":\"told\"");
	STR_EQ(line(b), "{\"result\":{},\"id\":1}");
	HAS(line(a), "\"event\":\"told\"");
	/* One who has sent all goes on to get them. */
	shutdown(a, SHUT_WR);
	loop_call(iothread_loop(thread), fire, "last");
	HAS(line(a), "\"event\":\"last\"");
	close(a);
	close(b);
	stop();
}

static void flood(void *arg)
{
	static char much[4096];
	int i;

	memset(much, 'x', sizeof(much) - 1);
	for (i = 0; i < 400; i++)
		control_event(control, arg, json_pack("{s:s}", "x", much));
}

TEST(A1_a_subscriber_that_takes_nothing_is_dropped)
{
	int bad, good, i;

	serve();
	bad = client();
	good = client();
	ASK(bad, "{\"command\":\"events\"}", "{\"result\":{}}");
	ASK(good, "{\"command\":\"echo\"}", "{\"result\":{}}");
	loop_call(iothread_loop(thread), flood, "much");
	ASK(good, "{\"command\":\"events\",\"arguments\":{\"replay\":true}}",
	    "{\"result\":{}}");
	for (i = 0; i < CONTROL_KEPT_EVENTS; i++)
		HAS(line(good), "\"event\":\"much\"");
	/* What was sent before is there, and then the end. */
	while (*line(bad))
		;
	close(bad);
	close(good);
	stop();
}

TEST(a_connection_can_be_taken_over)
{
	int fd, i;

	serve();
	fd = client();
	ASK(fd, "{\"command\":\"take\",\"id\":1}", "{\"result\":{},\"id\":1}");
	AWAIT((i = __atomic_load_n(&taken, __ATOMIC_SEQ_CST)) >= 0);
	say(fd, "raw\n");
	STR_EQ(line(i), "raw");
	say(i, "{as well}\n");
	STR_EQ(line(fd), "{as well}");
	close(i);
	STR_EQ(line(fd), "");
	close(fd);
	/* Not with something behind, which would be lost. */
	fd = client();
	say(fd, "{\"command\":\"take\"}\n{\"command\":\"echo\"}\n");
	STR_EQ(code(line(fd)), "bad-request");
	STR_EQ(line(fd), "{\"result\":{}}");
	close(fd);
	stop();
}

TEST(A1_clients_beyond_the_bound_are_told_so)
{
	int fd[CONTROL_CLIENTS_MAX + 1], i;

	serve();
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fd[i] = client();
		ASK(fd[i], "{\"command\":\"echo\"}", "{\"result\":{}}");
	}
	fd[i] = client();
	STR_EQ(code(line(fd[i])), "busy");
	STR_EQ(line(fd[i]), "");
	/* Idle ones cost those who are there nothing; one that goes makes room. */
	close(fd[0]);
	ASK(fd[1], "{\"command\":\"echo\"}", "{\"result\":{}}");
	fd[0] = client();
	ASK(fd[0], "{\"command\":\"echo\"}", "{\"result\":{}}");
	for (i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		close(fd[i]);
	stop();
}
