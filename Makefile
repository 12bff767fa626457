# SPDX-License-Identifier: MIT
#
# nestor: build, check, install. `make help` lists what there is to make.
#
# The binary is always an aarch64 one: native on ARM64, cross-compiled
# elsewhere. Unit tests and fuzzers are built for the machine at hand.

ARCH	 := $(shell uname -m)
CROSS	 := $(if $(filter aarch64,$(ARCH)),,aarch64-linux-gnu-)
CC	 := $(CROSS)gcc
CLANG	 := clang
HOSTCC	 := gcc
HOSTARCH := $(if $(filter aarch64,$(ARCH)),arm64,amd64)
PREFIX	 ?= /usr/local
DESTDIR	 ?=
B	 := build
# make V=1 shows the commands.
Q	 := $(if $(V),,@)
say	  = $(if $(V),,@printf '  %-8s %s\n' $(1) $@)

# What `make help` and `make setup` need must not need the sysroots.
SYSROOT	     = $(B)/sysroot/arm64
HOST_SYSROOT = $(B)/sysroot/$(HOSTARCH)

DIRS	 := cmd run config machine arm64 nested virtio devices host core
LIB_SRC	 := $(sort $(foreach d,$(DIRS),$(wildcard $(d)/*.c)))
SRC	 := main.c $(LIB_SRC)
TEST_SRC := $(filter-out core/kvm.c,$(LIB_SRC))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
FUZZERS	 := $(filter-out feed,$(basename $(notdir $(sort $(wildcard tests/fuzz/*.c)))))
# Payloads within the binary: the chapters of nestor demo.
DEMO	 := $(shell sed -n 's/^CHAPTER.\(el2_[a-z0-9_]*\),.*/\1/p' cmd/demo_chapters.h)
PAYLOADS := $(basename $(notdir $(sort $(wildcard guest/*.S guest/*.c))))
# What a payload's table calls `BREAK n:` is a second payload, NAME.break-n.
BROKEN	 := $(foreach p,$(PAYLOADS),$(shell \
	    sed -n 's/^ \* BREAK \([0-9]*\):.*/$p.break-\1/p' guest/$p.[Sc]))

WARN	 := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes \
	    -Wvla -Wpointer-arith
# The tree's own path must not reach the binary: two builds are the same bytes.
COMMON	 := -std=gnu17 -D_GNU_SOURCE $(WARN) -I. -ffile-prefix-map=$(CURDIR)=.
sysinc	  = -isystem $(1)/kvm-asm -isystem $(1)/kvm-linux -isystem $(1)/include
# For size: most of what runs, runs once, and costs most by the pages it touches.
CFLAGS	 ?= -Os -g -fno-strict-aliasing
HARDEN	 := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
# What runs at the start lies together: see tests/bench/order.
ORDER	 := arm64/order.ld
LIBS	 := -lfdt -lz -lzstd -ljansson -lpthread
SANFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	    -fno-sanitize-recover=all
# Tests take longer to compile than to run.
UNITFLAGS := $(SANFLAGS) -O0 -Wno-maybe-uninitialized
TSANFLAGS := -O0 -g1 -fno-omit-frame-pointer -fsanitize=thread -Wno-tsan \
	     -Wno-maybe-uninitialized

.PHONY: all
all: $(B)/nestor $(B)/guest/pvm $(PAYLOADS:%=$(B)/guest/%.bin) $(BROKEN:%=$(B)/guest/%.bin)

# --- the product ----------------------------------------------------------

OBJ := $(SRC:%.c=$(B)/obj/%.o)

$(B)/nestor: $(B)/nestor.debug
	$(call say,STRIP)
	$(Q)$(CROSS)strip -o $@ $<

$(B)/nestor.debug: $(OBJ) $(B)/obj/flags $(B)/obj/list $(ORDER)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(HARDEN) -static-pie -Wl,-z,relro,-z,now,--gc-sections \
		-T $(ORDER) -o $@ $(OBJ) -L$(SYSROOT)/lib $(LIBS)

$(B)/obj/%.o: %.c $(B)/obj/flags | $(SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMMON) $(call sysinc,$(SYSROOT)) $(CFLAGS) $(HARDEN) \
		-ffunction-sections -MMD -MP -c -o $@ $<

# Bare-metal payloads: flat binaries linked to where image_load_kernel() puts
# them. One in C gets the runtime, one in assembly stands alone.
PAYLOAD_FLAGS := -std=gnu17 $(WARN) -I. -O2 -ffreestanding -nostdlib -static \
	-fno-pic -fno-stack-protector -mgeneral-regs-only -mstrict-align \
	-ffunction-sections -fdata-sections \
	-Wl,-n,--build-id=none,--gc-sections,--no-warn-rwx-segments
RT := $(sort $(wildcard guest/rt/*.S guest/rt/*.c))
RT_HDR := $(wildcard guest/rt/*.h) arm64/map.h
RT_OBJ := $(RT:%=$(B)/%.o)
RT_DEPS := $(RT_OBJ) $(RT_HDR) guest/rt/payload.ld $(B)/guest/list

# What all payloads share; none of it is broken on purpose.
$(RT_OBJ): $(B)/%.o: % $(RT_HDR) $(B)/obj/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(PAYLOAD_FLAGS) -c -o $@ $<

$(B)/guest/%.bin: guest/%.S $(RT_DEPS) $(B)/obj/flags
	$(call payload,$<)

$(B)/guest/%.bin: guest/%.c $(RT_DEPS) $(B)/obj/flags
	$(call payload,$(RT_OBJ) $<)

# The 32-bit one, which needs another assembler and nothing linked.
$(B)/guest/a32.bin: guest/a32.S $(B)/obj/flags
	@mkdir -p $(@D)
	$(call say,PAYLOAD)
	$(Q)$(CLANG) --target=armv7a-none-eabi -c -o $(@:.bin=.o) $<
	$(Q)$(CROSS)objcopy -O binary $(@:.bin=.o) $@

.SECONDEXPANSION:
$(BROKEN:%=$(B)/guest/%.bin): $(B)/guest/%.bin: guest/$$(basename $$*).c \
		$(RT_DEPS) $(B)/obj/flags
	$(call payload,-DBREAK=$(patsubst .break-%,%,$(suffix $*)) $(RT_OBJ) $<)

$(foreach d,obj unit clang fuzz-obj tsan,$(B)/$(d)/cmd/demo_words.o): \
	$(DEMO:%=$(B)/guest/%.bin)

# The first process of a command's guest: a Linux program without a libc, which
# is in the binary too.
INIT := $(B)/guest/command-init
INIT_SRC := $(sort $(wildcard guest/command/*.c))
INIT_FLAGS := -std=gnu17 -D_GNU_SOURCE $(WARN) -I. -Os -ffreestanding -nostdlib \
	-static -fno-pic -fno-pie -fno-stack-protector -ffunction-sections \
	-fno-asynchronous-unwind-tables -Wl,--build-id=none,--gc-sections \
	-Wl,-z,noexecstack,-s

$(INIT): $(INIT_SRC) $(wildcard guest/command/*.h) run/frame.h $(B)/obj/flags \
		$(B)/guest/list | $(SYSROOT)
	@mkdir -p $(@D)
	$(call say,INIT)
	$(Q)$(CC) $(INIT_FLAGS) -nostdinc \
		-isystem $$($(CC) -print-file-name=include) -isystem $(SYSROOT)/uapi -o $@ \
		$(INIT_SRC)

# Another, which a test runs in a guest.
$(B)/guest/pvm: guest/linux/pvm.c guest/command/sys.c guest/command/sys.h \
		$(B)/obj/flags | $(SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(INIT_FLAGS) -nostdinc \
		-isystem $$($(CC) -print-file-name=include) -isystem $(SYSROOT)/uapi -o $@ \
		$(filter %.c,$^)

$(foreach d,obj unit clang neutral fuzz-obj tsan,$(B)/$(d)/run/command_files.o): $(INIT)

define payload
	@mkdir -p $(@D)
	$(call say,PAYLOAD)
	$(Q)$(CC) $(PAYLOAD_FLAGS) -T guest/rt/payload.ld -o $(@:.bin=.elf) $(1)
	$(Q)$(CROSS)objcopy -O binary $(@:.bin=.elf) $@
endef

FLAGS = $(CC) $(HOSTCC) $(CLANG) $(CFLAGS) $(HARDEN) $(COMMON) $(SANFLAGS) \
	$(LIBS)
$(B)/obj/flags $(B)/clang/flags: ROOT := $(SYSROOT)
$(B)/obj/flags $(B)/clang/flags: | $(SYSROOT)
NATIVE := $(B)/unit/flags $(B)/fuzz-obj/flags $(B)/tsan/flags
$(NATIVE): ROOT := $(HOST_SYSROOT)
$(NATIVE): | $(HOST_SYSROOT)
$(B)/unit/flags: SANFLAGS := $(UNITFLAGS)
$(B)/tsan/flags: SANFLAGS := $(TSANFLAGS)
# Rebuilt when the compiler, a flag or the sysroot changes, not otherwise.
$(B)/%/flags: FORCE
	@mkdir -p $(@D)
	@f="$$(readlink $(ROOT)) "'$(FLAGS)'; \
		echo "$$f" | cmp -s - $@ || echo "$$f" > $@

# What is linked is linked again when a source comes or goes, however old that is.
$(B)/obj/list: LIST = $(OBJ)
$(B)/guest/list: LIST = $(RT) $(INIT_SRC)
$(B)/unit/list: LIST = $(UNIT_OBJ)
$(B)/fuzz-obj/list: LIST = $(FUZZ_LIB)
$(B)/tsan/list: LIST = $(TSAN_OBJ)
$(B)/%/list: FORCE
	@mkdir -p $(@D)
	@echo '$(LIST)' | cmp -s - $@ || echo '$(LIST)' > $@

# Libraries and kernel headers, unpacked from packages outside of the tree: of
# which version, the cache knows and may learn (rig update).
$(B)/sysroot/%: FORCE
	@mkdir -p $(@D)
	@dir=$$(tests/rig/sysroot $*) && { [ "$$(readlink $@)" = "$$dir" ] || \
		ln -sfn "$$dir" $@; }

# --- unit tests and fuzzers, on the machine at hand -----------------------

UNIT_OBJ := $(patsubst %.c,$(B)/unit/%.o,$(TEST_SRC) $(UNIT_SRC))

$(B)/unit/unit: $(UNIT_OBJ) $(B)/unit/list
	$(call say,LINK)
	$(Q)$(HOSTCC) $(UNITFLAGS) -o $@ $(UNIT_OBJ) -L$(HOST_SYSROOT)/lib $(LIBS)

$(B)/unit/%.o: %.c $(B)/unit/flags | $(HOST_SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOSTCC) $(COMMON) $(call sysinc,$(HOST_SYSROOT)) $(UNITFLAGS) \
		-MMD -MP -c -o $@ $<

.PHONY: unit
unit: $(B)/unit/unit
	$(B)/unit/unit $(T)

FUZZ_LIB := $(patsubst %.c,$(B)/fuzz-obj/%.o,$(TEST_SRC) tests/unit/fake_kvm.c)
FUZZ_BIN := $(FUZZERS:%=$(B)/fuzz/%)

$(FUZZ_BIN): $(B)/fuzz/%: $(B)/fuzz-obj/tests/fuzz/%.o $(FUZZ_LIB) \
		$(B)/fuzz-obj/list
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CLANG) $(SANFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_LIB) \
		-L$(HOST_SYSROOT)/lib $(LIBS)

$(B)/fuzz-obj/%.o: %.c $(B)/fuzz-obj/flags | $(HOST_SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CLANG) $(COMMON) $(call sysinc,$(HOST_SYSROOT)) $(SANFLAGS) \
		-fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

# ThreadSanitizer: the unit tests, and each corpus through a harness without
# libFuzzer. It wants addresses where it looks for them: no random ones, where
# that is allowed. Of fences it knows nothing, and gcc warns: those here put a
# store before a load, and no data hangs on them.
TSAN_OBJ  := $(UNIT_OBJ:$(B)/unit/%=$(B)/tsan/%)
TSAN_LIB  := $(FUZZ_LIB:$(B)/fuzz-obj/%=$(B)/tsan/%) $(B)/tsan/tests/fuzz/feed.o
TSAN_FUZZ := $(FUZZERS:%=$(B)/tsan/fuzz/%)

$(B)/tsan/unit: $(TSAN_OBJ) $(B)/tsan/list
	$(call say,LINK)
	$(Q)$(HOSTCC) $(TSANFLAGS) -o $@ $(TSAN_OBJ) -L$(HOST_SYSROOT)/lib $(LIBS)

$(TSAN_FUZZ): $(B)/tsan/fuzz/%: $(B)/tsan/tests/fuzz/%.o $(TSAN_LIB) $(B)/tsan/list
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOSTCC) $(TSANFLAGS) -o $@ $< $(TSAN_LIB) -L$(HOST_SYSROOT)/lib $(LIBS)

$(B)/tsan/%.o: %.c $(B)/tsan/flags | $(HOST_SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOSTCC) $(COMMON) $(call sysinc,$(HOST_SYSROOT)) $(TSANFLAGS) \
		-MMD -MP -c -o $@ $<

.PHONY: tsan
tsan: export TSAN_OPTIONS ?= halt_on_error=1
tsan: $(B)/tsan/unit $(TSAN_FUZZ)
	@run=; ! setarch -R true 2>/dev/null || run="setarch -R"; bad=0; \
		$$run $(B)/tsan/unit $(T) || bad=1; \
		$(if $(T),,$$run tests/fuzz/replay $(B)/tsan/fuzz $(FUZZERS) || bad=1;) \
		exit $$bad

# Replay the committed corpora, one line of result each.
.PHONY: fuzz-replay
fuzz-replay: $(FUZZ_BIN)
	@tests/fuzz/replay $(B)/fuzz $(FUZZERS)

# Go on from the corpora: make fuzz FUZZ=virtqueue SECONDS=600
FUZZ	?= $(FUZZERS)
SECONDS ?= 60
.PHONY: fuzz
fuzz: $(FUZZ:%=$(B)/fuzz/%)
	@for f in $(FUZZ); do mkdir -p $(B)/fuzz/found/$$f; \
		$(B)/fuzz/$$f -max_total_time=$(SECONDS) \
			-artifact_prefix=$(B)/fuzz/found/$$f- \
			$(B)/fuzz/found/$$f tests/fuzz/corpus/$$f || exit 1; done

# The whole product and its tests under the other compiler.
CLANG_OBJ := $(patsubst %.c,$(B)/clang/%.o,$(SRC))

$(B)/clang/%.o: %.c $(B)/clang/flags | $(SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CLANG) --target=aarch64-linux-gnu $(COMMON) \
		$(call sysinc,$(SYSROOT)) $(CFLAGS) $(HARDEN) -MMD -MP -c -o $@ $<

.PHONY: clang
clang: $(CLANG_OBJ)

# What knows no architecture compiles for one that nestor has no machine of, with
# its KVM's structs, which come with its libc: objects only. The libraries'
# headers are the same for all.
NEUTRAL	    := run config machine virtio devices host core
NEUTRAL_OBJ := $(patsubst %.c,$(B)/neutral/%.o,$(foreach d,$(NEUTRAL),$(wildcard $(d)/*.c)))

$(B)/neutral/%.o: %.c $(B)/obj/flags | $(SYSROOT)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)riscv64-linux-gnu-gcc $(COMMON) -isystem $(SYSROOT)/kvm-linux \
		-isystem $(SYSROOT)/include -O0 -MMD -MP -c -o $@ $<

.PHONY: neutral
neutral: $(NEUTRAL_OBJ)

# --- for people -----------------------------------------------------------

.PHONY: setup
setup:
	@tests/rig/setup

# A Debian kernel as a guest, shown; with INTERACTIVE=1 its shell.
.PHONY: demo
demo:
	@tests/rig/demo $(if $(INTERACTIVE),--interactive)

# All tests, or with T=... some: see the top of tests/check.
.PHONY: check
check:
	@tests/check $(T)

# The table of docs/systems.md, after tests have run.
.PHONY: systems
systems:
	@tests/systems

# Counts, not times; beside QEMU's arm64 package, which it fetches.
.PHONY: bench
bench: all
	@tests/bench/bench

# Traps to the host of a guest's guest, beside published figures; and how long
# the end of a VM with an EL2 takes.
.PHONY: bench-nested
bench-nested: all
	@tests/bench/nested
	@tests/bench/end

# The binary may not run here, so that what a shell loads asks it later.
BASH_LOADER = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nestor
UNIT	    = $(DESTDIR)$(PREFIX)/lib/systemd/system/nestor@.service
ZSH_LOADER  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_nestor

.PHONY: install uninstall
install: $(B)/nestor
	install -D -m 755 $(B)/nestor $(DESTDIR)$(PREFIX)/bin/nestor
	install -D -m 644 man/nestor.1 $(DESTDIR)$(PREFIX)/share/man/man1/nestor.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 man/*.7
	install -d $(dir $(BASH_LOADER)) $(dir $(ZSH_LOADER)) $(dir $(UNIT))
	sed 's|/usr/bin/|$(PREFIX)/bin/|' systemd/nestor@.service >$(UNIT)
	echo 'source <(nestor completion bash)' >$(BASH_LOADER)
	printf '#compdef nestor\neval "$$(nestor completion zsh)"\n' >$(ZSH_LOADER)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/nestor
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/nestor.1
	rm -f $(patsubst man/%,$(DESTDIR)$(PREFIX)/share/man/man7/%,$(wildcard man/*.7))
	rm -f $(BASH_LOADER) $(ZSH_LOADER) $(UNIT)

.PHONY: clean
clean:
	rm -rf $(B)

.PHONY: help
help:
	@echo 'make               build/nestor, one static aarch64 executable'
	@echo 'make setup         install what the build and the tests need'
	@echo 'make demo          boot a Debian guest and show it (INTERACTIVE=1: a shell)'
	@echo 'make check         tests, on real KVM in the emulated host; T=all: all of them; or some:'
	@echo '                   T=PART, or T=FILE[@HOST][:PATTERN] of tests/vm, as in'
	@echo '                   T=unit T=boot T=caps@vhe T="style boot:reset"; HOST is one'
	@echo '                   of nv2, nvhe-gicv2, nvhe, vhe-gicv2, vhe, vhe-stable, nv2-16k, nv2-mte,'
	@echo '                   nv2-lpa2'
	@echo 'make unit          unit tests, natively with sanitizers (T=pattern)'
	@echo 'make neutral       what knows no architecture, compiled for riscv64'
	@echo 'make tsan          unit tests and corpora under ThreadSanitizer (T=pattern)'
	@echo 'make fuzz          go on fuzzing (FUZZ=name SECONDS=n)'
	@echo 'make systems       docs/systems.md, of what make check has seen run'
	@echo 'make bench         instructions, exits, system calls, bytes'
	@echo 'make bench-nested  exits to the host for what a guest of a guest does'
	@echo 'make install       PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make clean         remove build/'

.PHONY: FORCE
FORCE:
.DELETE_ON_ERROR:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
