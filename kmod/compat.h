/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that differs between the kernels Lodge builds for (6.1 to 6.18), chosen by
 * the header probes of compat.mk (LODGE_HAVE_...), not by version numbers.
 */
#ifndef LODGE_COMPAT_H
#define LODGE_COMPAT_H

#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/fpu/api.h>
#include <asm/irq_vectors.h>
#include <asm/reboot.h>
#include <asm/smp.h>

/*
 * The IPI whose handler does nothing but make the CPU look at its flags; not exported as a
 * function.
 */
static inline void lodge_send_reschedule(int cpu)
{
	smp_ops.smp_send_reschedule(cpu);
}

/* Have @cpu look at its guest's posted interrupts.  Its host's handler does nothing. */
static inline void lodge_send_posted_interrupt(int cpu)
{
#ifdef LODGE_HAVE_APIC_STATIC_CALLS
	__apic_send_IPI_mask(cpumask_of(cpu), POSTED_INTR_VECTOR);
#else
	apic->send_IPI_mask(cpumask_of(cpu), POSTED_INTR_VECTOR);
#endif
}

/* Add one to an eventfd; any context. */
static inline void lodge_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef LODGE_HAVE_EVENTFD_SIGNAL_COUNT
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

static inline void lodge_hrtimer_setup(struct hrtimer *timer,
				       enum hrtimer_restart (*function)(struct hrtimer *),
				       clockid_t clock, enum hrtimer_mode mode)
{
#ifdef LODGE_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/*
 * What a crashing kernel calls on every CPU before it hands over: there is one
 * slot.  Kernels without it turn VMX and SVM off by themselves.
 */
static inline void lodge_emergency_register(void (*callback)(void))
{
#ifdef LODGE_HAVE_EMERGENCY_CALLBACK
	cpu_emergency_register_virt_callback(callback);
#endif
}

static inline void lodge_emergency_unregister(void (*callback)(void))
{
#ifdef LODGE_HAVE_EMERGENCY_CALLBACK
	cpu_emergency_unregister_virt_callback(callback);
#endif
}

static inline void lodge_fpu_to_uabi(struct fpu_guest *fpu, void *buf, unsigned int size,
				     u64 xfeatures, u32 pkru)
{
#ifdef LODGE_HAVE_FPU_UABI_XFEATURES
	fpu_copy_guest_fpstate_to_uabi(fpu, buf, size, xfeatures, pkru);
#else
	fpu_copy_guest_fpstate_to_uabi(fpu, buf, size, pkru);
#endif
}

/*
 * The page frame that a mapping without pages has at @addr; mmap_lock held.
 * 0, or -errno when it has none yet.
 */
static inline int lodge_follow_pfn(struct vm_area_struct *vma, unsigned long addr,
				   unsigned long long *pfn, bool *writable)
{
#if defined(LODGE_HAVE_FOLLOW_PTE_MM) || defined(LODGE_HAVE_FOLLOW_PTE_VMA)
	spinlock_t *lock;
	pte_t *ptep;
	int r;

#ifdef LODGE_HAVE_FOLLOW_PTE_MM
	r = follow_pte(vma->vm_mm, addr, &ptep, &lock);
#else
	r = follow_pte(vma, addr, &ptep, &lock);
#endif
	if (r)
		return r;
	__acquire(lock);
	*pfn = pte_pfn(*ptep);
	*writable = pte_write(*ptep);
	pte_unmap_unlock(ptep, lock);
	return 0;
#else
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int r = follow_pfnmap_start(&args);

	if (r)
		return r;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
#endif
}

#endif
