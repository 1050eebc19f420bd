// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: in x2APIC mode the registers are MSRs 0x800 to 0x83f; the ID is of 32
 * bits, the logical ID derives from it, ICR is one 64-bit write, SELF_IPI
 * exists and DFR and ICR2 do not; reserved bits, a write to a read-only
 * register and a non-zero ESR are #GP; in xAPIC mode all of them are
 * #GP; the memory page is gone; and the changes of mode that APIC_BASE does
 * not allow are #GP (APM vol. 2, x2APIC_MODE; SDM vol. 3, Extended xAPIC
 * (x2APIC), x2APIC State Transitions).
 */
#include "apic.h"
#include "lodge_test.h"

static volatile uint32_t taken;

static GUEST_HANDLER void on_irq(struct trap_frame *frame)
{
	taken++;
	x2apic_write(APIC_EOI, 0);
}

static unsigned int write_try(uint32_t reg, uint64_t v)
{
	return wrmsr_try(X2APIC_MSR(reg), v);
}

static unsigned int read_try(uint32_t reg)
{
	uint64_t v;

	return rdmsr_try(X2APIC_MSR(reg), &v);
}

static void guest_registers(void)
{
	guest_handlers[0x47] = on_irq;
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_ID));
	x2apic_enable();
	GUEST_ASSERT_EQ(0UL, x2apic_read(APIC_ID));
	GUEST_ASSERT_EQ(1UL, x2apic_read(APIC_LDR));
	GUEST_ASSERT_EQ(0x10UL, x2apic_read(APIC_LVR) & 0xf0);
	GUEST_ASSERT_EQ(0x1ffUL, x2apic_read(APIC_SPIV));
	x2apic_write(APIC_TASKPRI, 0x30);
	GUEST_ASSERT_EQ(3, read_cr8());
	x2apic_write(APIC_TASKPRI, 0);

	x2apic_write(APIC_SELF_IPI, 0x47);
	sti_nop_cli();
	GUEST_ASSERT_EQ(1, taken);
	x2apic_write(APIC_ICR, APIC_DEST_SELF | 0x47);
	sti_nop_cli();
	GUEST_ASSERT_EQ(2, taken);
	x2apic_write(APIC_ICR, 0UL << 32 | APIC_DM_FIXED | 0x47);
	sti_nop_cli();
	GUEST_ASSERT_EQ(3, taken);
	guest_done();
}

static void guest_faults(void)
{
	x2apic_enable();
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_DFR));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_DFR, 0));
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_ICR2));
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_ARBPRI));
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_EOI));
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_SELF_IPI));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_ID, 1));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_LDR, 1));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_LVR, 1));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_PROCPRI, 1));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_IRR, 1));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_TMCCT, 1));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_ESR, 1));
	GUEST_ASSERT_EQ(0, write_try(APIC_ESR, 0));
	GUEST_ASSERT_EQ(0, write_try(APIC_EOI, 0));
	/* Above 32 bits, save for ICR. */
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_SPIV, 1UL << 32 | 0x1ff));
	GUEST_ASSERT_EQ(VEC_GP, write_try(APIC_TASKPRI, 1UL << 32));
	/* Holes. */
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(0x83f + 1, &(uint64_t){ 0 }));
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(0x804, &(uint64_t){ 0 }));
	guest_done();
}

