#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs.sh - the manual and the program say the same: each key of the table
# stands in nestor(1), nestor(1) has no key that is not in the table, and each
# exit status is in the manual and in --help. (That --help has each key, a unit
# test shows.)
set -u
cd "$(dirname "$0")/../.." || exit 1

man=man/nestor.1 failed=0

wrong()
{
	echo "docs: $*"
	failed=$((failed + 1))
}

# The rows of the table, one a line.
rows=$(tr '\n\t' '  ' <cmd/keys.c | grep -o '{ \.name = [^}]*}')
[ "$(wc -l <<<"$rows")" -gt 10 ] || wrong "cannot read cmd/keys.c"

# What a row says about .$1; nothing if it does not.
field()
{
	[[ $row =~ \."$1"\ =\ [\"\']([^\"\']*) ]] && echo "${BASH_REMATCH[1]}"
}

names=
while read -r row; do
	name=$(field name) letter=$(field letter) form='\\-'$name
	names+=" $name "
	[ "$(field def)" = on ] && form='\\-no-'$name
	[ -z "$letter" ] || form="$letter , Fl $form"
	grep -Eq "^\.It Fl $form( |\$)" $man ||
		wrong "key '$name' is not in $man in its proper form"
done <<<"$rows"

while read -r key; do
	[[ $names = *" ${key#no-} "* ]] ||
		wrong "$man documents --$key, which does not exist"
done < <(sed -n 's/^\.It Fl .*\\-\([a-z-]*\).*/\1/p' $man)

statuses=$(sed -nE 's/^\s*(STATUS_[A-Z]+) = ([0-9]+),.*/\1 \2/p' cmd/exit.h)
[ "$(wc -l <<<"$statuses")" -eq "$(grep -c '^\s*STATUS_' cmd/exit.h)" ] ||
	wrong "cannot read cmd/exit.h"
while read -r status number; do
	grep -q "{ $status," cmd/help.c ||
		wrong "$status is not in cmd/help.c"
	sed -n '/^\.Sh EXIT/,/^\.Sh EXAM/p' $man |
		grep -Eq "^\.It $number(\+n)?\$" ||
		wrong "exit status $number is not in $man"
done <<<"$statuses"

if command -v mandoc >/dev/null; then
	for page in man/*.[0-9]; do
		mandoc -T lint -W warning "$page" || wrong "$page has mistakes"
	done
fi

[ $failed -eq 0 ]
