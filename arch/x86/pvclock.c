// SPDX-License-Identifier: GPL-2.0
/*
 * kvmclock: a record in guest memory from which the guest computes its time,
 *
 *   time = system_time + (TSC - tsc_timestamp) * tsc_to_system_mul, shifted
 *
 * The base clock is CLOCK_MONOTONIC_RAW plus the time spent suspended: it runs
 * at the TSC's own rate, so a record stays right for as long as the host's
 * clock source is the TSC.  Then, and if all vCPUs have the same TSC, one
 * (tsc, ns) pair - the master clock - serves all of them, time read on any vCPU
 * never goes back on another, and the guest is told so by the stable bit.
 */
#include <linux/clocksource.h>
#include <linux/ktime.h>
#include <linux/pvclock_gtod.h>
#include <linux/slab.h>
#include <linux/timekeeper_internal.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <asm/kvm_para.h>

#include "backend.h"
#include "msr.h"
#include "pvclock.h"
#include "regs_inline.h"
#include "time.h"

/* The host's clock source is the TSC: ktime_get_snapshot() cycles are TSC values. */
static bool host_clock_is_tsc;

static s64 boot_offset_ns(void)
{
	return ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

static s64 base_ns(void)
{
	return ktime_get_raw_ns() + boot_offset_ns();
}

/* The base clock and the TSC at one instant. Interrupts off. */
static bool base_and_tsc(s64 *ns, u64 *tsc, s64 *realtime)
{
	struct system_time_snapshot snap;

	if (!READ_ONCE(host_clock_is_tsc))
		return false;
	ktime_get_snapshot(&snap);
	*ns = ktime_to_ns(snap.raw) + boot_offset_ns();
	*tsc = snap.cycles;
	*realtime = ktime_to_ns(snap.real);
	return true;
}

static bool all_tscs_equal(struct lodge_vm *vm)
{
	struct lodge_vcpu *vcpu, *first = lodge_vcpu_by_index(vm, 0);
	unsigned long i;

	lodge_for_each_vcpu(i, vcpu, vm) {
		if (READ_ONCE(vcpu->arch.tsc_offset) != READ_ONCE(first->arch.tsc_offset) ||
		    READ_ONCE(vcpu->arch.tsc_khz) != READ_ONCE(first->arch.tsc_khz))
			return false;
	}
	return first;
}

void lodge_masterclock_update(struct lodge_vm *vm)
{
	struct lodge_vm_arch *a = &vm->arch;
	bool equal = all_tscs_equal(vm);
	struct lodge_vcpu *vcpu;
	unsigned long flags, i;
	s64 ns, realtime;
	u64 tsc;

	raw_spin_lock_irqsave(&a->tsc_lock, flags);
	write_seqcount_begin(&a->clock_seq);
	a->use_masterclock = equal && base_and_tsc(&ns, &tsc, &realtime);
	if (a->use_masterclock) {
		a->master_tsc = tsc;
		a->master_ns = ns;
	}
	write_seqcount_end(&a->clock_seq);
	raw_spin_unlock_irqrestore(&a->tsc_lock, flags);

	/*
	 * A guest that reads one vCPU's record with another's TSC must not mix
	 * old and new, so all leave the guest before any enters with the new.
	 */
	lodge_request_all(vm, LODGE_REQ_CLOCK_UPDATE);
	lodge_for_each_vcpu(i, vcpu, vm)
		lodge_kick(vcpu);
}

/*
 * What the record is computed from now: the pair, the VM's offset added, and if it is the
 * master's.
 */
static bool reference(struct lodge_vm *vm, s64 *ns, u64 *tsc)
{
	struct lodge_vm_arch *a = &vm->arch;
	unsigned long flags;
	unsigned int seq;
	s64 offset;
	bool master;

	do {
		seq = read_seqcount_begin(&a->clock_seq);
		master = a->use_masterclock;
		*tsc = a->master_tsc;
		*ns = a->master_ns;
		offset = a->kvmclock_offset;
	} while (read_seqcount_retry(&a->clock_seq, seq));

	if (!master) {
		local_irq_save(flags);
		*tsc = rdtsc();
		*ns = base_ns();
		local_irq_restore(flags);
	}
	*ns += offset;
	return master;
}

/*
 * The factor of <asm/pvclock-abi.h>: ticks, shifted so that a second has
 * between 1 and 2 * 10^9 of them, times a 32-bit fraction.
 */
static void set_scale(struct pvclock_vcpu_time_info *clock, u32 khz)
{
	u64 ticks = khz * 1000ull;
	s8 shift = 0;

	while (ticks > 2 * (u64)NSEC_PER_SEC) {
		ticks >>= 1;
		shift--;
	}
	while (ticks <= NSEC_PER_SEC) {
		ticks <<= 1;
		shift++;
	}
	clock->tsc_shift = shift;
	clock->tsc_to_system_mul = div64_u64((u64)NSEC_PER_SEC << 32, ticks);
}

/* Odd while it changes, even and larger after (<asm/pvclock-abi.h>). */
static void publish(struct lodge_vm *vm, struct lodge_pv *pv)
{
	const unsigned int version = offsetof(struct pvclock_vcpu_time_info, version);

	pv->clock.version = (pv->clock.version + 1) | 1;
	lodge_write_cached(vm, &pv->clock_cache, &pv->clock.version, version,
			   sizeof(pv->clock.version));
	/* The odd version before the fields, ... */
	smp_wmb();
	lodge_write_cached(vm, &pv->clock_cache, &pv->clock, 0, sizeof(pv->clock));
	/* ... and those before the even one. */
	smp_wmb();
	pv->clock.version++;
	lodge_write_cached(vm, &pv->clock_cache, &pv->clock.version, version,
			   sizeof(pv->clock.version));
}

void lodge_clock_update(struct lodge_vcpu *vcpu)
{
	struct lodge_pv *pv = vcpu->arch.pv;
	struct pvclock_vcpu_time_info *clock = &pv->clock;
	bool master;
	s64 ns;
	u64 tsc;

	if (!pv->clock_cache.len)
		return;
	master = reference(vcpu->vm, &ns, &tsc);
	if (pv->scaled_khz != vcpu->arch.tsc_khz) {
		pv->scaled_khz = vcpu->arch.tsc_khz;
		set_scale(clock, pv->scaled_khz);
	}
	clock->tsc_timestamp = lodge_guest_tsc(vcpu, tsc);
	clock->system_time = ns;
	clock->flags = (master ? PVCLOCK_TSC_STABLE_BIT : 0) |
		       (pv->stopped ? PVCLOCK_GUEST_STOPPED : 0);
	pv->stopped = false;
	publish(vcpu->vm, pv);
}

static s64 kvmclock_ns(struct lodge_vm *vm)
{
	return base_ns() + READ_ONCE(vm->arch.kvmclock_offset);
}

/* MSR_KVM_WALL_CLOCK: the wall-clock time at which the guest's clock was zero. */
static void write_wall_clock(struct lodge_vm *vm, gpa_t gpa)
{
	struct timespec64 boot = ns_to_timespec64(ktime_get_real_ns() - kvmclock_ns(vm));
	struct pvclock_wall_clock wall = { .sec = boot.tv_sec, .nsec = boot.tv_nsec };
	u32 version;

	if (lodge_read_guest(vm, gpa, &version, sizeof(version)))
		return;
	version = (version + 1) | 1;
	wall.version = version;
	if (lodge_write_guest(vm, gpa, &version, sizeof(version)))
		return;
	/* The odd version before the fields, ... */
	smp_wmb();
	lodge_write_guest(vm, gpa, &wall, sizeof(wall));
	/* ... and those before the even one. */
	smp_wmb();
	version++;
	lodge_write_guest(vm, gpa, &version, sizeof(version));
}

static int write_system_time(struct lodge_vcpu *vcpu, u64 data)
{
	struct lodge_pv *pv = vcpu->arch.pv;

	vcpu->arch.kvmclock_msr = data;
	pv->clock_cache.len = 0;
	if (!(data & 1))
		return 0;
	/* A record outside memory is the guest's loss, as a bad pointer is. */
	if (lodge_gpa_cache_init(vcpu->vm, &pv->clock_cache, data & ~1ull, sizeof(pv->clock)))
		pv->clock_cache.len = 0;
	WRITE_ONCE(vcpu->vm->arch.clock_used, true);
	lodge_request(vcpu, LODGE_REQ_MASTERCLOCK);
	return 0;
}

int lodge_clock_msr_write(struct lodge_vcpu *vcpu, u32 index, u64 data)
{
	switch (index) {
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		vcpu->vm->arch.wall_clock_msr = data;
		if (data)
			write_wall_clock(vcpu->vm, data);
		return 0;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		return write_system_time(vcpu, data);
	case MSR_KVM_STEAL_TIME:
		return lodge_steal_msr_write(vcpu, data);
	case MSR_KVM_POLL_CONTROL:
		/* Only bit 0 is defined: may the host poll before it sleeps. */
		if (data & ~1ull)
			return LODGE_MSR_INVALID;
		vcpu->arch.poll_control = data;
		return 0;
	default:
		return LODGE_MSR_INVALID;
	}
}

int lodge_clock_get(struct lodge_vm *vm, struct kvm_clock_data *data)
{
	unsigned long flags;
	s64 ns, realtime;
	u64 tsc;

	memset(data, 0, sizeof(*data));
	local_irq_save(flags);
	if (READ_ONCE(vm->arch.use_masterclock) && base_and_tsc(&ns, &tsc, &realtime)) {
		data->flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
		data->realtime = realtime;
		data->host_tsc = tsc;
	} else {
		ns = base_ns();
	}
	local_irq_restore(flags);
	data->clock = ns + READ_ONCE(vm->arch.kvmclock_offset);
	return 0;
}

int lodge_clock_set(struct lodge_vm *vm, const struct kvm_clock_data *data)
{
	struct lodge_vm_arch *a = &vm->arch;
	unsigned long flags;
	u64 clock = data->clock;
	s64 since;

	if (data->flags & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC))
		return -EINVAL;
	if (data->flags & KVM_CLOCK_REALTIME) {
		/* The time that passed since the clock was read, elsewhere; never back. */
		since = ktime_get_real_ns() - data->realtime;
		if (since > 0)
			clock += since;
	}
	raw_spin_lock_irqsave(&a->tsc_lock, flags);
	write_seqcount_begin(&a->clock_seq);
	a->kvmclock_offset = clock - base_ns();
	write_seqcount_end(&a->clock_seq);
	raw_spin_unlock_irqrestore(&a->tsc_lock, flags);
	lodge_masterclock_update(vm);
	return 0;
}

