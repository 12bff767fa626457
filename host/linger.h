/* SPDX-License-Identifier: MIT */
/*
 * Leaving at once, where tearing the address space down takes long.
 *
 * KVM/arm64 walks the whole physical address range for each shadow stage 2
 * when a VM with an EL2 loses its memory: seconds, or minutes for some
 * operations. Whoever waits for nestor should not wait for that.
 */
#pragma once

/*
 * linger() - have a task share this address space until this process is gone
 *
 * Call it last, on the main thread, with all other threads joined. The task
 * holds no descriptor and ends by itself: the memory is freed then, and not
 * in this process' exit. If there can be no such task, the exit is slow and
 * nothing else.
 */
void linger(void);
