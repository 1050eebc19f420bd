/* SPDX-License-Identifier: GPL-2.0 */
/* Of check_vmx.c: a way, or several, to break each rule.  B(function, statements). */

/* --- controls --- */
B(b_pin, PIN &= ~0x2ull)
B(b_pin_high, PIN |= 1 << 20)
B(b_primary, CPU |= 1)
B(b_secondary, CPU2 |= 1u << 31)
B(b_cr3_targets, F(CR3_TARGET_COUNT) = 5)
B(b_cr3_targets_cpu, FACT(MISC) &= ~(0x1ffull << 16); F(CR3_TARGET_COUNT) = 1)
B(b_io_a, CPU |= CPU_BASED_USE_IO_BITMAPS; F(IO_BITMAP_A) = 0x10)
B(b_io_b, CPU |= CPU_BASED_USE_IO_BITMAPS; F(IO_BITMAP_B) = BEYOND)
B(b_msr_bitmap, F(MSR_BITMAP) = 0x10800)
B(b_msr_bitmap_far, F(MSR_BITMAP) = BEYOND)
B(b_vapic, F(VIRTUAL_APIC_PAGE_ADDR) = 1)
B(b_tpr, F(TPR_THRESHOLD) = 0x10)
B(b_tpr_above, F(TPR_THRESHOLD) = 3)
B(b_tpr_shadow, CPU &= ~(u64)CPU_BASED_TPR_SHADOW; CPU2 |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)
B(b_tpr_shadow_regs,
	CPU &= ~(u64)CPU_BASED_TPR_SHADOW; CPU2 |= SECONDARY_EXEC_APIC_REGISTER_VIRT)
B(b_vnmi, PIN &= ~(u64)PIN_BASED_NMI_EXITING)
B(b_nmi_window,
	PIN &= ~(u64)PIN_BASED_VIRTUAL_NMIS; CPU |= CPU_BASED_NMI_WINDOW_EXITING)
B(b_apic_access, CPU2 |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES; F(APIC_ACCESS_ADDR) = 4)
B(b_x2apic, CPU2 |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES |
	SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)
B(b_vid, CPU2 |= SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY; PIN &= ~(u64)PIN_BASED_EXT_INTR_MASK)
B(b_posted_vid, posted(); CPU2 &= ~(u64)SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)
B(b_posted_ack, posted(); EXIT &= ~(u64)VM_EXIT_ACK_INTR_ON_EXIT)
B(b_posted_vector, posted(); F(POSTED_INTR_NV) = 0x100)
B(b_posted_desc, posted(); F(POSTED_INTR_DESC_ADDR) |= 0x20)
B(b_posted_desc_far, posted(); F(POSTED_INTR_DESC_ADDR) = BEYOND)
B(b_vpid, F(VIRTUAL_PROCESSOR_ID) = 0)
B(b_eptp_type, F(EPT_POINTER) = (F(EPT_POINTER) & ~7ull) | 1)
B(b_eptp_uc, F(EPT_POINTER) &= ~7ull)
B(b_eptp_levels, F(EPT_POINTER) = (F(EPT_POINTER) & ~0x38ull) | VMX_EPTP_PWL_5)
B(b_eptp_ad, FACT(EPT_VPID) &= ~VMX_EPT_AD_BIT)
B(b_eptp_reserved, F(EPT_POINTER) |= 0x100)
B(b_eptp_far, F(EPT_POINTER) |= BEYOND)
B(b_eptp_shadow_stacks, F(EPT_POINTER) |= 0x80)
B(b_pml_ept, CPU2 = SECONDARY_EXEC_ENABLE_PML)
B(b_pml, CPU2 |= SECONDARY_EXEC_ENABLE_PML; F(PML_ADDRESS) = 8)
B(b_unrestricted_ept, CPU2 = SECONDARY_EXEC_UNRESTRICTED_GUEST)
B(b_mode_based, CPU2 = SECONDARY_EXEC_MODE_BASED_EPT_EXEC)
B(b_multiplier, FACT(CPU2_ALLOWED) |= SECONDARY_EXEC_TSC_SCALING;
	CPU2 |= SECONDARY_EXEC_TSC_SCALING)
B(b_exit, EXIT &= ~1ull)
B(b_save_timer, EXIT |= VM_EXIT_SAVE_VMX_PREEMPTION_TIMER)
B(b_exit_store, F(VM_EXIT_MSR_STORE_COUNT) = 1; F(VM_EXIT_MSR_STORE_ADDR) = 8)
B(b_exit_load, F(VM_EXIT_MSR_LOAD_COUNT) = 1; F(VM_EXIT_MSR_LOAD_ADDR) = BEYOND)
B(b_exit_load_end, F(VM_EXIT_MSR_LOAD_COUNT) = 2; F(VM_EXIT_MSR_LOAD_ADDR) = BEYOND - 16)
B(b_entry, ENTRY |= 1u << 31)
B(b_event_reserved_type, event(INTR_TYPE_RESERVED, 0))
B(b_event_no_mtf, FACT(CPU_ALLOWED) &= ~(u64)CPU_BASED_MONITOR_TRAP_FLAG;
	event(INTR_TYPE_OTHER_EVENT, 0))
