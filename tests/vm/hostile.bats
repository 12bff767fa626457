#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What a guest may do to nestor, on real KVM: the payloads break the rules, and
# find out for themselves whether the devices and the machine still work.

load lib
load devices

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	truncate -s 4M victim bystander
	for transport in mmio pci; do
		nestor run -k "$(payload virtio_hostile)" -m 64M -c 2 --timeout 100 \
			--transport $transport -d victim -d bystander \
			>said.$transport 2>log.$transport
		echo $? >status.$transport
	done
}

# held ROW - every case of the row passed over both transports, and there is one
held()
{
	local f
	cd "$BATS_FILE_TMPDIR" || return
	for f in said.mmio said.pci; do
		cat $f
		grep -q "^PASS $1 " $f && ! grep "^FAIL $1 " $f || return
	done
}

@test "Q1 notifying or selecting a queue that does not exist is ignored" { held Q1; }
@test "Q3 size and addresses that change after DRIVER_OK are ignored" { held Q3; }
@test "Q4 a head that is made available twice does no harm" { held Q4; }
@test "Q5 an available index that runs ahead needs a reset" { held Q5; }
@test "Q6 a looped chain, or one that leaves the table, needs a reset" { held Q6; }
@test "Q7 a bad indirect table needs a reset" { held Q7; }
@test "Q8 a buffer that is not wholly in RAM, or empty, needs a reset" { held Q8; }
@test "Q9 a CPU that changes a request in flight cannot harm the device" { held Q9; }
@test "Q10 a header in MMIO space, or none where one must be, needs a reset" { held Q10; }
@test "Q11 a buffer in the device's own registers needs a reset" { held Q11; }
@test "Q12 used.len is what was written, also for a refused request" { held Q12; }
@test "Q13 a reset with a request in flight waits for it" { held Q13; }
@test "P2 the configuration space past its end reads as zero" { held P2; }

@test "nestor outlives a hostile driver until the guest powers off" {
	cd "$BATS_FILE_TMPDIR"
	cat said.* log.*
	[[ $(<status.mmio) = 0 && $(<status.pci) = 0 ]]
	run ! grep FAIL said.mmio said.pci
}

@test "a hostile driver costs a few lines of log" {
	cd "$BATS_FILE_TMPDIR"
	for log in log.mmio log.pci; do
		cat $log
		run -0 grep -c 'nestor: disk0: the driver broke the protocol, needs a reset' $log
		((output >= 1 && output <= 10))
		run ! grep -v 'the driver broke the protocol, needs a reset' $log
	done
}
