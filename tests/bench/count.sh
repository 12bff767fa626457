# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# What the parts inside share: counts of instructions, for bash and busybox.
#
# The clock of a host that counts instructions jumps over idle time, to the next
# timer: of what goes by from exec to exit a short run mostly waits. So a command
# runs in a cgroup, whose CPU time is what its processes took, and the kernel on
# their behalf: that is what it costs, and the other how long it takes.

cgroup=/sys/fs/cgroup/bench
mkdir -p $cgroup

# enter - this process, and what it starts from now on, is counted
enter() { echo 0 >$cgroup/cgroup.procs; }

# now - sets t, the clock, and used, the CPU time of all that was counted; in ns
now()
{
	while read -r a _ t _; do
		[ "$a" != now ] || break
	done </proc/timer_list
	read -r _ used <$cgroup/cpu.stat
	used=$((used * 1000))
}

# count CMD... - runs it, without its output; sets total, and cpu of that
count()
{
	now
	total=$t cpu=$used
	(enter && exec "$@") </dev/null >/tmp/out 2>&1
	status=$?
	now
	total=$((t - total)) cpu=$((used - cpu))
	return $status
}
