// SPDX-License-Identifier: GPL-2.0
/*
 * Four pages of guest-physical memory that a CPU without "unrestricted guest" needs
 * for a guest without paging, and that KVM's ABI leaves room for:
 *
 *   KVM_SET_IDENTITY_MAP_ADDR	a page table that maps 4 GiB to themselves, in pages of
 *				4 MiB
 *   KVM_SET_TSS_ADDR		three pages with the TSS of virtual-8086 mode: its maps
 *				allow all ports, which exit anyway, and send INT n
 *				through the guest's own vectors (SDM vol. 3, Interrupt
 *				and Exception Handling in Virtual-8086 Mode, method 5)
 *
 * They are the VM's own, in no memory slot, and brought into the EPT tables by the
 * CPU's first access.  The guest can write them, to nobody's harm but its own: what
 * they lead to is translated by EPT as anything else.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "exit.h"
#include "vmx/vmx.h"

#define DEFAULT_ADDR	0xfffbc000u	/* as KVM's */

/* Present, writable, user, accessed, dirty, a page of 4 MiB (SDM vol. 3, 32-Bit Paging). */
#define PDE_FLAGS	0xe7

/* SDM vol. 3, Task-State Segment: the I/O map base is at 102; 32 bytes below it for INT n. */
#define TSS_IO_MAP_BASE	102
#define TSS_IO_MAP	(104 + 32)

static void fill_page_table(u32 *pde)
{
	u32 i;

	for (i = 0; i < PAGE_SIZE / sizeof(*pde); i++)
		pde[i] = i << 22 | PDE_FLAGS;
}

int vmx_realmode_vm_init(struct vmx_vm *vm)
{
	struct vmx_realmode_map *map = &vm->realmode;
	int i;

	if (vmx_caps.unrestricted)
		return 0;
	map->page_table = alloc_page(GFP_KERNEL_ACCOUNT);
	for (i = 0; i < ARRAY_SIZE(map->tss); i++)
		map->tss[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!map->page_table || !map->tss[0] || !map->tss[1] || !map->tss[2]) {
		vmx_realmode_vm_destroy(vm);
		return -ENOMEM;
	}
	fill_page_table(page_address(map->page_table));
	*(u16 *)(page_address(map->tss[0]) + TSS_IO_MAP_BASE) = TSS_IO_MAP;
	*(u8 *)(page_address(map->tss[2]) + VMX_RM_TSS_LIMIT % PAGE_SIZE) = 0xff;
	return 0;
}

void vmx_realmode_vm_destroy(struct vmx_vm *vm)
{
	struct vmx_realmode_map *map = &vm->realmode;
	int i;

	for (i = 0; i < ARRAY_SIZE(map->tss); i++)
		if (map->tss[i])
			__free_page(map->tss[i]);
	if (map->page_table)
		__free_page(map->page_table);
	memset(map, 0, sizeof(*map));
}

u32 vmx_realmode_cr3(struct vmx_vm *vm)
{
	return READ_ONCE(vm->vm.arch.identity_map_addr) & PAGE_MASK ?: DEFAULT_ADDR;
}

/* User space that says nothing of it has nothing behind the page table, as a rule. */
u32 vmx_realmode_tss(struct vmx_vm *vm)
{
	return READ_ONCE(vm->vm.arch.tss_addr) & PAGE_MASK ?: vmx_realmode_cr3(vm) + PAGE_SIZE;
}

int vmx_realmode_map_page(struct lodge_vcpu *vcpu, u64 gpa)
{
	struct vmx_vm *vm = to_vmx_vm(vcpu->vm);
	gfn_t gfn = gpa >> PAGE_SHIFT, tss = vmx_realmode_tss(vm) >> PAGE_SHIFT;

	if (gfn == vmx_realmode_cr3(vm) >> PAGE_SHIFT)
		return lodge_mmu_map_own(vcpu, gfn, vm->realmode.page_table);
	if (gfn - tss < ARRAY_SIZE(vm->realmode.tss))
		return lodge_mmu_map_own(vcpu, gfn, vm->realmode.tss[gfn - tss]);
	return 0;
}
