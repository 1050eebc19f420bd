// SPDX-License-Identifier: GPL-2.0
/*
 * MSR accesses on which user space has a say: a filter that denies the guest
 * some (KVM_X86_SET_MSR_FILTER), and exits for those that would be #GP
 * (KVM_CAP_X86_USER_SPACE_MSR).
 *
 * Both concern the guest's own RDMSR and WRMSR; user space reads and writes
 * what it likes.  A backend lets an MSR through to the CPU only where
 * lodge_msr_allowed() permits it.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "backend.h"
#include "emulate.h"
#include "exit.h"
#include "memslot.h"
#include "msr.h"
#include "readers.h"
#include "regs_inline.h"

/* --- the filter --- */

#define ACCESS_FLAGS	(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

/* The x2APIC's registers are memory's in another guise, and are not filtered. */
#define X2APIC_BASE	0x800
#define X2APIC_COUNT	0x100

struct lodge_msr_filter {
	bool default_allow;
	int n;
	struct lodge_msr_range {
		u32 access, base, count;
		unsigned long *allowed;		/* a bit each */
	} range[KVM_MSR_FILTER_MAX_RANGES];
};

bool lodge_msr_filter_allows(struct lodge_vm *vm, u32 index, u32 access)
{
	const struct lodge_msr_filter *filter = srcu_dereference(vm->arch.msr_filter, &vm->srcu);
	int i;

	if (index - X2APIC_BASE < X2APIC_COUNT)
		return true;
	for (i = 0; i < filter->n; i++) {
		const struct lodge_msr_range *r = &filter->range[i];

		if ((r->access & access) && index - r->base < r->count)
			return test_bit(index - r->base, r->allowed);
	}
	return filter->default_allow;
}

static void free_filter(struct lodge_msr_filter *filter)
{
	int i;

	for (i = 0; filter && i < filter->n; i++)
		kfree(filter->range[i].allowed);
	kfree(filter);
}

/* 0, -EINVAL, -ENOMEM or -EFAULT.  A range of no MSRs says nothing. */
static int take_range(struct lodge_msr_filter *filter, const struct kvm_msr_filter_range *user)
{
	struct lodge_msr_range *r = &filter->range[filter->n];
	size_t size = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);

	if (!user->nmsrs)
		return 0;
	if (!user->flags || (user->flags & ~ACCESS_FLAGS) || size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	r->allowed = memdup_user((void __user *)user->bitmap, size);
	if (IS_ERR(r->allowed))
		return PTR_ERR(r->allowed);
	r->access = user->flags;
	r->base = user->base;
	r->count = user->nmsrs;
	filter->n++;
	return 0;
}

static struct lodge_msr_filter *make_filter(const struct kvm_msr_filter *user)
{
	struct lodge_msr_filter *filter;
	int i, r = 0;

	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return ERR_PTR(-EINVAL);
	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->default_allow = !(user->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	for (i = 0; !r && i < KVM_MSR_FILTER_MAX_RANGES; i++)
		r = take_range(filter, &user->ranges[i]);
	/* To deny all and name none is a mistake, as KVM sees it. */
	if (!r && !filter->n && !filter->default_allow)
		r = -EINVAL;
	if (r) {
		free_filter(filter);
		return ERR_PTR(r);
	}
	return filter;
}

/*
 * vm->lock keeps vCPUs from being made meanwhile: one is either made with the
 * new filter or asked to follow it.
 */
int lodge_set_msr_filter(struct lodge_vm *vm, const struct kvm_msr_filter *user)
{
	struct lodge_msr_filter *new = make_filter(user), *old;

	if (IS_ERR(new))
		return PTR_ERR(new);
	mutex_lock(&vm->lock);
	mutex_lock(&vm->slots_lock);
	old = rcu_replace_pointer(vm->arch.msr_filter, new, lockdep_is_held(&vm->slots_lock));
	lodge_synchronize(vm);
	lodge_request_all(vm, LODGE_REQ_MSR_FILTER);
	mutex_unlock(&vm->slots_lock);
	mutex_unlock(&vm->lock);
	free_filter(old);
	return 0;
}

void lodge_msr_filter_free(struct lodge_vm *vm)
{
	/* No reader is left: the VM dies. */
	free_filter(rcu_replace_pointer(vm->arch.msr_filter, NULL, true));
}

/* --- exits to user space --- */

static u32 exit_reason_of(int err)
{
	switch (err) {
	case LODGE_MSR_FILTERED:
		return KVM_MSR_EXIT_REASON_FILTER;
	case LODGE_MSR_UNKNOWN:
		return KVM_MSR_EXIT_REASON_UNKNOWN;
	default:
		return KVM_MSR_EXIT_REASON_INVAL;
	}
}

/*
 * The answer, read once.  If RIP has moved meanwhile (a reset, or a restored
 * state), the instruction is no more.
 */
static int complete_msr(struct lodge_vcpu *vcpu)
{
	const struct lodge_msr_exit *exit = &vcpu->arch.msr_exit;
	struct kvm_run *run = vcpu->run;

	if (lodge_rip(vcpu) != exit->rip)
		return LODGE_RESUME;
	if (READ_ONCE(run->msr.error))
		return lodge_complete_insn_gp(vcpu, 1);
	if (!exit->write)
		lodge_set_edx_eax(vcpu, READ_ONCE(run->msr.data));
	if (exit->next_rip)
		return lodge_advance_rip(vcpu, exit->next_rip);
	return lodge_be(skip_instruction)(vcpu);
}

bool lodge_msr_to_user(struct lodge_vcpu *vcpu, bool write, u32 index, u64 data, int err,
		       unsigned long next_rip)
{
	u32 reason = exit_reason_of(err);
	struct kvm_run *run = vcpu->run;

	if (!(READ_ONCE(vcpu->vm->arch.user_space_msr) & reason))
		return false;
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = index;
	run->msr.data = data;
	vcpu->arch.msr_exit = (struct lodge_msr_exit) {
		.rip = lodge_rip(vcpu), .next_rip = next_rip, .write = write,
	};
	vcpu->complete = complete_msr;
	return true;
}
