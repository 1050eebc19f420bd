/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What C hands to the world switch (entry.S): offsets into struct vmx_switch
 * and into lodge_vcpu_arch.regs.  vmx.h asserts that they are the structs' own.
 */
#ifndef LODGE_VMX_SWITCH_H
#define LODGE_VMX_SWITCH_H

#define VMX_SW_HOST_RSP		0
#define VMX_SW_SPEC_GUEST	8
#define VMX_SW_SPEC_HOST	12
#define VMX_SW_SPEC_READBACK	16
#define VMX_SW_LAUNCHED		17

/* What vmx_switch() returns. */
#define VMX_SWITCH_EXIT		0	/* the guest ran, or its state was refused: an exit */
#define VMX_SWITCH_FAIL		1	/* VMLAUNCH or VMRESUME failed: VM_INSTRUCTION_ERROR */
#define VMX_SWITCH_OFF		2	/* VMX is off on this CPU */

#define VMX_REG(n)		((n) * 8)
#define VMX_RAX			VMX_REG(0)
#define VMX_RCX			VMX_REG(1)
#define VMX_RDX			VMX_REG(2)
#define VMX_RBX			VMX_REG(3)
#define VMX_RBP			VMX_REG(5)
#define VMX_RSI			VMX_REG(6)
#define VMX_RDI			VMX_REG(7)
#define VMX_R8			VMX_REG(8)
#define VMX_R9			VMX_REG(9)
#define VMX_R10			VMX_REG(10)
#define VMX_R11			VMX_REG(11)
#define VMX_R12			VMX_REG(12)
#define VMX_R13			VMX_REG(13)
#define VMX_R14			VMX_REG(14)
#define VMX_R15			VMX_REG(15)

#ifndef __ASSEMBLY__

#include <linux/types.h>

struct vmx_switch {
	unsigned long host_rsp;	/* what HOST_RSP of the VMCS holds; 0: unknown */
	u32 spec_guest;		/* IA32_SPEC_CTRL, low half: the high one is reserved */
	u32 spec_host;
	u8 spec_readback;	/* the guest may have written its SPEC_CTRL unseen */
	u8 launched;		/* 1: VMRESUME, 0: VMLAUNCH */
};

/*
 * vmx_switch - run the guest of the current VMCS until its next exit
 * @regs: lodge_vcpu_arch.regs; all but RSP, RIP and RFLAGS, which the VMCS
 *	holds, are loaded from there and stored there
 *
 * Interrupts off; they end the guest as soon as they come.  VMX_SWITCH_*.
 */
int vmx_switch(unsigned long *regs, struct vmx_switch *sw);

/* Where an exit resumes: HOST_RIP. */
extern const char vmx_switch_exit[];

/* Call the host's gate at @handler as the CPU would: IRET ends it.  Interrupts off. */
void vmx_call_gate(unsigned long handler);
/* The same for an NMI that ended the guest: NMIs open when it returns. */
void vmx_call_nmi(void);

#endif
#endif
