# SPDX-License-Identifier: GPL-2.0
#
# What every kind of test needs built, a line per phase.  Sourced, in the root of
# the repository, with $here set; exports HOST, HOST_KERNEL, BASE, O and
# KVM_SELFTESTS, the directory of the kernel's own.

. "$here/phase.sh"
export O="${O:-$PWD/.build}"
export HOST="${HOST:-amd}" HOST_KERNEL="${HOST_KERNEL:-stock}" BASE="${BASE:-lodge}"

phase "packages"
"$here/install-packages"
phase_done
if [ "$HOST_KERNEL" = debug ]; then
	phase "debug kernel"
	"$here/debug-kernel" >/dev/null
	phase_done
fi
if [ "$BASE" = lodge ]; then
	phase "lodge.ko for $(${MAKE:-make} -s print-kver)"
	${MAKE:-make} -s module >/dev/null
	# Guests have the distribution's kernel all the same, and one is to load it.
	[ "$HOST_KERNEL" = stock ] || ${MAKE:-make} -s module HOST_KERNEL=stock >/dev/null
	phase_done
fi
phase "launcher and selftests"
${MAKE:-make} -s launcher >/dev/null
${MAKE:-make} -s selftests >/dev/null
phase_done
phase "the kernel's KVM selftests"
KVM_SELFTESTS=$("$here/kvm-selftests")
export KVM_SELFTESTS
phase_done