B(b_event_nmi, event(INTR_TYPE_NMI_INTR, 3))
B(b_event_exception, event(INTR_TYPE_HARD_EXCEPTION, 32))
B(b_event_mtf, event(INTR_TYPE_OTHER_EVENT, 1))
B(b_code_missing, event(INTR_TYPE_HARD_EXCEPTION, 13))
B(b_code_with_ud, event(INTR_TYPE_HARD_EXCEPTION, 6 | INTR_INFO_DELIVER_CODE_MASK))
B(b_code_with_interrupt, event(INTR_TYPE_EXT_INTR, 0x30 | INTR_INFO_DELIVER_CODE_MASK))
B(b_code_in_real_mode,
	real_mode(); event(INTR_TYPE_HARD_EXCEPTION, 13 | INTR_INFO_DELIVER_CODE_MASK))
B(b_code_with_cp, event(INTR_TYPE_HARD_EXCEPTION, 21 | INTR_INFO_DELIVER_CODE_MASK))
B(b_event_reserved, event(INTR_TYPE_EXT_INTR, 0x30 | 1 << 12))
B(b_code_high, event(INTR_TYPE_HARD_EXCEPTION, 14 | INTR_INFO_DELIVER_CODE_MASK);
	F(VM_ENTRY_EXCEPTION_ERROR_CODE) = 0x10000)
B(b_code_15, event(INTR_TYPE_HARD_EXCEPTION, 14 | INTR_INFO_DELIVER_CODE_MASK);
	F(VM_ENTRY_EXCEPTION_ERROR_CODE) = 0x8000)
B(b_length_zero, event(INTR_TYPE_SOFT_INTR, 0x80))
B(b_length_16, event(INTR_TYPE_SOFT_EXCEPTION, 3); F(VM_ENTRY_INSTRUCTION_LEN) = 16)
B(b_entry_load, F(VM_ENTRY_MSR_LOAD_COUNT) = 1; F(VM_ENTRY_MSR_LOAD_ADDR) = 4)
B(b_smm, ENTRY |= VM_ENTRY_SMM)

/* --- the host --- */
B(b_host_size, EXIT &= ~(u64)VM_EXIT_HOST_ADDR_SPACE_SIZE; F(HOST_IA32_EFER) = 0)
B(b_host_cr0, F(HOST_CR0) &= ~(u64)X86_CR0_NE)
B(b_host_pae, F(HOST_CR4) &= ~(u64)X86_CR4_PAE)
B(b_host_cet, F(HOST_CR4) |= X86_CR4_CET; F(HOST_CR0) &= ~(u64)X86_CR0_WP)
B(b_host_cr4, F(HOST_CR4) &= ~(u64)X86_CR4_VMXE)
B(b_host_cr3, F(HOST_CR3) = BEYOND)
B(b_host_esp, F(HOST_IA32_SYSENTER_ESP) = CROOKED)
B(b_host_eip, F(HOST_IA32_SYSENTER_EIP) = CROOKED)
B(b_host_perf, EXIT |= VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL;
	F(HOST_IA32_PERF_GLOBAL_CTRL) = 1 << 5)
B(b_host_pat, F(HOST_IA32_PAT) = 3)
B(b_host_efer, F(HOST_IA32_EFER) |= 2)
B(b_host_efer_mode, F(HOST_IA32_EFER) = EFER_LME)
B(b_host_cs, F(HOST_CS_SELECTOR) |= 3)
B(b_host_ss, F(HOST_SS_SELECTOR) |= 4)
B(b_host_ds, F(HOST_DS_SELECTOR) = 3)
B(b_host_es, F(HOST_ES_SELECTOR) = 3)
B(b_host_fs, F(HOST_FS_SELECTOR) = 3)
B(b_host_gs, F(HOST_GS_SELECTOR) = 3)
B(b_host_tr, F(HOST_TR_SELECTOR) |= 1)
B(b_host_cs_null, F(HOST_CS_SELECTOR) = 0)
B(b_host_tr_null, F(HOST_TR_SELECTOR) = 0)
B(b_host_fs_base, F(HOST_FS_BASE) = CROOKED)
B(b_host_gs_base, F(HOST_GS_BASE) = CROOKED)
B(b_host_gdtr, F(HOST_GDTR_BASE) = CROOKED)
B(b_host_idtr, F(HOST_IDTR_BASE) = CROOKED)
B(b_host_tr_base, F(HOST_TR_BASE) = CROOKED)
B(b_host_rip, F(HOST_RIP) = CROOKED)