int lodge_clock_ctrl(struct lodge_vcpu *vcpu)
{
	if (!vcpu->arch.pv->clock_cache.len)
		return -EINVAL;
	vcpu->arch.pv->stopped = true;
	lodge_request(vcpu, LODGE_REQ_CLOCK_UPDATE);
	return 0;
}

int lodge_clock_vm_init(struct lodge_vm *vm)
{
	raw_spin_lock_init(&vm->arch.tsc_lock);
	seqcount_raw_spinlock_init(&vm->arch.clock_seq, &vm->arch.tsc_lock);
	vm->arch.kvmclock_offset = -base_ns();
	return 0;
}

int lodge_clock_vcpu_create(struct lodge_vcpu *vcpu)
{
	vcpu->arch.pv = kzalloc(sizeof(*vcpu->arch.pv), GFP_KERNEL_ACCOUNT);
	if (!vcpu->arch.pv)
		return -ENOMEM;
	vcpu->arch.poll_control = 1;
	return 0;
}

void lodge_clock_vcpu_destroy(struct lodge_vcpu *vcpu)
{
	kfree(vcpu->arch.pv);
}

/* Master clocks anew, on or off as the clock source now is. */
static void clock_source_work(struct work_struct *work)
{
	lodge_visit_vms(lodge_masterclock_update);
}

static DECLARE_WORK(clock_source_changed, clock_source_work);

/*
 * The host's timekeeping changed; called with the timekeeper's lock held.  When
 * the clock source stops being the TSC, master clocks are no longer right.
 */
static int timekeeping_changed(struct notifier_block *nb, unsigned long unused, void *arg)
{
	const struct timekeeper *tk = arg;
	bool is_tsc = tk->tkr_mono.clock->vdso_clock_mode == VDSO_CLOCKMODE_TSC;

	if (is_tsc != host_clock_is_tsc) {
		WRITE_ONCE(host_clock_is_tsc, is_tsc);
		schedule_work(&clock_source_changed);
	}
	return 0;
}

static struct notifier_block timekeeping_notifier = { .notifier_call = timekeeping_changed };

int lodge_clock_module_init(void)
{
	return pvclock_gtod_register_notifier(&timekeeping_notifier);
}

void lodge_clock_module_exit(void)
{
	pvclock_gtod_unregister_notifier(&timekeeping_notifier);
	cancel_work_sync(&clock_source_changed);
}
