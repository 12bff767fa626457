# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# terminal.bash - nestor run on a pseudo-terminal; `load terminal` after lib

# term_start ARG... - nestor run on a pseudo-terminal of 40 rows and 100 columns
#
# What is typed goes to fd 8, what is shown comes from fd 7. The files tty, pid,
# before, after and status say what they are named after.
term_start()
{
	cat >session <<-'END'
		tty >tty
		stty rows 40 cols 100
		stty -g >before
		bash -c 'echo $$ >pid; exec "$@"' - "$@" 2>err
		echo $? >status
		stty -g >after
	END
	mkfifo in out
	socat - "EXEC:bash session $NESTOR run $*,pty,setsid,ctty,stderr" \
		<in >out 3>&- &
	vm_pid=$!
	exec 8>in 7<out
}

# term_ends STATUS - and the terminal is what it was before
term_ends()
{
	cat <&7 >rest
	exec 7<&- 8>&-
	wait "$vm_pid" || true
	vm_pid=
	echo "status $(<status), $(cat err)"
	[[ $(<status) = "$1" && $(<before) = "$(<after)" ]]
}

# types FORMAT - as printf takes it
types()
{
	# shellcheck disable=SC2059 # made for it
	printf "$1" >&8
}

# mode WORD... - of the terminal, as stty calls it
mode()
{
	local word modes
	modes=" $(stty -F "$(cat tty)" -a | tr ';\n' '  ')"
	for word; do
		[[ $modes = *" $word "* ]] || { echo "not $word: $modes"; return 1; }
	done
}
