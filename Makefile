# SPDX-License-Identifier: GPL-2.0-or-later
# The front door: `make help`.

SHELL       := /bin/bash
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

PREFIX      ?= /usr/local
SBINDIR     ?= $(PREFIX)/sbin
MANDIR      ?= $(PREFIX)/share/man
LIBEXECDIR  ?= $(PREFIX)/libexec/app-fw
UNITDIR     ?= /lib/systemd/system
DPKGDIR     ?= /etc/dpkg/dpkg.cfg.d
BASHDIR     ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR      ?= $(PREFIX)/share/zsh/site-functions
FISHDIR     ?= $(PREFIX)/share/fish/vendor_completions.d

ifeq ($(origin CC),default)
CC          := gcc
endif
BPF_CLANG   ?= clang
ifneq ($(FUZZ),)
override CC := $(BPF_CLANG)
endif
BPFTOOL     ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG  ?= pkg-config
V           ?= 0
Q           := $(if $(filter 1,$(V)),,@)

# SAN=asan builds with ASan and UBSan, SAN=tsan with TSan, into folders of their own, so that all kinds live side by side;
# FUZZ=1 is what `make fuzz` builds the fuzzers with, by clang.
BUILD       := build$(SAN:%=/%)$(if $(FUZZ),/fuzz)
BIN         := bin$(SAN:%=/%)

VERSION     := 0.1.0

LIBS        := libmnl libnetfilter_queue libbpf libelf libcrypto jansson libsystemd libmicrohttpd libhs libpcap
CPPFLAGS    += -I. -I$(BUILD)/gen -D_GNU_SOURCE -DFW_VERSION='"$(VERSION)"' \
               $(if $(BASE_FREQ),-DBASE_FREQ=$(BASE_FREQ)) \
               $(if $(filter y,$(DISABLE_ORDERING)),-DDISABLE_ORDERING)
CFLAGS      ?= -O2 -g
CFLAGS      += -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
               -fstack-protector-strong -fno-strict-aliasing -pthread
LDFLAGS     += -pthread -Wl,-z,relro,-z,now
ifeq ($(SAN),asan)
CFLAGS      += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS     += -fsanitize=address,undefined
endif
# TSan cannot see fences: what two processors share through notes is the kernel's half and ours, not two threads' of ours.
ifeq ($(SAN),tsan)
CFLAGS      += -fsanitize=thread -Wno-error=tsan -fno-omit-frame-pointer
LDFLAGS     += -fsanitize=thread
endif
ifneq ($(FUZZ),)
CFLAGS      += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS     += -fsanitize=fuzzer,address,undefined
endif

# What the daemon does for a packet goes through many files: as it is linked, their functions are inlined too. All else
# takes the same objects as they are. And so are those of which bench/untimed.c has functions of its own.
ifeq ($(SAN)$(FUZZ)$(findstring clang,$(CC)),)
FOR_LTO     := -flto -ffat-lto-objects
WITH_LTO    := -flto=auto
WITHOUT_LTO := -fno-lto
# What has up to some hundred bytes is copied and cleared by plain moves: gcc takes one instruction for it otherwise, which
# takes longer to begin than they take in all.
MOVES       := vector_loop:256:noalign,libcall:-1:noalign
CFLAGS      += -mmemcpy-strategy=$(MOVES) -mmemset-strategy=$(MOVES)
endif

PC_CFLAGS    = $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
PC_LIBS      = $(shell $(PKG_CONFIG) --libs $(LIBS))
CTL_LIBS     = $(shell $(PKG_CONFIG) --libs libcrypto jansson)