static void guest_modes(void)
{
	const uint64_t base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_BSP;
	const uint64_t xapic = base | MSR_IA32_APICBASE_ENABLE;
	const uint64_t x2apic = xapic | X2APIC_ENABLE;
	uint64_t v;

	GUEST_ASSERT_EQ(xapic, rdmsr(MSR_IA32_APICBASE));
	GUEST_ASSERT_EQ(VEC_GP, rdmsr_try(X2APIC_MSR(APIC_ID), &v));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(X2APIC_MSR(APIC_EOI), 0));
	/* EXTD without EN is no mode. */
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_APICBASE,
					  base | X2APIC_ENABLE));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_APICBASE, x2apic | 1));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_APICBASE,
					  x2apic | 1UL << 60));
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_IA32_APICBASE, x2apic));
	GUEST_ASSERT_EQ(x2apic, rdmsr(MSR_IA32_APICBASE));
	/* From x2APIC there is no way back but through disabled. */
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_APICBASE, xapic));
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_IA32_APICBASE, base));
	GUEST_ASSERT_EQ(VEC_GP, wrmsr_try(MSR_IA32_APICBASE, x2apic));
	GUEST_ASSERT_EQ(0, wrmsr_try(MSR_IA32_APICBASE, xapic));
	GUEST_ASSERT_EQ(xapic, rdmsr(MSR_IA32_APICBASE));
	GUEST_ASSERT_EQ(0U, xapic_read(APIC_ID));
	guest_done();
}

FIXTURE(x2apic) {
	struct vm *vm;
};

FIXTURE_SETUP(x2apic)
{
	self->vm = vm_create_irqchip();
}

FIXTURE_TEARDOWN(x2apic)
{
	vm_free(self->vm);
}

TEST_F(x2apic, registers)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_registers));
}

TEST_F(x2apic, what_is_not_there_faults)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_faults));
}

TEST_F(x2apic, modes)
{
	ASSERT_DONE(vcpu_create(self->vm, guest_modes));
}

#define CPUS 4

static volatile uint32_t received[CPUS], ready;

static GUEST_HANDLER void count(struct trap_frame *frame)
{
	received[x2apic_read(APIC_ID)]++;
	x2apic_write(APIC_EOI, 0);
}

static void guest_target(uint64_t id)
{
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_ID));
	x2apic_enable();
	GUEST_ASSERT_EQ(id, x2apic_read(APIC_ID));
	GUEST_ASSERT_EQ(1UL << id, x2apic_read(APIC_LDR));
	atomic_inc(&ready);
	sti();
	for (;;)
		__asm__ volatile("hlt");
}

#define EXPECT_SET(icr, mask) do {					\
	unsigned int i_;						\
	for (i_ = 0; i_ < CPUS; i_++)					\
		received[i_] = 0;					\
	x2apic_write(APIC_ICR, (icr) | 0x48);				\
	sti();								\
	for (i_ = 0; i_ < CPUS; i_++) {					\
		while (received[i_] < ((mask) >> i_ & 1))		\
			cpu_relax();					\
	}								\
	for (i_ = 0; i_ < 2000; i_++)					\
		cpu_relax();						\
	cli();								\
	for (i_ = 0; i_ < CPUS; i_++)					\
		GUEST_ASSERT_EQ((mask) >> i_ & 1, (int)received[i_]);	\
} while (0)

static void guest_ipis(void)
{
	guest_handlers[0x48] = count;
	GUEST_ASSERT_EQ(VEC_GP, read_try(APIC_ID));
	x2apic_enable();
	guest_wait(ready == CPUS - 1);
	EXPECT_SET(2UL << 32, 4);
	EXPECT_SET(0xffffffffUL << 32, 15);
	EXPECT_SET(0x0000000aUL << 32 | APIC_DEST_LOGICAL, 10);
	EXPECT_SET(0x0001000fUL << 32 | APIC_DEST_LOGICAL, 0);
	EXPECT_SET(APIC_DEST_ALLBUT, 14);
	EXPECT_SET(7UL << 32, 0);
	guest_done();
}

TEST_F(x2apic, destinations)
{
	struct vcpu *bsp = vcpu_create(self->vm, guest_ipis);
	unsigned int i;

	for (i = 1; i < CPUS; i++)
		vcpu_start(vcpu_create_arg(self->vm, guest_target, i));
	ASSERT_DONE(bsp);
	_exit(_metadata->passed ? 0 : 1);
}

LODGE_TEST_MAIN(KVM_CAP_IRQCHIP)