/* --- the guest's registers --- */
B(b_cr0, F(GUEST_CR0) &= ~(u64)X86_CR0_NE)
B(b_cr0_restricted, real_mode(); CPU2 &= ~(u64)SECONDARY_EXEC_UNRESTRICTED_GUEST)
B(b_cr0_high, F(GUEST_CR0) |= 1ull << 32)
B(b_pg, unrestricted(); F(GUEST_CR0) &= ~(u64)X86_CR0_PE)
B(b_cr4, F(GUEST_CR4) &= ~(u64)X86_CR4_VMXE)
B(b_cr4_high, F(GUEST_CR4) |= 1ull << 32)
B(b_cet, F(GUEST_CR4) |= X86_CR4_CET; F(GUEST_CR0) &= ~(u64)X86_CR0_WP)
B(b_debugctl, F(GUEST_IA32_DEBUGCTL) = 8)
B(b_long_pg, unrestricted(); F(GUEST_CR0) &= ~(u64)X86_CR0_PG)
B(b_long_pae, F(GUEST_CR4) &= ~(u64)X86_CR4_PAE)
B(b_pcid, legacy(); F(GUEST_CR4) |= X86_CR4_PCIDE)
B(b_cr3, F(GUEST_CR3) = BEYOND)
B(b_cr3_masking, F(GUEST_CR3) = 1ull << 61)
B(b_cr3_no_flush, FACT(HAS_LAM) = 1; F(GUEST_CR3) = 1ull << 63)
B(b_dr7, F(GUEST_DR7) |= 1ull << 32)
B(b_esp, F(GUEST_SYSENTER_ESP) = CROOKED)
B(b_eip, F(GUEST_SYSENTER_EIP) = CROOKED)
B(b_perf, ENTRY |= VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL;
	F(GUEST_IA32_PERF_GLOBAL_CTRL) = 1ull << 40)
B(b_pat, F(GUEST_IA32_PAT) = 8)
B(b_efer, F(GUEST_IA32_EFER) |= EFER_SVME)
B(b_lma, F(GUEST_IA32_EFER) = EFER_LME)
B(b_lme, F(GUEST_IA32_EFER) = EFER_LMA)
B(b_bndcfgs, ENTRY |= VM_ENTRY_LOAD_BNDCFGS; F(GUEST_BNDCFGS) = 4)
B(b_bndcfgs_far, ENTRY |= VM_ENTRY_LOAD_BNDCFGS; F(GUEST_BNDCFGS) = CROOKED)
B(b_gdtr, F(GUEST_GDTR_BASE) = CROOKED)
B(b_idtr, F(GUEST_IDTR_BASE) = CROOKED)
B(b_gdtr_limit, F(GUEST_GDTR_LIMIT) = 0x10000)
B(b_idtr_limit, F(GUEST_IDTR_LIMIT) = 0x10000)
B(b_rip, legacy(); F(GUEST_RIP) = 1ull << 32)
B(b_rip_compat, AR(CS) = 0xc09b; F(GUEST_RIP) = 1ull << 32)
B(b_rip_wide, F(GUEST_RIP) = 1ull << 48)
B(b_rflags, F(GUEST_RFLAGS) = 0)
B(b_rflags_high, F(GUEST_RFLAGS) |= 1 << 22)
B(b_rflags_vm, F(GUEST_RFLAGS) |= X86_EFLAGS_VM)
B(b_rflags_vm_real, real_mode(); F(GUEST_RFLAGS) |= X86_EFLAGS_VM)
B(b_rflags_if, event(INTR_TYPE_EXT_INTR, 0x30))

