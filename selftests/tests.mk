# SPDX-License-Identifier: GPL-2.0
# The programs, in the order in which they are run: what the later ones rest
# on comes first.
TESTS := exit_io exit_io_string exit_mmio exit_hlt exit_shutdown \
	exit_internal_error exit_fail_entry exit_intr exit_intr_masked \
	exit_irq_window exit_set_tpr exit_triple_fault_event exit_msr
TESTS += check_svm check_vmx
TESTS += reg_regs reg_sregs reg_fpu reg_msrs reg_debugregs reg_vcpu_events \
	reg_mp_state reg_lapic reg_cpuid reg_clock msr_filter
TESTS += mode_real mode_paging guest_debug
TESTS += realmode_segments realmode_int realmode_irq realmode_big realmode_switch
TESTS += memslot memslot_running dirty_log mmu_notifier mmu_userfault \
	mmu_parallel mmu_large_pages mmu_guest_walk mmu_modes mmu_changes coalesced_io
TESTS += inject_exception inject_irq inject_nmi inject_nmi_sti inject_again bad_guest
TESTS += emulate_insn emulate_forced task_switch
TESTS += lapic_registers lapic_priority lapic_ipi lapic_x2apic lapic_timer lapic_base
TESTS += ioapic pic pic_ocw3 pit irqchip_split irq_routing irqfd ioeventfd
TESTS += smp
TESTS += kvmclock tsc stats_fd
TESTS += abi_system abi_pointers abi_order abi_lifetime abi_kvm_run
TESTS += cve_memslot_index cve_cpuid_count cve_irq_number cve_msr_index \
	cve_invpcid cve_create_device cve_emulated_segments cve_mmio_over_page
