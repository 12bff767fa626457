/* SPDX-License-Identifier: MIT */
/*
 * How nestor ends: the exit statuses, which scripts depend on. The manual and
 * `nestor help run` list them, and a test holds all three together.
 */
#pragma once

enum status {
	STATUS_OFF = 0,	   /* the guest powered off; any other command: done */
	STATUS_FAILED = 1, /* nestor could not go on */
	STATUS_USAGE = 2,  /* what the user gave cannot be used */
	STATUS_RESET = 3,  /* the guest reset, under --no-reboot */
	STATUS_PANIC = 4,  /* the guest panicked */
	STATUS_KVM = 5,	   /* KVM reported an internal error */
	STATUS_WATCHDOG = 6,  /* the guest did not serve its watchdog */
	STATUS_STOPPED = 7,   /* nestor stop, and the guest did not power off */
	STATUS_TIMEOUT = 124, /* --timeout expired, as with timeout(1) */
	STATUS_LOST = 125,    /* the VM ended, and its command had not */
	STATUS_NOEXEC = 126,  /* the command cannot be executed */
	STATUS_NOFILE = 127,  /* the command was not found */
	STATUS_SIGNAL = 128,  /* plus its number, as in the shell */
};