/* --- segments --- */
B(b_tr_ti, SEL(TR) |= 4)
B(b_ldtr_ti, SEL(LDTR) |= 4)
B(b_ss_rpl, SEL(CS) |= 3)
B(b_cs_vm86_base, vm86(); BASE(CS) = 0)
B(b_cs_vm86_limit, vm86(); LIMIT(CS) = 0xffffffff)
B(b_cs_vm86_access, vm86(); AR(CS) = 0x93)
B(b_ss_vm86_base, vm86(); BASE(SS) = 0)
B(b_ss_vm86_limit, vm86(); LIMIT(SS) = 0xffffffff)
B(b_ss_vm86_access, vm86(); AR(SS) = 0x93)
B(b_ds_vm86_base, vm86(); BASE(DS) = 0)
B(b_ds_vm86_limit, vm86(); LIMIT(DS) = 0xffffffff)
B(b_ds_vm86_access, vm86(); AR(DS) = 0x93)
B(b_es_vm86_base, vm86(); BASE(ES) = 0)
B(b_es_vm86_limit, vm86(); LIMIT(ES) = 0xffffffff)
B(b_es_vm86_access, vm86(); AR(ES) = 0x93)
B(b_fs_vm86_base, vm86(); BASE(FS) = 0)
B(b_fs_vm86_limit, vm86(); LIMIT(FS) = 0xffffffff)
B(b_fs_vm86_access, vm86(); AR(FS) = 0x93)
B(b_gs_vm86_base, vm86(); BASE(GS) = 0)
B(b_gs_vm86_limit, vm86(); LIMIT(GS) = 0xffffffff)
B(b_gs_vm86_access, vm86(); AR(GS) = 0x93)
B(b_tr_base, BASE(TR) = CROOKED)
B(b_ldtr_base, BASE(LDTR) = CROOKED)
B(b_fs_base, AR(FS) = VMX_AR_UNUSABLE_MASK; BASE(FS) = CROOKED)
B(b_gs_base, BASE(GS) = CROOKED)
B(b_cs_base, BASE(CS) = 1ull << 32)
B(b_ss_base, BASE(SS) = 1ull << 32)
B(b_ds_base, BASE(DS) = 1ull << 32)
B(b_es_base, BASE(ES) = 1ull << 32)
B(b_cs_type, AR(CS) &= ~8ull)
B(b_cs_type_accessed, AR(CS) &= ~1ull)
B(b_ss_type, AR(SS) &= ~2ull)
B(b_ds_type, AR(DS) &= ~1ull)
B(b_es_type, AR(ES) = 0xc099)
B(b_fs_type, AR(FS) &= ~1ull)
B(b_gs_type, AR(GS) &= ~1ull)
B(b_cs_s, AR(CS) &= ~(u64)VMX_AR_S_MASK)
B(b_ss_s, AR(SS) &= ~(u64)VMX_AR_S_MASK)
B(b_ds_s, AR(DS) &= ~(u64)VMX_AR_S_MASK)
B(b_es_s, AR(ES) &= ~(u64)VMX_AR_S_MASK)
B(b_fs_s, AR(FS) &= ~(u64)VMX_AR_S_MASK)
B(b_gs_s, AR(GS) &= ~(u64)VMX_AR_S_MASK)
B(b_cs_dpl_data, real_mode(); AR(CS) = 0xf3)
B(b_ss_dpl_zero, real_mode(); AR(SS) = 0xf3)
B(b_ss_dpl_rpl, SEL(CS) |= 3; SEL(SS) |= 3)
B(b_cs_dpl, AR(CS) |= 3 << VMX_AR_DPL_SHIFT)
B(b_cs_dpl_conforming, AR(CS) |= 4 | 3 << VMX_AR_DPL_SHIFT)
B(b_ds_dpl, SEL(DS) |= 3)
B(b_es_dpl, SEL(ES) |= 3)
B(b_fs_dpl, SEL(FS) |= 3)
B(b_gs_dpl, SEL(GS) |= 1)
B(b_cs_present, AR(CS) &= ~(u64)VMX_AR_P_MASK)
B(b_cs_reserved, AR(CS) |= 0x100)
B(b_cs_reserved_high, AR(CS) |= 1 << 17)
B(b_cs_g_small, AR(CS) &= ~(u64)VMX_AR_G_MASK; LIMIT(CS) = 0x100000)
B(b_cs_g_odd, AR(CS) |= VMX_AR_G_MASK; LIMIT(CS) = 0xfff00000)
B(b_ss_present, AR(SS) &= ~(u64)VMX_AR_P_MASK)
B(b_ss_reserved, AR(SS) |= 0x100)
B(b_ss_reserved_high, AR(SS) |= 1 << 17)
B(b_ss_g_small, AR(SS) &= ~(u64)VMX_AR_G_MASK; LIMIT(SS) = 0x100000)
B(b_ss_g_odd, AR(SS) |= VMX_AR_G_MASK; LIMIT(SS) = 0xfff00000)
B(b_ds_present, AR(DS) &= ~(u64)VMX_AR_P_MASK)
B(b_ds_reserved, AR(DS) |= 0x100)
B(b_ds_reserved_high, AR(DS) |= 1 << 17)
B(b_ds_g_small, AR(DS) &= ~(u64)VMX_AR_G_MASK; LIMIT(DS) = 0x100000)
B(b_ds_g_odd, AR(DS) |= VMX_AR_G_MASK; LIMIT(DS) = 0xfff00000)
B(b_es_present, AR(ES) &= ~(u64)VMX_AR_P_MASK)
B(b_es_reserved, AR(ES) |= 0x100)
B(b_es_reserved_high, AR(ES) |= 1 << 17)
B(b_es_g_small, AR(ES) &= ~(u64)VMX_AR_G_MASK; LIMIT(ES) = 0x100000)
B(b_es_g_odd, AR(ES) |= VMX_AR_G_MASK; LIMIT(ES) = 0xfff00000)
B(b_fs_present, AR(FS) &= ~(u64)VMX_AR_P_MASK)
B(b_fs_reserved, AR(FS) |= 0x100)
B(b_fs_reserved_high, AR(FS) |= 1 << 17)
B(b_fs_g_small, AR(FS) &= ~(u64)VMX_AR_G_MASK; LIMIT(FS) = 0x100000)
B(b_fs_g_odd, AR(FS) |= VMX_AR_G_MASK; LIMIT(FS) = 0xfff00000)
B(b_gs_present, AR(GS) &= ~(u64)VMX_AR_P_MASK)
B(b_gs_reserved, AR(GS) |= 0x100)
B(b_gs_reserved_high, AR(GS) |= 1 << 17)
B(b_gs_g_small, AR(GS) &= ~(u64)VMX_AR_G_MASK; LIMIT(GS) = 0x100000)
B(b_gs_g_odd, AR(GS) |= VMX_AR_G_MASK; LIMIT(GS) = 0xfff00000)
B(b_tr_present, AR(TR) &= ~(u64)VMX_AR_P_MASK)
B(b_tr_reserved, AR(TR) |= 0x100)
B(b_tr_reserved_high, AR(TR) |= 1 << 17)
B(b_tr_g_small, AR(TR) &= ~(u64)VMX_AR_G_MASK; LIMIT(TR) = 0x100000)
B(b_tr_g_odd, AR(TR) |= VMX_AR_G_MASK; LIMIT(TR) = 0xfff00000)
B(b_ldtr_present, AR(LDTR) &= ~(u64)VMX_AR_P_MASK)
B(b_ldtr_reserved, AR(LDTR) |= 0x100)
B(b_ldtr_reserved_high, AR(LDTR) |= 1 << 17)
B(b_ldtr_g_small, AR(LDTR) &= ~(u64)VMX_AR_G_MASK; LIMIT(LDTR) = 0x100000)
B(b_ldtr_g_odd, AR(LDTR) |= VMX_AR_G_MASK; LIMIT(LDTR) = 0xfff00000)
B(b_cs_long, AR(CS) |= VMX_AR_DB_MASK)
B(b_tr_unusable, AR(TR) |= VMX_AR_UNUSABLE_MASK)
B(b_tr_type, AR(TR) = 0x89)
B(b_tr_type_16, AR(TR) = 0x83)
B(b_tr_s, AR(TR) |= VMX_AR_S_MASK)
B(b_ldtr_type, AR(LDTR) = 0x83)
B(b_ldtr_s, AR(LDTR) |= VMX_AR_S_MASK)

