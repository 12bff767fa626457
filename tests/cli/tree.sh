#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tree.sh - the device tree is that of QEMU's `virt` board, but for the differences
# that tests/cli/tree.differences lists, each with its reason.
#
# Of nestor's side, the trees of tests/unit/golden are taken, which a unit test
# holds the product to; of QEMU's, what it dumps of the same machine. Every
# difference must be in the list, and everything in the list must occur.
set -u
cd "$(dirname "$0")/../.." || exit 1

list=tests/cli/tree.differences failed=0

# Ours, and the same machine on QEMU.
machines=(
	"pci_its -M virt,gic-version=3,highmem-ecam=off -cpu cortex-a57 -smp 1"
	"ecam_high -M virt,gic-version=3 -cpu cortex-a57 -smp 1"
	"gicv2_8 -M virt,gic-version=2,highmem-ecam=off -cpu cortex-a57 -smp 8"
	"el2_nvhe -M virt,gic-version=3,highmem-ecam=off,virtualization=on -cpu cortex-a57 -smp 1"
	"el2_vhe -M virt,gic-version=3,highmem-ecam=off,virtualization=on -cpu max -smp 2"
)

wrong()
{
	echo "tree: $*"
	failed=$((failed + 1))
}

# flat FORMAT FILE - a line for each node and property: path, name and value, with
# tabs between them; what is referred to by phandle has its path there.
flat()
{
	dtc -q -I "$1" -O dts "$2" | awk '
		BEGIN {
			# Which cells of a property are phandles: from, and each how many.
			every["clocks"] = every["cpu"] = every["interrupt-parent"] = 1
			from["msi-map"] = 1; every["msi-map"] = 4
			from["gpios"] = 0; every["gpios"] = 3
			from["interrupt-map"] = 4; every["interrupt-map"] = 10
		}
		/\{$/ {
			path[++depth] = $1 == "/" ? "" : path[depth - 1] "/" $1
			node[++nodes] = path[depth] == "" ? "/" : path[depth]
			next
		}
		/^\t*\};$/ { depth--; next }
		depth && /;$/ {
			name = $1; sub(/;$/, "", name)
			value = $0
			if (!sub(/^[^=]*= /, "", value)) value = ""
			sub(/;$/, "", value)
			where = path[depth] == "" ? "/" : path[depth]
			if (name == "phandle") {
				gsub(/[<>]/, "", value)
				of[value] = where
				next
			}
			at[++props] = where; called[props] = name; is[props] = value
		}
		END {
			for (i = 1; i <= nodes; i++)
				print node[i] "\t\t"
			for (i = 1; i <= props; i++) {
				value = is[i]
				if (called[i] in every) {
					gsub(/[<>]/, "", value)
					n = split(value, cell, " ")
					value = ""
					for (c = 1; c <= n; c++) {
						if ((c - 1) % every[called[i]] == from[called[i]] + 0)
							cell[c] = cell[c] in of ? of[cell[c]] : "nowhere"
						value = value " " cell[c]
					}
				}
				print at[i] "\t" called[i] "\t" value
			}
		}'
}

# differences OURS THEIRS - "-" only QEMU has it, "+" only nestor, "~" the values
# differ; of a node that is not there, not its parts.
differences()
{
	awk -F '\t' '
		FILENAME == ARGV[1] { ours[$1 "\t" $2] = $3; next }
		{ theirs[$1 "\t" $2] = $3 }
		# Is a node that it is in, or its own, missing there?
		function within(path, there, own) {
			while (own || sub(/\/[^\/]*$/, "", path)) {
				own = 0
				if (path != "" && !((path "\t") in there)) return 1
			}
			return 0
		}
		function only(sign, here, there,   key, part) {
			for (key in here) {
				split(key, part, "\t")
				if (!(key in there) && !within(part[1], there, part[2] != ""))
					print sign " " part[1] (part[2] == "" ? "" : " " part[2])
			}
		}
		END {
			only("+", ours, theirs)
			only("-", theirs, ours)
			for (key in ours)
				if (key in theirs && ours[key] != theirs[key]) {
					split(key, part, "\t")
					print "~ " part[1] " " part[2]
				}
		}' "$1" "$2" | sort
}

qemu=$(tests/rig/qemu) && tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

mapfile -t known < <(grep -v '^#\|^$' "$list")
declare -A seen=()
for machine in "${machines[@]}"; do
	read -r name options <<<"$machine"
	# shellcheck disable=SC2086 # a list of options
	said=$("$qemu" $options -M dumpdtb="$tmp/dtb" -m 1G -nodefaults 2>&1) ||
		wrong "$name: QEMU says: $said"
	flat dts "tests/unit/golden/$name.dts" >"$tmp/ours"
	flat dtb "$tmp/dtb" >"$tmp/theirs"
	(($(wc -l <"$tmp/theirs") > 100)) || wrong "$name: QEMU's tree cannot be read"
	while read -r line; do
		found=
		for k in "${known[@]}"; do
			# shellcheck disable=SC2053 # a pattern
			[[ $line != $k ]] || found=$k
		done
		if [[ $found ]]; then
			seen[$found]=1
		else
			wrong "$name: not in $list: $line"
		fi
	done < <(differences "$tmp/ours" "$tmp/theirs")
done
for k in "${known[@]}"; do
	[[ ${seen[$k]:-} ]] || wrong "$list: no longer a difference: $k"
done

((!failed))