COMMON_SRC  := $(wildcard common/*.c)
FW_SRC      := $(filter-out fw/main.c,$(wildcard fw/*.c))
CTL_SRC     := $(wildcard ctl/*.c)
# An object of its own, which the daemon can do without: probes/portless.bpf.c.
# The linker wants the file that defines the maps before those that use them.
PROBE_SRC   := probes/maps.bpf.c $(sort $(filter-out probes/maps.bpf.c probes/portless.bpf.c,$(wildcard probes/*.bpf.c)))
UNIT_SRC    := $(wildcard tests/unit/*.c)
BENCH_SRC   := $(filter-out %.bpf.c,$(wildcard bench/*.c))
HELPER_SRC  := $(wildcard tests/e2e/helpers/*.c)
FUZZERS     := rule command wire store packet refusal http stream fragment signature literals
FUZZ_SRC    := $(wildcard tests/fuzz/*.c)
# What the fuzzers share; and the core without what holds the probes, which are built for the daemon only.
FUZZ_SHARED := $(filter-out $(FUZZERS:%=tests/fuzz/%.c),$(FUZZ_SRC))
FUZZ_CORE   := $(COMMON_SRC) $(filter-out fw/probe_load.c fw/probe_watch.c fw/portless.c,$(FW_SRC))

obj          = $(patsubst %.c,$(BUILD)/%.o,$(1))
COMMON_OBJ  := $(call obj,$(COMMON_SRC))
FW_OBJ      := $(call obj,$(FW_SRC))
PROBE_OBJ   := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(PROBE_SRC))
SKEL        := $(BUILD)/gen/probe.skel.h
SKEL_ALONE  := $(BUILD)/gen/portless.skel.h
ALL_OBJ     := $(COMMON_OBJ) $(FW_OBJ) $(BUILD)/fw/main.o $(call obj,$(CTL_SRC) $(UNIT_SRC) $(BENCH_SRC) $(FUZZ_SRC))

.PHONY: help all deps demo check test cli e2e fuzz kernels kernels-deps bench asan tsan runnable tested lint format install uninstall clean

help: ## what can be made
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo "  V=1 shows commands; SAN=asan and SAN=tsan build with sanitizers; BASE_FREQ=HZ fixes the TSC frequency;"
	@echo "  DISABLE_ORDERING=y leaves out aggregate digests; CC=clang; DESTDIR, PREFIX"

all: $(BIN)/app-fw $(BIN)/ctl-fw $(BIN)/syscall_probe.o ## build bin/app-fw, bin/ctl-fw, bin/syscall_probe.o

# A change of these build options rebuilds what depends on them.
OPTIONS     := $(CC) $(FOR_LTO) $(BASE_FREQ) $(DISABLE_ORDERING) $(VERSION)
$(shell mkdir -p $(BUILD)/gen $(BIN); echo '$(OPTIONS)' | cmp -s - $(BUILD)/options || echo '$(OPTIONS)' > $(BUILD)/options)

$(filter-out $(call obj,fw/clock.c fw/stats.c),$(FW_OBJ) $(COMMON_OBJ)) $(BUILD)/fw/main.o: LTO := $(FOR_LTO)

$(BUILD)/%.o: %.c $(BUILD)/options
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(PC_CFLAGS) $(CFLAGS) $(LTO) -MMD -MP -c $< -o $@

# The compiler's own folder has no asm/ for the bpf target: borrow the host's.
BPF_CFLAGS  := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -I. \
               -I/usr/include/$(shell uname -m)-linux-gnu -D__TARGET_ARCH_x86
$(BUILD)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $<"
	$(Q)$(BPF_CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(BIN)/syscall_probe.o: $(PROBE_OBJ)
	@echo "  LINK  $@"
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL): $(BIN)/syscall_probe.o
	@echo "  SKEL  $@"
	$(Q)$(BPFTOOL) gen skeleton $< name probe_skel > $@

$(BUILD)/fw/probe_load.o: $(SKEL)

$(SKEL_ALONE): $(BUILD)/gen/%.skel.h: $(BUILD)/probes/%.bpf.o
	@echo "  SKEL  $@"
	$(Q)$(BPFTOOL) gen skeleton $< name $*_skel > $@

$(BUILD)/fw/portless.o: $(BUILD)/gen/portless.skel.h

$(BIN)/app-fw: $(BUILD)/fw/main.o $(FW_OBJ) $(COMMON_OBJ)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITH_LTO) $(LDFLAGS) $^ $(PC_LIBS) -o $@

$(BIN)/ctl-fw: $(call obj,$(CTL_SRC)) $(COMMON_OBJ)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITHOUT_LTO) $(LDFLAGS) $^ $(CTL_LIBS) -o $@

# The core without its edges: what unit tests link.
$(BUILD)/core.a: $(FW_OBJ) $(COMMON_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/unit: $(call obj,$(UNIT_SRC)) $(BUILD)/core.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITHOUT_LTO) $(LDFLAGS) $(call obj,$(UNIT_SRC)) $(BUILD)/core.a $(PC_LIBS) -lcunit -o $@

$(BUILD)/fuzz-core.a: $(call obj,$(FUZZ_CORE))
	$(Q)rm -f $@ && ar rcs $@ $^

# What they share has functions of the core in it, which are taken instead of the core's.
$(FUZZERS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tests/fuzz/%.o $(call obj,$(FUZZ_SHARED)) $(BUILD)/fuzz-core.a
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITHOUT_LTO) $(LDFLAGS) $^ $(PC_LIBS) -o $@

$(BIN)/bench/%: $(BUILD)/bench/%.o
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITHOUT_LTO) $(LDFLAGS) $< $(PC_LIBS) -o $@

$(BIN)/helpers/%: tests/e2e/helpers/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $< $(LDLIBS) -o $@

# Not a program: what a test preloads.
$(BIN)/helpers/allocs.so: CFLAGS += -shared -fPIC

BENCH_BIN   := $(patsubst bench/%.c,$(BIN)/bench/%,$(filter-out bench/untimed.c,$(BENCH_SRC))) $(BIN)/bench/app-fw-untimed
HELPER_BIN  := $(patsubst tests/e2e/helpers/%.c,$(BIN)/helpers/%,$(HELPER_SRC))

# --- Tests -----------------------------------------------------------------------------------
# What `deps` installs where it is missing: to build, and to test.
PACKAGES    := gcc make clang libclang-rt-dev llvm pkg-config bpftool libmnl-dev libnetfilter-queue-dev libbpf-dev \
               libelf-dev libssl-dev libcunit1-dev libjansson-dev libsystemd-dev \
               libmicrohttpd-dev libvectorscan-dev libpcap-dev uthash-dev linux-libc-dev libc6-dev \
               iptables iproute2 curl wget python3 netcat-openbsd nginx-light iperf3 wrk jq \
               util-linux procps openssl stress gcc-multilib clang-format clang-tidy cppcheck shellcheck \
               mandoc iputils-ping gzip zsh fish libnginx-mod-http-modsecurity modsecurity-crs python3-prometheus-client \
               gnuplot-nox strace

SCRIPTS      = $(sort $(wildcard dist/deps dist/dpkg-hook .ci/run tests/run-unit tests/tally tests/e2e/run tests/e2e/*.sh bench/run bench/plot bench/*.sh \
                 tests/kernels/fetch tests/kernels/init tests/kernels/run tests/fuzz/run tests/cli/run tests/cli/*.sh \
                 dist/completion/*.bash))
C_FILES      = $(sort $(wildcard common/*.[ch] fw/*.[ch] ctl/*.[ch] probes/*.[ch] bench/*.[ch] \
                 tests/unit/*.[ch] tests/fuzz/*.[ch] tests/e2e/helpers/*.[ch]))
SUBMAKE      = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: root tested fuzzers

root:
	@$(if $(filter 0,$(shell id -u)),,$(error this needs root: sudo make $(MAKECMDGOALS)))

deps: ## install the packages that are missing (apt; elsewhere it names them)
	@dist/deps $(PACKAGES)

# Whatever depends on deps builds in a make of its own: this one started before the tools were there.
demo: root deps ## show it at work, in two network namespaces; the host's traffic is not touched
	$(SUBMAKE) all
	@tests/e2e/demo.sh

check: root deps ## all tests: unit, command lines, then end to end
	$(SUBMAKE) tested
	@set -o pipefail; { tests/run-unit; tests/cli/run; tests/e2e/run; } | tests/tally 6

test: $(BUILD)/unit ## unit tests; no root needed
	@SAN=$(SAN) tests/run-unit

cli: all ## what the programs say to those who type: wrong words, completion, examples; no root needed
	@set -o pipefail; SAN=$(SAN) tests/cli/run | tests/tally 4

e2e: root tested ## end-to-end scenarios; ONLY="10 14" for some of them
	@SAN=$(SAN) tests/e2e/run $(ONLY)

fuzz: deps ## fuzzers, with ASan and UBSan; FUZZ_S=60 seconds for each
	$(SUBMAKE) FUZZ=1 fuzzers
	@FUZZ_S=$(FUZZ_S) tests/fuzz/run $(FUZZERS)

fuzzers: $(FUZZERS:%=$(BUILD)/%)

kernels: tested ## scenarios under other kernels, in qemu; ONLY="10 14" for some, KERNELS="6.1 6.12"
	@tests/kernels/run $(KERNELS)

kernels-deps: root ## fetch what that needs: qemu, and Debian's kernels (100 MB)
	@tests/kernels/fetch

bench: root tested ## what it costs, beside its baseline; ONLY="throughput first"; PEER="name:start:stop"; CHECK=1
	@bench/run $(if $(CHECK),--check) $(if $(PEER),--peer '$(PEER)') $(ONLY)

# These do what the daemon does, by its own code.
$(BIN)/bench/lookups $(BIN)/bench/hashes $(BIN)/bench/decisions $(BIN)/bench/laps: $(BIN)/bench/%: $(BUILD)/bench/%.o $(BUILD)/core.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITHOUT_LTO) $(LDFLAGS) $^ $(PC_LIBS) -o $@

# The probes, with programs that look at nothing where ours are asked about each packet.
HOLLOW      := $(BIN)/bench/hollow_probe.o
$(HOLLOW): $(filter-out %/note.bpf.o %/pass.bpf.o,$(PROBE_OBJ)) $(BUILD)/bench/hollow.bpf.o
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(BPFTOOL) gen object $@ $^

# The daemon, of the same objects, without what times its stages: to see what that costs.
$(BIN)/bench/app-fw-untimed: $(BUILD)/bench/untimed.o $(BUILD)/fw/main.o $(FW_OBJ) $(COMMON_OBJ)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(WITH_LTO) $(LDFLAGS) -Wl,--wrap=clock_ticks -Wl,--wrap=histogram_add $^ $(PC_LIBS) -o $@

asan: root deps ## unit tests and scenarios under ASan and UBSan
	$(SUBMAKE) SAN=asan tested
	@set -o pipefail; export SAN=asan; \
	  { tests/run-unit; tests/cli/run; tests/e2e/run $(or $(ONLY),$(ASAN_SCENARIOS)); } | tests/tally 6

# In these the daemon does all that it can do. The others measure speed or memory, or differ in what the processes beside it do;
# of streams the fuzzers see more, and events are watched by TSan.
ASAN_SCENARIOS = 10 17 18 20 22 25 29 30 44 50 51 52 53 54 57 59 60 61 63 64 68 69 70 71 72 73 77 80 87 91 96 98 100

tsan: root deps ## scenarios under TSan
	$(SUBMAKE) SAN=tsan runnable
	@SAN=tsan SLOW=$${SLOW:-4} TSAN_OPTIONS=exitcode=66 tests/e2e/run $(or $(ONLY),$(TSAN_SCENARIOS))

# In these every thread of the daemon has something to do at the same time as the others.
TSAN_SCENARIOS = 59 85

runnable: all $(HELPER_BIN)

tested: runnable $(BUILD)/unit $(BENCH_BIN) $(HOLLOW)

# --- Care of the sources ---------------------------------------------------------------------
lint: ## shellcheck, clang-format, cppcheck, JSON, man pages
	$(Q)shellcheck -x $(SCRIPTS)
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(Q)cppcheck -j$(shell nproc) --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
	  --suppressions-list=.ci/cppcheck.suppress --include=.ci/cppcheck.h -I. fw ctl common
	$(Q)jq empty dist/*.json
	$(Q)mandoc -T lint -W warning $(wildcard docs/*.8)

format: ## lay out the C sources
	$(Q)clang-format -i $(C_FILES)

# --- Installation ----------------------------------------------------------------------------
INSTALLED    = $(SBINDIR)/app-fw $(SBINDIR)/ctl-fw $(MANDIR)/man8/app-fw.8 $(MANDIR)/man8/ctl-fw.8 \
               $(UNITDIR)/app-fw.service $(DPKGDIR)/app-fw $(LIBEXECDIR)/dpkg-hook \
               $(BASHDIR)/app-fw $(BASHDIR)/ctl-fw $(ZSHDIR)/_app-fw $(ZSHDIR)/_ctl-fw \
               $(FISHDIR)/app-fw.fish $(FISHDIR)/ctl-fw.fish
SUBSTITUTE   = sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g'

install: all ## install programs, man pages, completion, the systemd unit and dpkg's hook (PREFIX, DESTDIR)
	install -D -m 0755 -t $(DESTDIR)$(SBINDIR) $(BIN)/app-fw $(BIN)/ctl-fw
	install -D -m 0644 -t $(DESTDIR)$(MANDIR)/man8 docs/app-fw.8 docs/ctl-fw.8
	install -D -m 0644 dist/completion/app-fw.bash $(DESTDIR)$(BASHDIR)/app-fw
	install -D -m 0644 dist/completion/ctl-fw.bash $(DESTDIR)$(BASHDIR)/ctl-fw
	install -D -m 0644 -t $(DESTDIR)$(ZSHDIR) dist/completion/_app-fw dist/completion/_ctl-fw
	install -D -m 0644 -t $(DESTDIR)$(FISHDIR) dist/completion/app-fw.fish dist/completion/ctl-fw.fish
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DPKGDIR)
	$(SUBSTITUTE) dist/app-fw.service > $(DESTDIR)$(UNITDIR)/app-fw.service
	$(SUBSTITUTE) dist/dpkg-hook > $(DESTDIR)$(LIBEXECDIR)/dpkg-hook
	chmod 0755 $(DESTDIR)$(LIBEXECDIR)/dpkg-hook
	$(SUBSTITUTE) dist/dpkg.cfg > $(DESTDIR)$(DPKGDIR)/app-fw

uninstall: ## remove what install put there; saved rules stay
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	[ ! -d $(DESTDIR)$(LIBEXECDIR) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(LIBEXECDIR)

clean: ## remove what was built
	rm -rf build bin

-include $(ALL_OBJ:.o=.d) $(PROBE_OBJ:.o=.d) $(BUILD)/probes/portless.bpf.d $(BUILD)/bench/hollow.bpf.d
