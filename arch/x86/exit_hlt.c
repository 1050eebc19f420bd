// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions by which a guest waits or yields: HLT, PAUSE, MONITOR, MWAIT;
 * cache write-back; and hypercalls.
 */
#include <linux/kvm_para.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "backend.h"
#include "cpuid.h"
#include "exit.h"
#include "irqchip/irqchip.h"
#include "regs_inline.h"
#include "trace.h"

bool lodge_halt(struct lodge_vcpu *vcpu)
{
	vcpu->stats.halt_exits++;
	if (!vcpu->arch.lapic)
		return false;
	/* kmod/run.c sleeps if nothing has come by then. */
	vcpu->arch.mp_state = KVM_MP_STATE_HALTED;
	return true;
}

int lodge_exit_hlt(struct lodge_vcpu *vcpu)
{
	int r = lodge_be(skip_instruction)(vcpu);

	if (r != LODGE_RESUME || lodge_halt(vcpu))
		return r;
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return LODGE_TO_USER;
}

static void yield_to_vcpu(struct lodge_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = get_pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return;
	yield_to(task, true);
	put_task_struct(task);
}

int lodge_exit_pause(struct lodge_vcpu *vcpu)
{
	struct lodge_vcpu *other;
	unsigned long i;

	/*
	 * A spinning guest most likely waits for a vCPU that was preempted.
	 * If there is one, let the scheduler choose it over this thread.
	 */
	lodge_for_each_vcpu(i, other, vcpu->vm) {
		if (other != vcpu && READ_ONCE(other->preempted)) {
			yield_to_vcpu(other);
			break;
		}
	}
	return lodge_be(skip_instruction)(vcpu);
}

/*
 * Without a monitor to arm, MWAIT is a hint that may end at once (SDM vol. 2,
 * MWAIT).  KVM's guests may use both whatever their CPUID says, until user space
 * wants it as on a CPU.
 */
int lodge_exit_mwait(struct lodge_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e;

	if (vcpu->vm->arch.disabled_quirks & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) {
		e = lodge_cpuid_find(vcpu, 1, 0);
		if (!e || !(e->ecx & BIT(X86_FEATURE_MWAIT % 32))) {
			lodge_queue_exception(vcpu, X86_TRAP_UD);
			return LODGE_RESUME;
		}
	}
	return lodge_be(skip_instruction)(vcpu);
}

/* Memory is write-back and coherent, with no device assigned: nothing to write back. */
int lodge_exit_wbinvd(struct lodge_vcpu *vcpu)
{
	return lodge_be(skip_instruction)(vcpu);
}

/* KVM_HC_KICK_CPU: end the HLT of the vCPU with APIC ID @id. */
static void kick_halted(struct lodge_vm *vm, u32 id)
{
	struct lodge_vcpu *target = lodge_vcpu_by_id(vm, id);

	if (!target)
		return;
	WRITE_ONCE(target->arch.pv_unhalted, true);
	lodge_request(target, LODGE_REQ_EVENT);
	lodge_kick(target);
}

/* KVM_HC_SCHED_YIELD: the guest waits for an IPI's acknowledgement from APIC ID @id. */
static void yield_to_preempted(struct lodge_vcpu *vcpu, u32 id)
{
	struct lodge_vcpu *target = lodge_vcpu_by_id(vcpu->vm, id);

	if (target && target != vcpu && READ_ONCE(target->preempted))
		yield_to_vcpu(target);
}

int lodge_exit_hypercall(struct lodge_vcpu *vcpu)
{
	unsigned long nr = lodge_reg(vcpu, LODGE_RAX), ret;
	unsigned long a0 = lodge_reg(vcpu, LODGE_RBX), a1 = lodge_reg(vcpu, LODGE_RCX);
	unsigned long a2 = lodge_reg(vcpu, LODGE_RDX), a3 = lodge_reg(vcpu, LODGE_RSI);
	bool is64 = lodge_is_64bit(vcpu);

	if (!is64) {
		nr = (u32)nr;
		a0 = (u32)a0;
		a1 = (u32)a1;
		a2 = (u32)a2;
		a3 = (u32)a3;
	}
	trace_kvm_hypercall(nr, a0, a1, a2, a3);
	vcpu->stats.hypercalls++;

	if (lodge_be(get_cpl)(vcpu)) {
		ret = -KVM_EPERM;
	} else {
		switch (nr) {
		case KVM_HC_VAPIC_POLL_IRQ:
			ret = 0;
			break;
		case KVM_HC_KICK_CPU:
			ret = -KVM_ENOSYS;
			if (!lodge_has(&vcpu->arch, LODGE_F_PV_UNHALT))
				break;
			kick_halted(vcpu->vm, a1);
			ret = 0;
			break;
		case KVM_HC_SCHED_YIELD:
			yield_to_preempted(vcpu, a0);
			ret = 0;
			break;
		default:
			ret = -KVM_ENOSYS;
		}
	}
	lodge_set_reg(vcpu, LODGE_RAX, is64 ? ret : (u32)ret);
	return lodge_be(skip_instruction)(vcpu);
}
