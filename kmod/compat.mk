# SPDX-License-Identifier: GPL-2.0
# Probes of the kernel's headers for kmod/compat.h: what is there is looked for,
# not concluded from a version number, as distributions backport.

# $(call lodge-has,header,extended regular expression,NAME): -DLODGE_HAVE_NAME if it matches.
lodge-has = $(shell grep -Eqs '$(2)' $(srctree)/$(1) && echo -DLODGE_HAVE_$(3))

ccflags-y += \
	$(call lodge-has,include/linux/eventfd.h,eventfd_signal.struct eventfd_ctx .ctx. __u64,EVENTFD_SIGNAL_COUNT) \
	$(call lodge-has,include/linux/hrtimer.h,void hrtimer_setup.struct,HRTIMER_SETUP) \
	$(call lodge-has,include/linux/mm.h,int follow_pte.struct mm_struct,FOLLOW_PTE_MM) \
	$(call lodge-has,include/linux/mm.h,int follow_pte.struct vm_area_struct,FOLLOW_PTE_VMA) \
	$(call lodge-has,arch/x86/include/asm/reboot.h,cpu_emergency_register_virt_callback,EMERGENCY_CALLBACK) \
	$(call lodge-has,arch/x86/include/asm/apic.h,__apic_send_IPI_mask,APIC_STATIC_CALLS) \
	$(call lodge-has,arch/x86/include/asm/fpu/api.h,u64 xfeatures. u32 pkru,FPU_UABI_XFEATURES) \
	$(call lodge-has,arch/x86/include/asm/nospec-branch.h,KEY_FALSE.mmio_stale_data_clear,MMIO_STALE_KEY)

# For assembly: what an NMI that ended a guest is handed to.
asflags-y += \
	$(call lodge-has,arch/x86/include/asm/nospec-branch.h,CLEAR_BRANCH_HISTORY_VMEXIT,CLEAR_BHB_VMEXIT) \
	$(call lodge-has,arch/x86/include/asm/idtentry.h,exc_nmi_noist,NMI_NOIST)
