#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs.sh - the manual and the program say the same: each key of the table
# stands in nestor(1) with its parts, nestor(1) has no key that is not in the
# table, and each exit status is in the manual and in --help. (That --help has each key, a unit
# test shows.) The other pages for people name only targets and files that
# are there, tests/vm/examples has each example, and tests/hostile.md lists the tests
# that there are.
set -u
cd "$(dirname "$0")/../.." || exit 1

man=man/nestor.1 failed=0

wrong()
{
	echo "docs: $*"
	failed=$((failed + 1))
}

# The rows of the table, one a line.
rows=$(sed -n '/^const struct key keys/,/^};/p' config/keys.c | tr -s '\n\t' '  ' |
	sed -E 's/ (KEY|FLAG|PARTS|DO)\("/\n\1("/g' | sed 1d)
[ "$(wc -l <<<"$rows")" -gt 10 ] || wrong "cannot read config/keys.c"

# The parts with a name that the table parts_$1 has.
parts_of()
{
	local table
	table=$(sed -n "/ ${1}_rows\[\]/,/^};/p" config/parts_table.c)
	[ -n "$table" ] || wrong "cannot read ${1}_rows in config/parts_table.c"
	sed -nE 's/^\t(ROW|SMBIOS)\("([a-z-]+)", (PART_NAMED|PART_KIND|SMBIOS_).*/\2/p
		s/^\tPLACE\(.*/transport\nslot/p' <<<"$table"
}

names=
while read -r row; do
	[[ $row =~ ^(KEY|FLAG|PARTS|DO)\(\"([a-z0-9-]+)\",\ [A-Z_]+,\ ([a-z_]+)? ]] ||
		wrong "cannot read $row"
	name=${BASH_REMATCH[2]} form='\\-'${BASH_REMATCH[2]} parts=
	[ "${BASH_REMATCH[1]}" != PARTS ] || parts=${BASH_REMATCH[3]}
	letter=$(sed -nE "s/.*\.letter = '(.)'.*/\1/p" <<<"$row")
	names+=" $name "
	[[ $row = FLAG*,\ \"on\",* || $row = *.def\ =\ \"on\"* ]] && form='\\-no-'$name
	[ -z "$letter" ] || form="$letter , Fl $form"
	grep -Eq "^\.It Fl $form( |\$)" $man ||
		wrong "key '$name' is not in $man in its proper form"
	[ -z "$parts" ] || while read -r part; do
		sed -n "/^\.It Fl .*$form\( \|\$\)/,/^\.It Fl/p" $man |
			sed '$d' | grep -Eq "(\.|It )Cm $part\b|,$part\b" ||
			wrong "$part of key '$name' is not in $man"
	done < <(parts_of "$parts")
done <<<"$rows"

while read -r key; do
	[[ $names = *" ${key#no-} "* ]] ||
		wrong "$man documents --$key, which does not exist"
done < <(sed -n 's/^\.It Fl .*\\-\([a-z0-9-]*\).*/\1/p' $man)

statuses=$(sed -nE 's/^\s*(STATUS_[A-Z]+) = ([0-9]+),.*/\1 \2/p' run/exit.h)
[ "$(wc -l <<<"$statuses")" -eq "$(grep -c '^\s*STATUS_' run/exit.h)" ] ||
	wrong "cannot read run/exit.h"
while read -r status number; do
	grep -q "{ $status," cmd/help.c ||
		wrong "$status is not in cmd/help.c"
	sed -n '/^\.Sh EXIT/,/^\.Sh EXAM/p' $man |
		grep -Eq "^\.It $number(\+n)?\$" ||
		wrong "exit status $number is not in $man"
done <<<"$statuses"

# What people are told to make, or to look at, is there.
pages="README.md CONTRIBUTING.md docs/systems.md"
while read -r target; do
	grep -Eq "^$target( |:)|^\.PHONY:.* $target( |\$)" Makefile ||
		wrong "'make $target' is written of, but not in the Makefile"
done < <({
	# shellcheck disable=SC2086 # a list of words
	grep -ohE '\bmake [a-z][a-z-]*' $pages
	sed -nE "s/^\t@echo '(make [a-z-]+) .*/\1/p" Makefile
} | cut -d' ' -f2 | sort -u)
folders='tests|guest|arm64|cmd|core|host|virtio|devices|nested|man|systemd'
# shellcheck disable=SC2086 # a list of words
while read -r f; do
	[ -e "$f" ] || wrong "'$f' is written of, but does not exist"
done < <(grep -ohE "(^|[^a-z/])($folders)/[a-z0-9_./-]*[a-z0-9_]" $pages |
	sed 's/^[^a-z]//' | sort -u)

# Whatever is shown to be run is in tests/vm/examples, with the tests that run it.
shown=$(awk '/\\e$/ { sub(/ *\\e$/, ""); line = line $0 " "; next } { print line $0; line = "" }' \
	man/*.[0-9] README.md | sed -nE 's/^(\.Dl |[a-z]*\$ |    \$ )?(nestor run .*)/\2/p' |
	sed -E 's/ +/ /g; s/ (#.*|&)$//' | sort -u)
listed=$(grep -v '^#' tests/vm/examples)
while read -r line; do
	wrong "tests/vm/examples and README.md or man/ differ about '$line'"
done < <(comm -3 <(echo "$shown") <(cut -f2 <<<"$listed" | sort -u))
while read -r file; do
	[[ $file = typed || -e tests/vm/$file.bats ]] ||
		wrong "tests/vm/examples names $file, which does not exist"
done < <(cut -f1 <<<"$listed" | sort -u)

# A test of a hostile row has the row in its name, and stands in the table.
row='([QNVSPFIMAB][0-9]+|9[ABC])'
shown=$(grep -oiE "^((VIRTIO_)?TEST(_BY_HAND)?\(${row}_|@test \"$row\b)" tests/*/*.c tests/*/*.bats |
	sed -E 's/:((VIRTIO_)?TEST(_BY_HAND)?\(|@test ")/ /; s/_$//' | tr "[:lower:]" "[:upper:]" | sort -u)
listed=$(sed -nE 's/^\| ([A-Z0-9]+[abc]?) \|.*\| (`[^|]*) \|$/\1 \2/p' tests/hostile.md |
	while read -r row files; do
		for f in ${files//\`/}; do
			echo "tests/$f $row"
		done
	done | tr "[:lower:]" "[:upper:]" | sort -u)
[ -n "$listed" ] || wrong "cannot read tests/hostile.md"
while read -r file row; do
	wrong "tests/hostile.md and ${file,,} differ about row $row"
done < <(comm -3 <(echo "$shown") <(echo "$listed") | tr -d '\t')

# What tests have seen run stands in docs/systems.md, and nothing else does.
while read -r what file; do
	wrong "docs/systems.md and tests/vm/$file.bats differ about what runs ($what); see 'make systems'"
done < <(diff <(grep -lE '^\s*seen ' tests/vm/*.bats | xargs basename -s .bats | sort) \
	<(sed -nE '/^\|---/,$s/.*\| ([a-z0-9_]+) \|$/\1/p' docs/systems.md | sort -u) |
	grep '^[<>]')

# nestor-nested(7) names each payload that is a guest hypervisor, and no other.
while read -r what payload; do
	wrong "man/nestor-nested.7 and guest/ differ about $payload ($what)"
done < <(diff <(basename -s .c guest/el2_*.c | sort) \
	<(sed -nE 's/^\.Sy (el2_[a-z0-9_]+).*/\1/p' man/nestor-nested.7 | sort -u) |
	grep '^[<>]')

# systemd has nothing to say against the unit, with a program that is here.
if command -v systemd-analyze >/dev/null; then
	dir=$(mktemp -d)
	sed 's|/usr/bin/nestor|/bin/true|' systemd/nestor@.service >"$dir/nestor@vm.service"
	said=$(systemd-analyze verify --man=no "$dir/nestor@vm.service" 2>&1)
	[ -z "$said" ] || wrong "systemd/nestor@.service: $said"
	rm -r "$dir"
fi

if command -v mandoc >/dev/null; then
	for page in man/*.[0-9]; do
		mandoc -T lint -W warning "$page" || wrong "$page has mistakes"
	done
fi

[ $failed -eq 0 ]