/* --- state that is in no register --- */
B(b_activity, F(GUEST_ACTIVITY_STATE) = 4)
B(b_activity_cpu, FACT(MISC) = 0; F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_HLT)
B(b_halted, user_mode(); F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_HLT)
B(b_inactive_shadow,
	F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_SHUTDOWN; SHADOW = GUEST_INTR_STATE_MOV_SS)
B(b_halted_event,
	F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_HLT; event(INTR_TYPE_HARD_EXCEPTION, 6))
B(b_shutdown_event, interrupts_on();
	F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_SHUTDOWN; event(INTR_TYPE_EXT_INTR, 0x30))
B(b_sipi_event, F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_WAIT_SIPI; event(INTR_TYPE_NMI_INTR, 2))
B(b_shadow, SHADOW = 0x20)
B(b_both, interrupts_on(); SHADOW = 3)
B(b_sti, SHADOW = GUEST_INTR_STATE_STI)
B(b_interrupt_shadow,
	interrupts_on(); SHADOW = GUEST_INTR_STATE_STI; event(INTR_TYPE_EXT_INTR, 0x30))
B(b_nmi_mov_ss, SHADOW = GUEST_INTR_STATE_MOV_SS; event(INTR_TYPE_NMI_INTR, 2))
B(b_smi, SHADOW = GUEST_INTR_STATE_SMI)
B(b_nmi_blocked, SHADOW = GUEST_INTR_STATE_NMI; event(INTR_TYPE_NMI_INTR, 2))
B(b_enclave, SHADOW = GUEST_INTR_STATE_ENCLAVE_INTR; FACT(HAS_SGX) = 0)
B(b_enclave_mov_ss, SHADOW = GUEST_INTR_STATE_ENCLAVE_INTR | GUEST_INTR_STATE_MOV_SS)
B(b_rtm, F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 16)
B(b_rtm_cpu, FACT(HAS_RTM) = 0; F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 16 | 1 << 12)
B(b_pending, F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 4)
B(b_pending_bus_lock, F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 11)
B(b_pending_high, F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 17)
B(b_step_missing, SHADOW = GUEST_INTR_STATE_MOV_SS; F(GUEST_RFLAGS) |= X86_EFLAGS_TF)
B(b_step_too_many,
	SHADOW = GUEST_INTR_STATE_MOV_SS; F(GUEST_PENDING_DBG_EXCEPTIONS) = 1 << 14)
