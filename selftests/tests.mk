# SPDX-License-Identifier: GPL-2.0
# The programs, in the order in which they are run: what the later ones rest
# on comes first.
TESTS := exit_io exit_io_string exit_mmio exit_hlt exit_shutdown \
	exit_internal_error exit_fail_entry exit_intr exit_irq_window \
	exit_set_tpr exit_triple_fault_event
TESTS += reg_regs reg_sregs
TESTS += memslot dirty_log
TESTS += inject_exception inject_irq inject_nmi
TESTS += smp
