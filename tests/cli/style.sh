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
mapfile -t scripts < <(git ls-files | while read -r f; do
	case $f in
	*.sh | *.bats) echo "$f" ;;
	*) head -c 40 "$f" | tr -d '\0' | grep -Eqa '^#!.*\b(ba|da)?sh' &&
		echo "$f" ;;
	esac
done)
mapfile -t sources < <(printf '%s\n' "${code[@]}" "${scripts[@]}" &&
	git ls-files Makefile 'man/*' '*.S' '*.ld')

if command -v clang-format >/dev/null; then
	for f in "${code[@]}"; do
		clang-format "$f" | cmp -s - "$f" ||
			wrong "$f: clang-format -i would change it"
	done
else
	echo "style: no clang-format here, so the format is not checked"
fi

if command -v shellcheck >/dev/null; then
	shellcheck -x "${scripts[@]}" || wrong "shellcheck has complaints"
else
	echo "style: no shellcheck here, so scripts are not checked"
fi

for f in "${sources[@]}"; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
		wrong "$f: no SPDX line in its first three"
done

# Tests are exempt: their names are sentences, and say it.
for f in "${code[@]}"; do
	case $f in
	tests/*) continue ;;
	esac
	awk 'NR > 1 && NF { exit }
		END { exit !/^\/\*/ }' "$f" ||
		wrong "$f: no comment below the SPDX line that says what it is"
done

for f in "${code[@]}"; do
	[ "$(wc -l <"$f")" -le 600 ] ||
		wrong "$f: longer than 600 lines: is it two responsibilities?"
done

# Written so that this file does not hold them.
forbidden='TO''DO|FIX''ME|X''XX|not ''implemented'
if git grep -nIwE "$forbidden" -- . ':!tests/*/corpus' ':!LICENSE'; then
	wrong "finish what the lines above put off"
fi

[ $failed -eq 0 ]