B(b_step_halted,
	F(GUEST_ACTIVITY_STATE) = GUEST_ACTIVITY_HLT; F(GUEST_RFLAGS) |= X86_EFLAGS_TF)
B(b_link, F(VMCS_LINK_POINTER) = 0x10)
B(b_link_far, F(VMCS_LINK_POINTER) = BEYOND)
B(b_link_target,
	F(VMCS_LINK_POINTER) = 0x1000; FACT(QUALIFICATION) = ENTRY_FAIL_VMCS_LINK_PTR)
B(b_pdptes, legacy(); CPU2 &= ~(u64)SECONDARY_EXEC_ENABLE_EPT;
	FACT(QUALIFICATION) = ENTRY_FAIL_PDPTE)
B(b_pdpte0, legacy(); F(GUEST_PDPTR0) = 3)
B(b_pdpte1, legacy(); F(GUEST_PDPTR1) = 0x21)
B(b_pdpte2, legacy(); F(GUEST_PDPTR2) = BEYOND | 1)
B(b_pdpte3, legacy(); F(GUEST_PDPTR3) = 0x101)
B(b_nmi_sti, interrupts_on(); SHADOW = GUEST_INTR_STATE_STI; event(INTR_TYPE_NMI_INTR, 2))

/* --- MSRs, and errors of the instruction --- */
B(b_load_base, FACT(MSR_NUMBER) = 1; FACT(MSR_INDEX) = MSR_FS_BASE)
B(b_load_x2apic, FACT(MSR_NUMBER) = 1; FACT(MSR_INDEX) = 0x808)
B(b_load_smm, FACT(MSR_NUMBER) = 1; FACT(MSR_INDEX) = 0x9b)
B(b_load_reserved, FACT(MSR_NUMBER) = 2; FACT(MSR_INDEX) = MSR_EFER; FACT(MSR_RESERVED) = 1)
B(b_load_value, FACT(MSR_NUMBER) = 2; FACT(MSR_INDEX) = MSR_EFER; FACT(MSR_DATA) = 2)
B(b_nothing, (void)0)

