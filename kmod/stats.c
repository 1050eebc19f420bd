// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_STATS_FD: a file that describes itself, laid out as <linux/kvm.h>
 * says: a header, an identifier, descriptors, the counters.  Names are KVM's
 * where the meaning is the same.
 *
 * The file holds a count of its VM, so the counters outlive the other
 * descriptors for as long as somebody may read them.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "lodge.h"

#define NAME_SIZE	48
#define ID_PREFIX	"kvm-"		/* clients tell KVM's statistics from others' by it */

/* struct kvm_stats_desc, whose name has the length that the header tells. */
struct stat_entry {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[NAME_SIZE];
};

static_assert(offsetof(struct stat_entry, size) == offsetof(struct kvm_stats_desc, size));
static_assert(offsetof(struct stat_entry, offset) == offsetof(struct kvm_stats_desc, offset));
static_assert(offsetof(struct stat_entry, name) == sizeof(struct kvm_stats_desc));
static_assert(sizeof(atomic64_t) == sizeof(u64));

#define STAT(owner, field, stat_name, kind, stat_unit)					\
	{										\
		.flags = KVM_STATS_TYPE_##kind | KVM_STATS_UNIT_##stat_unit |		\
			 KVM_STATS_BASE_POW10,						\
		.size = 1,								\
		.offset = offsetof(struct owner, field),				\
		.name = stat_name,							\
	}

#define VM_COUNT(field)		STAT(lodge_vm_stats, field, #field, CUMULATIVE, NONE)
#define VM_NOW(field)		STAT(lodge_vm_stats, field, #field, INSTANT, NONE)
#define COUNT(field)		STAT(lodge_vcpu_stats, field, #field, CUMULATIVE, NONE)
#define COUNT_AS(field, name)	STAT(lodge_vcpu_stats, field, name, CUMULATIVE, NONE)
#define FLAG(field)		STAT(lodge_vcpu_stats, field, #field, INSTANT, BOOLEAN)

static const struct stat_entry vm_stats[] = {
	VM_COUNT(remote_tlb_flush),
	VM_NOW(mmu_table_pages),
	VM_NOW(pages_4k),
	VM_NOW(pages_2m),
	VM_NOW(pages_1g),
};

static const struct stat_entry vcpu_stats[] = {
	COUNT(exits),
	COUNT(io_exits),
	COUNT(mmio_exits),
	COUNT(signal_exits),
	COUNT(irq_window_exits),
	COUNT(nmi_window_exits),
	COUNT(halt_exits),
	COUNT(request_irq_exits),
	COUNT(irq_exits),
	COUNT(pf_taken),
	COUNT(pf_fixed),
	COUNT_AS(pf_mmio_created, "pf_mmio_spte_created"),
	COUNT(pf_guest),
	COUNT(tlb_flush),
	COUNT(invlpg),
	COUNT(insn_emulation),
	COUNT(insn_emulation_fail),
	COUNT(hypercalls),
	COUNT(irq_injections),
	COUNT(nmi_injections),
	COUNT(req_event),
	COUNT(halt_successful_poll),
	COUNT(halt_attempted_poll),
	COUNT(halt_wakeup),
	COUNT(preemption_reported),
	FLAG(guest_mode),
	FLAG(blocking),
};

/* An open statistics file. */
struct stats_file {
	struct lodge_vm *vm;		/* counted */
	struct kvm_stats_header header;
	char id[NAME_SIZE];
	const struct stat_entry *stats;
	const void *data;		/* in the VM or vCPU; only u64 and atomic64_t */
	size_t data_size;
};

/* Copies the part of [@start, @start + @size) that [*pos, *pos + *left) has. */
static int copy_part(char __user **buf, size_t *left, loff_t *pos, const void *part,
		     loff_t start, size_t size)
{
	loff_t skip = *pos - start;
	size_t n;

	if (!*left || skip < 0 || skip >= size)
		return 0;
	n = min_t(size_t, *left, size - skip);
	if (copy_to_user(*buf, part + skip, n))
		return -EFAULT;
	*buf += n;
	*pos += n;
	*left -= n;
	return 0;
}

static ssize_t stats_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	const struct stats_file *f = file->private_data;
	const struct kvm_stats_header *h = &f->header;
	size_t left = size;
	loff_t at = *pos;
	int r;

	/* The parts lie in this order, without gaps. */
	r = copy_part(&buf, &left, &at, h, 0, sizeof(*h));
	r = r ?: copy_part(&buf, &left, &at, f->id, h->id_offset, sizeof(f->id));
	r = r ?: copy_part(&buf, &left, &at, f->stats, h->desc_offset,
			   h->num_desc * sizeof(*f->stats));
	r = r ?: copy_part(&buf, &left, &at, f->data, h->data_offset, f->data_size);
	if (r)
		return r;
	*pos = at;
	return size - left;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct stats_file *f = file->private_data;

	lodge_vm_put(f->vm);
	kfree(f);
	return 0;
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.read = stats_read,
	.release = stats_release,
	.llseek = noop_llseek,
};

static void describe(struct stats_file *f, const struct stat_entry *stats, u32 n,
		     const void *data, size_t size)
{
	f->stats = stats;
	f->data = data;
	f->data_size = size;
	f->header.name_size = NAME_SIZE;
	f->header.num_desc = n;
	f->header.id_offset = sizeof(f->header);
	f->header.desc_offset = f->header.id_offset + sizeof(f->id);
	f->header.data_offset = f->header.desc_offset + n * sizeof(*stats);
}

/* The descriptor, read-only; takes over @f, also when it fails. */
static int install(struct lodge_vm *vm, struct stats_file *f, const char *name)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto fail;
	file = anon_inode_getfile(name, &stats_fops, f, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto fail;
	}
	file->f_mode |= FMODE_PREAD;
	f->vm = vm;
	lodge_vm_get(vm);
	fd_install(fd, file);
	return fd;
fail:
	kfree(f);
	return fd;
}

int lodge_vm_stats_fd(struct lodge_vm *vm)
{
	struct stats_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	describe(f, vm_stats, ARRAY_SIZE(vm_stats), &vm->stats, sizeof(vm->stats));
	snprintf(f->id, sizeof(f->id), ID_PREFIX "%s", vm->name);
	return install(vm, f, "kvm-vm-stats");
}

int lodge_vcpu_stats_fd(struct lodge_vcpu *vcpu)
{
	struct stats_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	char name[32];

	if (!f)
		return -ENOMEM;
	describe(f, vcpu_stats, ARRAY_SIZE(vcpu_stats), &vcpu->stats, sizeof(vcpu->stats));
	snprintf(f->id, sizeof(f->id), ID_PREFIX "%s/vcpu-%d", vcpu->vm->name, vcpu->id);
	snprintf(name, sizeof(name), "kvm-vcpu-stats:%d", vcpu->id);
	return install(vcpu->vm, f, name);
}
