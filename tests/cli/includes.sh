#!/bin/bash
# SPDX-License-Identifier: MIT
#
# includes.sh [DIR] - no #include points the wrong way among the folders:
# main -> cmd -> run -> {config, machine} -> {virtio, devices} -> host -> core;
# arm64 and nested answer machine/arch.h and core/arch.h, which name neither
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 1

# What may each folder include, beside itself?
declare -A allowed=(
	[main]="cmd"
	[cmd]="run config machine arm64 nested virtio devices host core"
	[run]="config machine virtio devices host core"
	[config]="virtio devices host core"
	[machine]="virtio devices host core"
	[arm64]="machine nested virtio devices host core"
	[nested]="host core"
	[virtio]="devices host core"
	[devices]="host core"
	[host]="core"
	[core]=""
)

wrong=$(
	for folder in "${!allowed[@]}"; do
		files=$(find "$folder" -name '*.[ch]' 2>/dev/null)
		[ "$folder" = main ] && files=main.c
		# shellcheck disable=SC2086 # a list of files
		grep -nH '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' $files \
			/dev/null | while IFS= read -r line; do
			to=${line#*\"}
			case " $folder ${allowed[$folder]} " in
			*" ${to%%/*} "*) ;;
			*) echo "includes: $line: $folder/ may include" \
				"only: $folder ${allowed[$folder]}" ;;
			esac
		done
	done
)
[ -z "$wrong" ] || echo "$wrong"
[ -z "$wrong" ]
