/* SPDX-License-Identifier: MIT */
/* nestor run as a whole, against the scripted KVM. */
#include <errno.h>
#include <malloc.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "host/rundir.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/fds.h"

static char *base, *stats;

/* One whole life; the scripted KVM's vCPU ends it at its first instruction. */
static int live(void)
{
	char *argv[] = { "run",		  "-k",	     board_rig_kernel,
			 "--runtime-dir", base,	     "--console",
			 "none",	  "--name",  "x",
			 "--timeout",	  "60",	     "-m",
			 "32M",		  "--stats", stats,
			 "--watchdog" };

	fake_kvm_reset();
	return command_run.run(sizeof(argv) / sizeof(*argv), argv);
}

TEST(two_hundred_lives_leave_no_descriptor_file_or_memory)
{
	unsigned fds = 0, i;
	size_t used = 0;
	int said, status;

	base = test_path("run");
	stats = test_path("run/stats.json");
	EQ(mkdir(base, 0700), 0);
	board_rig_config();
	/* What it says each time would be two hundred lines. */
	OK((said = dup(2)) >= 0 && freopen("/dev/null", "w", stderr));
	for (i = 0; i < 200; i++) {
		status = live();
		if (status != STATUS_KVM)
			dup2(said, 2);
		EQ(status, STATUS_KVM);
		if (i == 10) {
			fds = open_fds();
			used = mallinfo2().uordblks;
		}
	}
	dup2(said, 2);
	EQ(open_fds(), fds);
	/* The sanitizer's allocator does not tell; it finds leaks by itself. */
	OK(mallinfo2().uordblks <= used + 4096);
	EQ(unlink(stats), 0);
	EQ(rmdir(base), 0);
}
