#!/bin/bash
# SPDX-License-Identifier: MIT
#
# style.sh - what a tool can say about how the code reads
set -u
cd "$(dirname "$0")/../.." || exit 1

failed=0

wrong()
{
	echo "style: $*"
	failed=$((failed + 1))
}

mapfile -t code < <(git ls-files '*.c' '*.h')
mapfile -t scripts < <(git ls-files -z ':!tests/fuzz/corpus' | xargs -0 awk '
	FNR == 1 && (FILENAME ~ /\.(sh|bats)$/ || /^#!.*[\/ ](ba|da)?sh( |$)/) { print FILENAME }
	{ nextfile }')
mapfile -t sources < <(printf '%s\n' "${code[@]}" "${scripts[@]}" &&
	git ls-files Makefile 'man/*' '*.S' '*.ld')

# each COMMAND... - with all of standard input's names, on all CPUs
each() { xargs -d '\n' -P "$(nproc)" -n 16 "$@"; }

if command -v clang-format >/dev/null; then
	printf '%s\n' "${code[@]}" | each clang-format --dry-run -Werror ||
		wrong "clang-format -i would change what is named above"
else
	echo "style: no clang-format here, so the format is not checked"
fi

if command -v shellcheck >/dev/null; then
	printf '%s\n' "${scripts[@]}" | each shellcheck -x ||
		wrong "shellcheck has complaints"
else
	echo "style: no shellcheck here, so scripts are not checked"
fi

# Of tests/ no opening is asked: the names of tests are sentences, and say it.
while IFS= read -r line; do
	wrong "$line"
done < <(awk '
	FNR == 1 { opened = 0 }
	FNR <= 3 && /SPDX-License-Identifier: MIT/ { spdx[FILENAME] }
	FNR > 1 && NF && !opened++ && /^\/\*/ { opening[FILENAME] }
	{ lines[FILENAME] = FNR }
	END {
		for (i = 1; i < ARGC; i++) {
			f = ARGV[i]
			if (!(f in spdx))
				print f ": no SPDX line in its first three"
			if (f !~ /\.[ch]$/)
				continue
			if (f !~ /^tests\// && !(f in opening))
				print f ": no comment below the SPDX line that says what it is"
			if (lines[f] > 600)
				print f ": longer than 600 lines: is it two responsibilities?"
		}
	}' "${sources[@]}")

# Written so that this file does not hold them.
forbidden='TO''DO|FIX''ME|X''XX|not ''implemented'
if git grep -nIwE "$forbidden" -- . ':!tests/fuzz/corpus' ':!LICENSE'; then
	wrong "finish what the lines above put off"
fi

[ $failed -eq 0 ]
