// SPDX-License-Identifier: GPL-2.0
/*
 * The proof, at compile time, that what the module is built with is the ABI
 * that clients were built with: numbers and sizes as KVM has had them since they
 * were first published.  There is no code in this file.
 */
#include <linux/build_bug.h>
#include <linux/kvm.h>

#include "lodge.h"

static_assert(KVM_API_VERSION == 12);
static_assert(KVMIO == 0xae);

#define NUMBER(name, value)	static_assert((name) == (value))

NUMBER(KVM_GET_API_VERSION, 0x0000ae00);
NUMBER(KVM_CREATE_VM, 0x0000ae01);
NUMBER(KVM_GET_MSR_INDEX_LIST, 0xc004ae02);
NUMBER(KVM_CHECK_EXTENSION, 0x0000ae03);
NUMBER(KVM_GET_VCPU_MMAP_SIZE, 0x0000ae04);
NUMBER(KVM_GET_SUPPORTED_CPUID, 0xc008ae05);
NUMBER(KVM_GET_MSR_FEATURE_INDEX_LIST, 0xc004ae0a);
NUMBER(KVM_CREATE_VCPU, 0x0000ae41);
NUMBER(KVM_GET_DIRTY_LOG, 0x4010ae42);
NUMBER(KVM_SET_USER_MEMORY_REGION, 0x4020ae46);
NUMBER(KVM_SET_TSS_ADDR, 0x0000ae47);
NUMBER(KVM_SET_IDENTITY_MAP_ADDR, 0x4008ae48);
NUMBER(KVM_CREATE_IRQCHIP, 0x0000ae60);
NUMBER(KVM_IRQ_LINE, 0x4008ae61);
NUMBER(KVM_GET_IRQCHIP, 0xc208ae62);
NUMBER(KVM_SET_IRQCHIP, 0x8208ae63);
NUMBER(KVM_IRQ_LINE_STATUS, 0xc008ae67);
NUMBER(KVM_REGISTER_COALESCED_MMIO, 0x4010ae67);
NUMBER(KVM_SET_GSI_ROUTING, 0x4008ae6a);
NUMBER(KVM_REINJECT_CONTROL, 0x0000ae71);
NUMBER(KVM_IRQFD, 0x4020ae76);
NUMBER(KVM_CREATE_PIT2, 0x4040ae77);
NUMBER(KVM_SET_BOOT_CPU_ID, 0x0000ae78);
NUMBER(KVM_IOEVENTFD, 0x4040ae79);
NUMBER(KVM_SET_CLOCK, 0x4030ae7b);
NUMBER(KVM_GET_CLOCK, 0x8030ae7c);
NUMBER(KVM_RUN, 0x0000ae80);
NUMBER(KVM_GET_REGS, 0x8090ae81);
NUMBER(KVM_SET_REGS, 0x4090ae82);
NUMBER(KVM_GET_SREGS, 0x8138ae83);
NUMBER(KVM_SET_SREGS, 0x4138ae84);
NUMBER(KVM_TRANSLATE, 0xc018ae85);
NUMBER(KVM_INTERRUPT, 0x4004ae86);
NUMBER(KVM_GET_MSRS, 0xc008ae88);
NUMBER(KVM_SET_MSRS, 0x4008ae89);
NUMBER(KVM_SET_SIGNAL_MASK, 0x4004ae8b);
NUMBER(KVM_GET_FPU, 0x81a0ae8c);
NUMBER(KVM_SET_FPU, 0x41a0ae8d);
NUMBER(KVM_GET_LAPIC, 0x8400ae8e);
NUMBER(KVM_SET_LAPIC, 0x4400ae8f);
NUMBER(KVM_SET_CPUID2, 0x4008ae90);
NUMBER(KVM_GET_CPUID2, 0xc008ae91);
NUMBER(KVM_SET_VAPIC_ADDR, 0x4008ae93);
NUMBER(KVM_GET_MP_STATE, 0x8004ae98);
NUMBER(KVM_SET_MP_STATE, 0x4004ae99);
NUMBER(KVM_NMI, 0x0000ae9a);
NUMBER(KVM_SET_GUEST_DEBUG, 0x4048ae9b);
NUMBER(KVM_X86_SETUP_MCE, 0x4008ae9c);
NUMBER(KVM_GET_VCPU_EVENTS, 0x8040ae9f);
NUMBER(KVM_SET_VCPU_EVENTS, 0x4040aea0);
NUMBER(KVM_GET_PIT2, 0x8070ae9f);
NUMBER(KVM_SET_PIT2, 0x4070aea0);
NUMBER(KVM_GET_DEBUGREGS, 0x8080aea1);
NUMBER(KVM_SET_DEBUGREGS, 0x4080aea2);
NUMBER(KVM_ENABLE_CAP, 0x4068aea3);
NUMBER(KVM_GET_XSAVE, 0x9000aea4);
NUMBER(KVM_SET_XSAVE, 0x5000aea5);
NUMBER(KVM_SIGNAL_MSI, 0x4020aea5);
NUMBER(KVM_GET_XCRS, 0x8188aea6);
NUMBER(KVM_SET_XCRS, 0x4188aea7);
NUMBER(KVM_KVMCLOCK_CTRL, 0x0000aead);
NUMBER(KVM_CLEAR_DIRTY_LOG, 0xc018aec0);
NUMBER(KVM_GET_SREGS2, 0x8140aecc);
NUMBER(KVM_GET_STATS_FD, 0x0000aece);
NUMBER(KVM_GET_XSAVE2, 0x9000aecf);

/* What user space finds in the mapping of a vCPU. */
static_assert(sizeof(struct kvm_run) <= 4096);
static_assert(offsetof(struct kvm_run, exit_reason) == 8);
static_assert(offsetof(struct kvm_run, cr8) == 16);
static_assert(offsetof(struct kvm_run, apic_base) == 24);
static_assert(offsetof(struct kvm_run, io) == 32);
static_assert(offsetof(struct kvm_run, kvm_valid_regs) == 288);
static_assert(offsetof(struct kvm_run, s) == 304);
static_assert(sizeof(struct kvm_sync_regs) <= SYNC_REGS_SIZE_BYTES);

/* Lodge's own capabilities and ioctls cannot meet KVM's, and stay as they are. */
static_assert(LODGE_CAP_BASE > 0xffff);
static_assert(LODGEIO != KVMIO);
NUMBER(LODGE_GET_FAILED_ENTRY, 0x8328b900);
static_assert(sizeof(struct lodge_failed_entry) == 0x328);
