/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What C hands to the world switch (entry.S): offsets into struct svm_switch
 * and into lodge_vcpu_arch.regs.  svm.h asserts that they are the structs' own.
 */
#ifndef LODGE_SVM_SWITCH_H
#define LODGE_SVM_SWITCH_H

#define SVM_SW_VMCB		0
#define SVM_SW_HOST		8
#define SVM_SW_SPEC_GUEST	16
#define SVM_SW_SPEC_HOST	20
#define SVM_SW_SPEC_READBACK	24

#define SVM_REG(n)		((n) * 8)
#define SVM_RCX			SVM_REG(1)
#define SVM_RDX			SVM_REG(2)
#define SVM_RBX			SVM_REG(3)
#define SVM_RBP			SVM_REG(5)
#define SVM_RSI			SVM_REG(6)
#define SVM_RDI			SVM_REG(7)
#define SVM_R8			SVM_REG(8)
#define SVM_R9			SVM_REG(9)
#define SVM_R10			SVM_REG(10)
#define SVM_R11			SVM_REG(11)
#define SVM_R12			SVM_REG(12)
#define SVM_R13			SVM_REG(13)
#define SVM_R14			SVM_REG(14)
#define SVM_R15			SVM_REG(15)

#ifndef __ASSEMBLY__

#include <linux/types.h>

struct svm_switch {
	u64 vmcb_pa;		/* the guest's VMCB */
	u64 host_pa;		/* this CPU's VMSAVE area */
	u32 spec_guest;		/* IA32_SPEC_CTRL, low half: the high one is reserved */
	u32 spec_host;
	u8 spec_readback;	/* the guest may have written its SPEC_CTRL unseen */
};

/*
 * svm_switch - run the guest until its next exit
 * @regs: lodge_vcpu_arch.regs; all but RAX, RSP, RIP and RFLAGS, which the VMCB
 *	holds, are loaded from there and stored there
 *
 * Interrupts off; they end the guest as soon as they come.  An NMI that came is
 * taken by the host before this returns.  0, or 1 when SVM has been turned off
 * under us (a crash or a reboot) and the guest did not run.
 */
int svm_switch(unsigned long *regs, struct svm_switch *sw);

/* Save this CPU's hidden segment state and the MSRs of VMLOAD at physical address @pa. */
void svm_vmsave(u64 pa);
/* Drop the translations of linear address @gva that are tagged with @asid on this CPU. */
void svm_invlpga(unsigned long gva, u32 asid);
/* Let interrupts and NMIs in again, whoever closed the gate; nothing where SVM is off. */
void svm_stgi(void);

#endif
#endif