#define C(name, fn)	{ name, 7, 0, fn }
#define H(name, fn)	{ name, 8, 0, fn }
#define G(name, fn)	{ name, 0, EXIT_REASON_INVALID_STATE, fn }
#define M(name, fn)	{ name, 0, EXIT_REASON_MSR_LOAD_FAIL, fn }
static const struct vmx_breaker breakers[] = {
	C("pin-controls", b_pin), C("pin-controls", b_pin_high),
	C("primary-controls", b_primary), C("secondary-controls", b_secondary),
	C("cr3-target-count", b_cr3_targets), C("cr3-target-count", b_cr3_targets_cpu),
	C("io-bitmap-a", b_io_a), C("io-bitmap-b", b_io_b),
	C("msr-bitmap", b_msr_bitmap), C("msr-bitmap", b_msr_bitmap_far),
	C("virtual-apic-address", b_vapic),
	C("tpr-threshold", b_tpr), C("tpr-threshold-above", b_tpr_above),
	C("tpr-shadow", b_tpr_shadow), C("tpr-shadow", b_tpr_shadow_regs),
	C("virtual-nmis", b_vnmi), C("nmi-window", b_nmi_window),
	C("apic-access-address", b_apic_access), C("x2apic-mode", b_x2apic),
	C("interrupt-delivery", b_vid), C("posted-delivery", b_posted_vid),
	C("posted-ack", b_posted_ack), C("posted-vector", b_posted_vector),
	C("posted-descriptor", b_posted_desc), C("posted-descriptor", b_posted_desc_far),
	C("vpid-zero", b_vpid),
	C("eptp-memory-type", b_eptp_type), C("eptp-memory-type", b_eptp_uc),
	C("eptp-levels", b_eptp_levels), C("eptp-dirty-bits", b_eptp_ad),
	C("eptp-reserved", b_eptp_reserved), C("eptp-reserved", b_eptp_far),
	C("eptp-reserved", b_eptp_shadow_stacks),
	C("pml-ept", b_pml_ept), C("pml-address", b_pml),
	C("unrestricted-ept", b_unrestricted_ept), C("mode-based-ept", b_mode_based),
	C("tsc-multiplier", b_multiplier),
	C("exit-controls", b_exit), C("save-timer", b_save_timer),
	C("exit-msr-store", b_exit_store), C("exit-msr-load", b_exit_load),
	C("exit-msr-load", b_exit_load_end),
	C("entry-controls", b_entry),
	C("event-type", b_event_reserved_type), C("event-type", b_event_no_mtf),
	C("event-vector", b_event_nmi), C("event-vector", b_event_exception),
	C("event-vector", b_event_mtf),
	C("event-error-code", b_code_missing), C("event-error-code", b_code_with_ud),
	C("event-error-code", b_code_with_interrupt), C("event-error-code", b_code_in_real_mode),
	C("event-error-code", b_code_with_cp), C("event-error-code-15", b_code_15),
	C("event-reserved", b_event_reserved), C("event-error-code-reserved", b_code_high),
	C("event-length", b_length_zero), C("event-length", b_length_16),
	C("entry-msr-load", b_entry_load), C("entry-to-smm", b_smm),

	H("host-address-size", b_host_size), H("host-cr0-fixed", b_host_cr0),
	H("host-cr4-pae", b_host_pae), H("host-cet-wp", b_host_cet),
	H("host-cr4-fixed", b_host_cr4), H("host-cr3", b_host_cr3),
	H("host-sysenter-esp", b_host_esp), H("host-sysenter-eip", b_host_eip),
	H("host-perf-global", b_host_perf), H("host-pat", b_host_pat),
	H("host-efer-reserved", b_host_efer), H("host-efer-mode", b_host_efer_mode),
	H("host-cs-selector", b_host_cs), H("host-ss-selector", b_host_ss),
	H("host-ds-selector", b_host_ds), H("host-es-selector", b_host_es),
	H("host-fs-selector", b_host_fs), H("host-gs-selector", b_host_gs),
	H("host-tr-selector", b_host_tr),
	H("host-cs-null", b_host_cs_null), H("host-tr-null", b_host_tr_null),
	H("host-fs-base", b_host_fs_base), H("host-gs-base", b_host_gs_base),
	H("host-gdtr-base", b_host_gdtr), H("host-idtr-base", b_host_idtr),
	H("host-tr-base", b_host_tr_base), H("host-rip", b_host_rip),

	G("cr0-fixed", b_cr0), G("cr0-fixed", b_cr0_restricted), G("cr0-fixed", b_cr0_high),
	G("cr0-pg-pe", b_pg), G("cr4-fixed", b_cr4), G("cr4-fixed", b_cr4_high),
	G("cet-wp", b_cet), G("debugctl", b_debugctl),
	G("long-mode-pg", b_long_pg), G("long-mode-pae", b_long_pae), G("pcid", b_pcid),
	G("cr3", b_cr3), G("cr3", b_cr3_masking), G("cr3", b_cr3_no_flush),
	G("dr7-upper", b_dr7),
	G("sysenter-esp", b_esp), G("sysenter-eip", b_eip),
	G("perf-global", b_perf), G("pat", b_pat),
	G("efer-reserved", b_efer), G("efer-lma", b_lma), G("efer-lme", b_lme),
	G("bndcfgs", b_bndcfgs), G("bndcfgs", b_bndcfgs_far),
	G("gdtr-base", b_gdtr), G("idtr-base", b_idtr),
	G("gdtr-limit", b_gdtr_limit), G("idtr-limit", b_idtr_limit),
	G("rip-upper", b_rip), G("rip-upper", b_rip_compat), G("rip-width", b_rip_wide),
	G("rflags-reserved", b_rflags), G("rflags-reserved", b_rflags_high),
	G("rflags-vm", b_rflags_vm), G("rflags-vm", b_rflags_vm_real),
	G("rflags-if", b_rflags_if),

	G("tr-ti", b_tr_ti), G("ldtr-ti", b_ldtr_ti), G("ss-rpl", b_ss_rpl),
	G("cs-vm86-base", b_cs_vm86_base), G("cs-vm86-limit", b_cs_vm86_limit),
	G("cs-vm86-access", b_cs_vm86_access),
	G("ss-vm86-base", b_ss_vm86_base), G("ss-vm86-limit", b_ss_vm86_limit),
	G("ss-vm86-access", b_ss_vm86_access),
	G("ds-vm86-base", b_ds_vm86_base), G("ds-vm86-limit", b_ds_vm86_limit),
	G("ds-vm86-access", b_ds_vm86_access),
	G("es-vm86-base", b_es_vm86_base), G("es-vm86-limit", b_es_vm86_limit),
	G("es-vm86-access", b_es_vm86_access),
	G("fs-vm86-base", b_fs_vm86_base), G("fs-vm86-limit", b_fs_vm86_limit),
	G("fs-vm86-access", b_fs_vm86_access),
	G("gs-vm86-base", b_gs_vm86_base), G("gs-vm86-limit", b_gs_vm86_limit),
	G("gs-vm86-access", b_gs_vm86_access),
	G("tr-base", b_tr_base), G("fs-base", b_fs_base), G("gs-base", b_gs_base),
	G("ldtr-base", b_ldtr_base), G("cs-base", b_cs_base), G("ss-base", b_ss_base),
	G("ds-base", b_ds_base), G("es-base", b_es_base),
	G("cs-type", b_cs_type), G("cs-type", b_cs_type_accessed), G("ss-type", b_ss_type),
	G("ds-type", b_ds_type), G("es-type", b_es_type), G("fs-type", b_fs_type),
	G("gs-type", b_gs_type),
	G("cs-s", b_cs_s), G("ss-s", b_ss_s), G("ds-s", b_ds_s), G("es-s", b_es_s),
	G("fs-s", b_fs_s), G("gs-s", b_gs_s),
	G("cs-dpl-data", b_cs_dpl_data), G("ss-dpl-zero", b_ss_dpl_zero),
	G("ss-dpl-rpl", b_ss_dpl_rpl), G("cs-dpl-code", b_cs_dpl),
	G("cs-dpl-conforming", b_cs_dpl_conforming),
	G("ds-dpl", b_ds_dpl), G("es-dpl", b_es_dpl), G("fs-dpl", b_fs_dpl), G("gs-dpl", b_gs_dpl),
	G("cs-present", b_cs_present), G("cs-reserved", b_cs_reserved),
	G("cs-reserved", b_cs_reserved_high), G("cs-granularity", b_cs_g_small),
	G("cs-granularity", b_cs_g_odd),
	G("ss-present", b_ss_present), G("ss-reserved", b_ss_reserved),
	G("ss-reserved", b_ss_reserved_high), G("ss-granularity", b_ss_g_small),
	G("ss-granularity", b_ss_g_odd),
	G("ds-present", b_ds_present), G("ds-reserved", b_ds_reserved),
	G("ds-reserved", b_ds_reserved_high), G("ds-granularity", b_ds_g_small),
	G("ds-granularity", b_ds_g_odd),
	G("es-present", b_es_present), G("es-reserved", b_es_reserved),
	G("es-reserved", b_es_reserved_high), G("es-granularity", b_es_g_small),
	G("es-granularity", b_es_g_odd),
	G("fs-present", b_fs_present), G("fs-reserved", b_fs_reserved),
	G("fs-reserved", b_fs_reserved_high), G("fs-granularity", b_fs_g_small),
	G("fs-granularity", b_fs_g_odd),
	G("gs-present", b_gs_present), G("gs-reserved", b_gs_reserved),
	G("gs-reserved", b_gs_reserved_high), G("gs-granularity", b_gs_g_small),
	G("gs-granularity", b_gs_g_odd),
	G("tr-present", b_tr_present), G("tr-reserved", b_tr_reserved),
	G("tr-reserved", b_tr_reserved_high), G("tr-granularity", b_tr_g_small),
	G("tr-granularity", b_tr_g_odd),
	G("ldtr-present", b_ldtr_present), G("ldtr-reserved", b_ldtr_reserved),
	G("ldtr-reserved", b_ldtr_reserved_high), G("ldtr-granularity", b_ldtr_g_small),
	G("ldtr-granularity", b_ldtr_g_odd),
	G("cs-long-and-32-bit", b_cs_long),
	G("tr-unusable", b_tr_unusable), G("tr-type", b_tr_type), G("tr-type", b_tr_type_16),
	G("tr-s", b_tr_s), G("ldtr-type", b_ldtr_type), G("ldtr-s", b_ldtr_s),

	G("activity", b_activity), G("activity", b_activity_cpu), G("halted-cpl", b_halted),
	G("inactive-shadow", b_inactive_shadow),
	G("inactive-event", b_halted_event), G("inactive-event", b_shutdown_event),
	G("inactive-event", b_sipi_event),
	G("shadow-reserved", b_shadow), G("shadow-both", b_both), G("sti-if", b_sti),
	G("interrupt-shadow", b_interrupt_shadow), G("nmi-mov-ss", b_nmi_mov_ss),
	G("smi-blocking", b_smi), G("nmi-blocked", b_nmi_blocked),
	G("enclave", b_enclave), G("enclave", b_enclave_mov_ss),
	G("pending-rtm", b_rtm), G("pending-rtm", b_rtm_cpu),
	G("pending-reserved", b_pending), G("pending-reserved", b_pending_high),
	G("pending-reserved", b_pending_bus_lock),
	G("pending-step", b_step_missing), G("pending-step", b_step_too_many),
	G("pending-step", b_step_halted),
	G("link-pointer", b_link), G("link-pointer", b_link_far),
	G("link-target", b_link_target),
	G("pdpte0", b_pdpte0), G("pdpte1", b_pdpte1), G("pdpte2", b_pdpte2),
	G("pdpte3", b_pdpte3), G("pdptes-in-memory", b_pdptes),
	G("nmi-sti", b_nmi_sti),

	M("load-base-msr", b_load_base), M("load-x2apic-msr", b_load_x2apic),
	M("load-smm-msr", b_load_smm), M("load-reserved", b_load_reserved),
	M("load-value", b_load_value),

	{ "launch-clear", 4, 0, b_nothing }, { "resume-launched", 5, 0, b_nothing },
	{ "resume-after-vmxoff", 6, 0, b_nothing }, { "blocked-by-mov-ss", 26, 0, b_nothing },
};
