# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# vms.bash - VMs in the background, in a directory of the test's own; to be
# loaded after lib

setup() { cd "$BATS_TEST_TMPDIR" && mkdir -m 700 vms; }

# Whatever a test has not ended, ends; what is left in the directory is wrong.
teardown()
{
	local names
	forget_timeout
	mapfile -t names < <(n ls --json | jq -r '.[].name')
	((!${#names[@]})) || n rm --force "${names[@]}"
	[[ ! ${BATS_TEST_COMPLETED:-} || ! $(ls -A vms) ]]
}

# n COMMAND ARG... - nestor, with VMs of this test's own
n() { nestor "$1" --runtime-dir vms "${@:2}"; }

# start NAME PAYLOAD ARG... - in the background
start() { n run --detach --name "$1" -m 32M -k "$(payload "$2")" "${@:3}"; }

# field NAME FIELD - of what ls knows of a VM
field() { n ls --json | jq -r ".[] | select(.name == \"$1\") | .$2"; }
