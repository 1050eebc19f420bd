/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's time: its TSC (tsc.c) and the paravirtual clock and steal time (pvclock.c). */
#ifndef LODGE_TIME_H
#define LODGE_TIME_H

#include "lodge.h"

int lodge_tsc_init(void);			/* host TSC frequency and scaling limits */
u64 lodge_guest_tsc(struct lodge_vcpu *vcpu, u64 host_tsc);
/* A write to IA32_TSC: @host with KVM's rule that near-simultaneous writes synchronise. */
void lodge_write_tsc(struct lodge_vcpu *vcpu, u64 value, bool host);
void lodge_write_tsc_adjust(struct lodge_vcpu *vcpu, u64 value, bool host);
void lodge_set_tsc_offset(struct lodge_vcpu *vcpu, u64 offset);
int lodge_set_tsc_khz(struct lodge_vcpu *vcpu, u32 khz);	/* 0 or -EINVAL */
void lodge_tsc_vcpu_create(struct lodge_vcpu *vcpu);
/* Preemption off; a host whose TSCs differ between CPUs costs an adjustment here. */
void lodge_tsc_vcpu_load(struct lodge_vcpu *vcpu, bool migrated);
void lodge_tsc_vcpu_put(struct lodge_vcpu *vcpu);
u32 lodge_host_tsc_khz(void);

int lodge_clock_vm_init(struct lodge_vm *vm);
int lodge_clock_vcpu_create(struct lodge_vcpu *vcpu);	/* 0 or -ENOMEM */
void lodge_clock_vcpu_destroy(struct lodge_vcpu *vcpu);
/* KVM_KVMCLOCK_CTRL: 0, or -EINVAL without kvmclock */
int lodge_clock_ctrl(struct lodge_vcpu *vcpu);
/* LODGE_REQ_CLOCK_UPDATE, _MASTERCLOCK, _STEAL_UPDATE.  Loaded, in srcu, may sleep. */
void lodge_clock_update(struct lodge_vcpu *vcpu);
void lodge_masterclock_update(struct lodge_vm *vm);
void lodge_steal_update(struct lodge_vcpu *vcpu);
void lodge_steal_preempted(struct lodge_vcpu *vcpu);	/* preemption off: scheduled out */
/* 0 or LODGE_MSR_INVALID */
int lodge_clock_msr_write(struct lodge_vcpu *vcpu, u32 index, u64 data);
int lodge_clock_get(struct lodge_vm *vm, struct kvm_clock_data *data);
int lodge_clock_set(struct lodge_vm *vm, const struct kvm_clock_data *data);
int lodge_clock_module_init(void);	/* pvclock_gtod notifier */
void lodge_clock_module_exit(void);

#endif
