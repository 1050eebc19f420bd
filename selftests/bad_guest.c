// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a guest that puts what the CPU itself reads (page tables, IDT, GDT,
 * TSS, stack, code) where no memory is, or where it cannot be written, ends in
 * an exit to user space that says so (shutdown, an internal error, or the MMIO
 * access), and neither hangs nor harms the host.
 *
 * KVM fails three: with CR3 or the GDT on nothing it enters the guest again and
 * again over the same nested page fault, and a load through a page directory on
 * nothing gives the guest a result.
 */
#include "lodge_test.h"

FIXTURE(bad) {
	struct vm *vm;
};

FIXTURE_SETUP(bad)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(bad)
{
	vm_free(self->vm);
}

FIXTURE_VARIANT(bad) {
	void (*guest)(void);
};

static void guest_cr3(void)
{
	write_cr3(GPA_MMIO);
	guest_done();
}

FIXTURE_VARIANT_ADD(bad, cr3_on_nothing) { guest_cr3 };

static void guest_pde(void)
{
	uint64_t *pdpt = (uint64_t *)(GPA_PML4 + PAGE_SIZE);

	pdpt[2] = GPA_MMIO | 7;
	invlpg(0x80000000);
	read64(0x80000000);
	guest_done();
}

FIXTURE_VARIANT_ADD(bad, page_directory_on_nothing) { guest_pde };

static void guest_gdt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = { 0xff, GPA_MMIO };

	__asm__ volatile("lgdt %0; mov %w1, %%fs" : : "m"(gdtr), "r"(0x40));
	guest_done();
}

FIXTURE_VARIANT_ADD(bad, gdt_on_nothing) { guest_gdt };

static void guest_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { 0xfff, GPA_MMIO };

	__asm__ volatile("lidt %0; ud2" : : "m"(idtr));
	guest_done();
}

FIXTURE_VARIANT_ADD(bad, idt_on_nothing) { guest_idt };

static void guest_stack(void)
{
	__asm__ volatile("movq %0, %%rsp; int3" : : "r"(GPA_MMIO + 0x1000));
	guest_done();
}

FIXTURE_VARIANT_ADD(bad, exception_stack_on_nothing) { guest_stack };

static void guest_code(void)
{
	__asm__ volatile("jmp *%0" : : "r"(GPA_MMIO));
}

FIXTURE_VARIANT_ADD(bad, code_on_nothing) { guest_code };

static void guest_past_everything(void)
{
	uint64_t *pml4 = (uint64_t *)GPA_PML4;

	/* Reserved address bits in a page-table entry: #PF, with no handler. */
	pml4[1] = 1UL << 51 | GPA_MMIO | 7;
	__asm__ volatile("movq (%0), %%rax" : : "r"(1UL << 39) : "rax");
	guest_done();
}

FIXTURE_VARIANT_ADD(bad, reserved_bits) { guest_past_everything };

static void guest_lapic_code(void)
{
	__asm__ volatile("jmp *%0" : : "r"(0xfee00000UL));
}

FIXTURE_VARIANT_ADD(bad, code_in_the_lapic) { guest_lapic_code };

TEST_F_TIMEOUT(bad, ends_clearly, 8)
{
	struct vcpu *vcpu = vcpu_create(self->vm, variant->guest);
	struct kvm_run *run = vcpu->run;
	unsigned int exits;
	struct ucall uc;

	/* User space may answer MMIO for ever; a guest that ends, ends. */
	for (exits = 0; exits < 1000; exits++) {
		switch (vcpu_run(vcpu)) {
		case KVM_EXIT_SHUTDOWN:
		case KVM_EXIT_INTERNAL_ERROR:
		case KVM_EXIT_FAIL_ENTRY:
			return;
		case KVM_EXIT_MMIO:
			memset(run->mmio.data, 0, 8);
			break;
		case KVM_EXIT_IO:
			ASSERT_TRUE(vcpu_is_ucall(vcpu, &uc));
			ASSERT_EQ(UCALL_TRAP, uc.kind);
			return;
		default:
			vcpu_describe_exit(vcpu);
			ASSERT_TRUE(false);
		}
	}
}

/*
 * Page tables in a read-only slot: they can be walked, but the accessed bit
 * cannot be set.  Whether that is the end, or is passed over, is the CPU's
 * choice under nested paging; it must not be a spin.
 */
static void guest_rom_tables(void)
{
	write_cr3(0x10000000);
	guest_sync(1);
	guest_done();
}

TEST(page_tables_in_rom)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_create(vm, guest_rom_tables);
	char *rom = anon_pages(PAGE_SIZE);
	unsigned int exits;
	struct ucall uc;

	memcpy(rom, vm_hva(vm, GPA_PML4), PAGE_SIZE);
	vm_slot(vm, 1, KVM_MEM_READONLY, 0x10000000, PAGE_SIZE, rom);
	for (exits = 0; exits < 1000; exits++) {
		uint32_t reason = vcpu_run(vcpu);

		if (reason == KVM_EXIT_MMIO) {
			EXPECT_EQ(1, vcpu->run->mmio.is_write);
			continue;
		}
		if (reason != KVM_EXIT_IO || !vcpu_is_ucall(vcpu, &uc) ||
		    uc.kind != UCALL_SYNC)
			break;
	}
	vm_free(vm);
}

LODGE_TEST_MAIN(KVM_CAP_READONLY_MEM)
