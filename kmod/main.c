// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: the choice of the backend, the virtualization
 * extension on every CPU, the device nodes.
 *
 * The extension is on from load to unload, not from the first VM to the last.
 * So that it cannot be had is known at insmod, with a message, and not in the
 * middle of somebody's KVM_CREATE_VM; creating a VM costs no round of
 * interprocessor interrupts; and another hypervisor finds it taken at any time
 * or at none.  The module stays loaded while a descriptor is open: the file
 * operations have an owner.
 */
#define pr_fmt(fmt) "lodge: " fmt

#include <linux/cpuhotplug.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <linux/syscore_ops.h>

#include "backend.h"
#include "cpuid.h"
#include "fpu.h"
#include "ioctl.h"
#include "irq.h"
#include "msr.h"
#include "time.h"
#include "xstate_size.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static bool kvm_node = true;
module_param(kvm_node, bool, 0444);
MODULE_PARM_DESC(kvm_node, "also make /dev/kvm, where no other hypervisor has it (default: yes)");

bool lodge_tdp = true;
module_param_named(tdp, lodge_tdp, bool, 0444);
MODULE_PARM_DESC(tdp, "use EPT or NPT where the CPU has it (default: yes)");

/* --- the backend --- */

const struct lodge_backend *lodge_backend __ro_after_init;
struct lodge_caps lodge_caps __ro_after_init;

#define X(ret, name, args) \
	DEFINE_STATIC_CALL_NULL(lodge_##name, *(((struct lodge_backend *)0)->name));
LODGE_BACKEND_OPS(X)
#undef X

static const struct lodge_backend *const backends[] __initconst = {
	&vmx_backend, &svm_backend,
};

static int __init choose_backend(void)
{
	int i, r;

	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		r = backends[i]->probe();
		if (r == -ENODEV)
			continue;
		if (r)
			return r;
		lodge_backend = backends[i];
#define X(ret, name, args) static_call_update(lodge_##name, lodge_backend->name);
		LODGE_BACKEND_OPS(X)
#undef X
		return 0;
	}
	pr_err("this CPU has no virtualization extension that Lodge knows (AMD-V is needed)\n");
	return -ENODEV;
}

/* --- the extension on every CPU --- */

DEFINE_PER_CPU(bool, lodge_cpu_on);

/* Interrupts off. */
static int turn_on(void)
{
	int r;

	if (__this_cpu_read(lodge_cpu_on))
		return 0;
	r = lodge_be(cpu_enable)();
	if (r)
		return r;
	lodge_uret_cpu_online();
	__this_cpu_write(lodge_cpu_on, true);
	return 0;
}

/* Interrupts off, or in an NMI of a crashing machine. */
static void turn_off(void)
{
	if (!__this_cpu_read(lodge_cpu_on))
		return;
	/* First, so that nobody counts on it who gets in between. */
	__this_cpu_write(lodge_cpu_on, false);
	lodge_be(cpu_disable)();
}

static int lodge_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int r;

	local_irq_save(flags);
	r = turn_on();
	local_irq_restore(flags);
	if (r)
		pr_err("CPU %u: turning %s on failed: %pe\n", cpu, lodge_backend->name,
		       ERR_PTR(r));
	return r;
}

/*
 * The CPU still has threads that are to be moved.  vCPUs among them find
 * lodge_cpu_on false when they are scheduled in once more (kmod/vcpu.c).
 */
static int lodge_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	lodge_uret_cpu_offline();
	turn_off();
	local_irq_restore(flags);
	return 0;
}

static int cpuhp_state;

static int __init cpus_init(void)
{
	int r = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lodge:online",
				  lodge_cpu_online, lodge_cpu_offline);

	if (r < 0)
		return r;
	cpuhp_state = r;
	return 0;
}

static void cpus_exit(void)
{
	cpuhp_remove_state(cpuhp_state);
}

/* --- suspend, reboot, crash --- */

/* Suspend to memory takes the other CPUs offline; this is the last, interrupts off. */
static int suspend(void)
{
	lodge_uret_cpu_offline();
	turn_off();
	return 0;
}

static void resume(void)
{
	if (turn_on())
		pr_err("turning %s on again after suspend failed; guests cannot go on\n",
		       lodge_backend->name);
}

static struct syscore_ops syscore_ops = {
	.suspend = suspend,
	.resume = resume,
};

static int __init syscore_init(void)
{
	register_syscore_ops(&syscore_ops);
	return 0;
}

