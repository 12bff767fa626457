# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# terminal.bash - nestor run on a pseudo-terminal; `load terminal` after lib

# on_terminal CMD... - in the background, on a pseudo-terminal of 40 rows and 100 columns
#
# What is typed goes to fd 8, what is shown comes from fd 7. The files tty, pid,
# before, after and status say what they are named after.
on_terminal()
{
	cat >session <<-END
		tty >tty
		stty rows 40 cols 100
		stty -g >before
		bash -c 'echo \$\$ >pid; exec "\$@"' - $(printf '%q ' "$@")
		echo \$? >status
		stty -g >after
	END
	mkfifo in out
	socat - "EXEC:bash session,pty,setsid,ctty,stderr" <in >out 3>&- &
	vm_pid=$!
	exec 8>in 7<out
	rm in out
}

# term_start ARG... - nestor run, whose sentences go to the file err
term_start() { on_terminal bash -c 'exec "$@" 2>err' - "$NESTOR" run "$@"; }

# term_ends STATUS - and the terminal is what it was before
term_ends()
{
	cat <&7 >rest
	exec 7<&- 8>&-
	wait "$vm_pid" || true
	vm_pid=
	echo "status $(<status), $(cat err 2>/dev/null)"
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
