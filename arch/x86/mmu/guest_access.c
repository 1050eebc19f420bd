// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory by linear address: translation, copies, instruction fetch.
 *
 * Everything is tried first without sleeping, with page faults disabled and
 * through the vCPU's slot hint; most accesses need no more.  What fails there
 * is done again by the walk that may sleep, which alone decides that the guest
 * is at fault.
 */
#include <linux/uaccess.h>

#include "guest_walk.h"

/* An entry, or false if it cannot be read without sleeping.  Page faults are disabled. */
static __always_inline bool peek_entry(u64 __user *p, u64 *pte)
{
	if (!user_access_begin(p, sizeof(*p)))
		return false;
	unsafe_get_user(*pte, p, fault);
	user_access_end();
	return true;
fault:
	user_access_end();
	return false;
}

/*
 * The walk in long mode, as long as all is there: every entry present, accessed
 * and, for a write, dirty, and the access permitted.  False says only that the
 * complete walk must be asked.
 */
static __always_inline bool walk_fast(struct lodge_vcpu *vcpu, gva_t gva, u64 access, gpa_t *gpa)
{
	const struct lodge_walk_mode *mode = &vcpu->arch.mmu.walk;
	int level = mode->levels, shift = PAGE_SHIFT + 9 * (level - 1);
	const u64 needed = GPTE_PRESENT | GPTE_ACCESSED;
	u64 pte, all = ~0ull, any = 0;
	struct lodge_memslot *slot;
	unsigned long hva;
	gfn_t table;

	if (level < 4)
		return false;
	table = (lodge_cr3(vcpu) & GPTE_ADDR) >> PAGE_SHIFT;
	slot = lodge_vcpu_slot(vcpu, table);
	for (;;) {
		if (unlikely(!slot))
			return false;
		hva = lodge_slot_hva(slot, table) + ((gva >> shift) & 511) * 8;
		if (unlikely(!peek_entry((u64 __user *)hva, &pte) || (pte & needed) != needed))
			return false;
		all &= pte;
		any |= pte;
		if (level == 1 || (pte & GPTE_LARGE))
			break;
		if (unlikely(pte & mode->rsvd[0][level - 1]))
			return false;
		level--;
		shift -= 9;
		table = (pte & GPTE_ADDR) >> PAGE_SHIFT;
		if (unlikely(!lodge_slot_has(slot, table)))
			slot = lodge_vcpu_slot_slow(vcpu, table);
	}
	if (unlikely(pte & mode->rsvd[level > 1][level - 1]))
		return false;
	if ((access & PFERR_WRITE) && !(pte & GPTE_DIRTY))
		return false;
	*gpa = (pte & GPTE_ADDR & (~0ull << shift)) | (gva & ~(~0ull << shift));
	return !guest_denied(vcpu, all, any, pte, access);
}

bool lodge_gva_to_gpa(struct lodge_vcpu *vcpu, gva_t gva, u64 access, struct lodge_walk *walk)
{
	bool found;

	pagefault_disable();
	found = walk_fast(vcpu, gva, access, &walk->gpa);
	pagefault_enable();
	return found || lodge_guest_walk(vcpu, gva, access, walk);
}

/* Bytes from @gva to the end of its page, @len at most. */
static unsigned int within_page(gva_t gva, unsigned int len)
{
	return min_t(unsigned long, len, PAGE_SIZE - offset_in_page(gva));
}

int lodge_read_gva(struct lodge_vcpu *vcpu, gva_t gva, void *data, unsigned int len, u64 access,
		   struct lodge_walk *walk)
{
	while (len) {
		unsigned int n = within_page(gva, len);

		if (!lodge_gva_to_gpa(vcpu, gva, access, walk))
			return -EFAULT;
		if (lodge_read_guest(vcpu->vm, walk->gpa, data, n))
			return -ENXIO;
		gva += n;
		data += n;
		len -= n;
	}
	return 0;
}

int lodge_write_gva(struct lodge_vcpu *vcpu, gva_t gva, const void *data, unsigned int len,
		    u64 access, struct lodge_walk *walk)
{
	while (len) {
		unsigned int n = within_page(gva, len);

		if (!lodge_gva_to_gpa(vcpu, gva, access | PFERR_WRITE, walk))
			return -EFAULT;
		if (lodge_write_guest(vcpu->vm, walk->gpa, data, n))
			return -ENXIO;
		gva += n;
		data += n;
		len -= n;
	}
	return 0;
}

/* @len bytes, 8 to 16, without sleeping: two words that overlap. */
static __always_inline bool peek_bytes(void __user *from, u8 *buf, int len)
{
	u64 first, last;

	if (!user_access_begin(from, len))
		return false;
	unsafe_get_user(first, (u64 __user *)from, fault);
	unsafe_get_user(last, (u64 __user *)(from + len - 8), fault);
	user_access_end();
	memcpy(buf, &first, sizeof(first));
	memcpy(buf + len - sizeof(last), &last, sizeof(last));
	return true;
fault:
	user_access_end();
	return false;
}

static __always_inline bool fetch_fast(struct lodge_vcpu *vcpu, gva_t gva, u64 access, u8 *buf,
				       int len)
{
	struct lodge_memslot *slot;
	gpa_t gpa = (u32)gva;
	unsigned long hva;

	if (vcpu->arch.mmu.walk.levels && !walk_fast(vcpu, gva, access, &gpa))
		return false;
	slot = lodge_vcpu_slot(vcpu, gpa >> PAGE_SHIFT);
	if (!slot)
		return false;
	hva = lodge_slot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa);
	return peek_bytes((void __user *)hva, buf, len);
}

int lodge_fetch_insn(struct lodge_vcpu *vcpu, gva_t gva, u8 *buf, int len,
		     struct lodge_walk *walk)
{
	u64 access = PFERR_FETCH | (lodge_be(get_cpl)(vcpu) == 3 ? PFERR_USER : 0);
	unsigned int n = within_page(gva, len);
	bool done = false;
	int r;

	if (likely(n == len && len >= 8 && len <= 16)) {
		pagefault_disable();
		done = fetch_fast(vcpu, gva, access, buf, len);
		pagefault_enable();
	}
	if (likely(done))
		return len;

	r = lodge_read_gva(vcpu, gva, buf, n, access, walk);
	if (r)
		return r;
	/* The instruction may end before the page does: what follows is only tried. */
	if (n < len && !lodge_read_gva(vcpu, gva + n, buf + n, len - n, access, walk))
		n = len;
	return n;
}