static void syscore_exit(void)
{
	unregister_syscore_ops(&syscore_ops);
}

/* On each CPU by interprocessor interrupt: a guest that runs has just exited. */
static void shut_down_cpu(void *unused)
{
	struct lodge_vcpu *vcpu = lodge_running_vcpu();

	turn_off();
	if (vcpu)
		lodge_request(vcpu, LODGE_REQ_CPU_OFF);
}

/* Firmware, or the kernel that is started next, must find the CPUs as they were. */
static int reboot_notify(struct notifier_block *nb, unsigned long event, void *unused)
{
	on_each_cpu(shut_down_cpu, NULL, true);
	return NOTIFY_OK;
}

static struct notifier_block reboot_notifier = {
	.notifier_call = reboot_notify,
};

static int __init reboot_init(void)
{
	return register_reboot_notifier(&reboot_notifier);
}

static void reboot_exit(void)
{
	unregister_reboot_notifier(&reboot_notifier);
}

/* --- preemption --- */

/*
 * Notifiers are a static key of the scheduler's.  Turned with every VM, it would
 * have the code of all CPUs patched, and all of them interrupted, each time.
 */
static int __init preempt_init(void)
{
	preempt_notifier_inc();
	return 0;
}

static void preempt_exit(void)
{
	preempt_notifier_dec();
}

/* --- device nodes --- */

static struct miscdevice lodge_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lodge",
	.mode = 0660,
	.fops = &lodge_system_fops,
};

static struct miscdevice kvm_device = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.mode = 0660,
	.fops = &lodge_system_fops,
};

static bool kvm_device_made, crash_callback_set;

/*
 * The kernel has one slot for who must be called in a crash.  Who has /dev/kvm
 * has the slot; it turns off the same bits that we would.
 */
static int __init nodes_init(void)
{
	int r = misc_register(&lodge_device);

	if (r)
		return r;
	r = misc_register(&kvm_device);
	if (r == -EBUSY) {
		pr_info("/dev/kvm belongs to another hypervisor; clients find Lodge at /dev/lodge\n");
		return 0;
	}
	if (r) {
		misc_deregister(&lodge_device);
		return r;
	}
	kvm_device_made = true;
	if (!kvm_node) {
		misc_deregister(&kvm_device);
		kvm_device_made = false;
	}
	lodge_emergency_register(turn_off);
	crash_callback_set = true;
	return 0;
}

static void nodes_exit(void)
{
	if (crash_callback_set)
		lodge_emergency_unregister(turn_off);
	if (kvm_device_made)
		misc_deregister(&kvm_device);
	misc_deregister(&lodge_device);
}

/* --- load and unload --- */

static int __init backend_setup(void)
{
	return lodge_backend->setup();
}

static void backend_teardown(void)
{
	lodge_backend->teardown();
}

static int __init features_init(void)
{
	lodge_xstate_init();
	lodge_fpu_module_init();
	return 0;
}

/* In the order of loading; unloading, and a failure to load, goes back. */
static const struct module_part {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{ choose_backend },
	{ features_init },
	{ lodge_cpuid_init },
	{ lodge_tsc_init },
	{ lodge_msr_list_init },
	{ lodge_mmu_module_init, lodge_mmu_module_exit },
	{ lodge_uret_init, lodge_uret_exit },
	{ backend_setup, backend_teardown },
	{ lodge_irqfd_init, lodge_irqfd_exit },
	{ lodge_clock_module_init, lodge_clock_module_exit },
	{ cpus_init, cpus_exit },
	{ syscore_init, syscore_exit },
	{ reboot_init, reboot_exit },
	{ preempt_init, preempt_exit },
	{ nodes_init, nodes_exit },
};

static void undo(int n)
{
	while (n--) {
		if (parts[n].exit)
			parts[n].exit();
	}
}

static int __init lodge_init(void)
{
	int i, r;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		r = parts[i].init();
		if (r) {
			undo(i);
			return r;
		}
	}
	pr_info("%s, %s paging\n", lodge_backend->name,
		lodge_caps.tdp.enabled ? "nested" : "shadow");
	return 0;
}
module_init(lodge_init);

static void __exit lodge_exit(void)
{
	undo(ARRAY_SIZE(parts));
	/* Callbacks of the last VM's tables and maps are this module's code. */
	rcu_barrier();
}
module_exit(lodge_exit);

MODULE_DESCRIPTION("Lodge: a hypervisor with the ABI of KVM");
MODULE_VERSION("0.1");
MODULE_LICENSE("GPL");
