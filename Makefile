# SPDX-License-Identifier: GPL-2.0
#
# All of Lodge: the module, the launcher, and what runs and tests them.  `make
# help` lists the targets.  Everything that is built goes to $(O), .build.

VERSION := 0.1

export O ?= $(CURDIR)/.build
host := $(HOST)
export HOST ?= amd
export HOST_KERNEL ?= stock
export BASE ?= lodge
export KVER

T := $(CURDIR)/tools/testbed

# What the module is built for; recipes expand these when they run, which may
# be after the packages that they look for were installed.
ifeq ($(HOST_KERNEL),debug)
kdir = $(shell $(T)/debug-kernel)/build
kver = $(shell cat $(kdir)/include/config/kernel.release)
else
kdir = /lib/modules/$(kver)/build
kver = $(shell $(T)/kver)
endif
module = $(O)/$(kver)/lodge.ko

define HELP
make run                  boot a Linux guest on Lodge, from nothing: installs the
                          packages it needs, builds, boots an emulated AMD host
make check                every test, on an emulated AMD host and on an Intel one
make check-emulator       the emulator against this machine's CPU, and fuzzed
make check-matrix         the selftests on several models of CPU
make check-guests         guests of every kind, with nested paging and without
make check-kvm-selftests  the Linux kernel's own KVM selftests, against what is expected
make bench                what exits cost, side by side with KVM
make lint                 warnings, sparse, checkpatch, formatting

make module               lodge.ko
make launcher             the lodge program
make selftests            the test programs
make packages             install the Debian packages that all this takes
make install              module (DKMS), udev rule, launcher, man page (DESTDIR=, PREFIX=)
make uninstall            remove them
make clean                remove .build

HOST=amd                  the emulated AMD host (the default, but for make check);
                          HOST=intel: the emulated Intel host, HOST=native: this machine
HOST_KERNEL=debug         an emulated host with KASAN, lockdep and the like; built once
BASE=kvm                  the same over the kernel's KVM, to compare
ONLY=PATTERN              make check: only the tests whose name has it
KVER=VERSION              the kernel to build for and to run (the newest installed)
endef

help:
	$(info $(HELP))
	@:

packages:
	@$(T)/install-packages

# Kbuild writes beside the sources: give it a tree of links to them.
module: kbuild = $(O)/$(kver)
module:
	@mkdir -p $(kbuild)
	@find $(kbuild) -xtype l -delete
	@cp -rsf $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/arch $(CURDIR)/uapi $(kbuild)/
	@$(MAKE) --no-print-directory -C $(kdir) M=$(kbuild) UBSAN_SANITIZE=y \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules

launcher:
	@$(MAKE) --no-print-directory -C tools/lodge O=$(O)

selftests:
	@$(MAKE) --no-print-directory -C selftests O=$(O)/selftests

run:
	@$(T)/run

check: export HOST := $(or $(host),$(if $(filter debug,$(HOST_KERNEL)),amd,all))
check:
	@$(T)/check

check-emulator:
	@$(T)/check-emulator "$(ONLY)"

check-matrix:
	@$(T)/check-matrix

check-guests:
	@$(T)/check-guests

check-kvm-selftests:
	@$(T)/check-kvm-selftests

bench:
	@tools/bench/run

lint:
	@tools/lint/run

install uninstall:
	@VERSION=$(VERSION) tools/install/$@

clean:
	rm -rf $(O)

# For the scripts.
print-kver:
	@echo $(kver)
print-module:
	@echo $(module)

.PHONY: help packages module launcher selftests run check check-emulator check-matrix \
	check-guests check-kvm-selftests bench lint install uninstall clean print-kver print-module
