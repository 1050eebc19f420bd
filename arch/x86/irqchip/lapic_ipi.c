// SPDX-License-Identifier: GPL-2.0
/*
 * Who is addressed by an interrupt message (SDM vol. 3, Determining IPI
 * Destination), and delivery to all of them.
 *
 * apic_takes() is the rule, asked of every APIC.  The map is a short cut for
 * the usual cases: physical IDs, logical x2APIC IDs (which are physical IDs
 * written differently) and the flat logical mode.  It is rebuilt whenever a
 * mode, ID or logical register changes, under apic_map_lock, and read under
 * RCU in any context; what it does not know, or knows to be ambiguous, goes to
 * the rule.  So does everything while a new vCPU is not yet in the map.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "lapic_regs.h"
#include "trace.h"

#define XAPIC_BROADCAST		0xff
#define X2APIC_BROADCAST	0xffffffff

struct lodge_apic_map {
	struct rcu_head rcu;
	int nr_vcpus;		/* of the VM when this was built */
	bool unique;		/* no two APICs answer to one physical ID */
	bool flat;		/* all xAPICs in flat mode, each with a bit of its own */
	bool x2apic;		/* all in x2APIC mode */
	bool xapic;		/* none in x2APIC mode */
	u32 max_id;
	struct lodge_vcpu *by_bit[8];	/* flat logical mode */
	struct lodge_vcpu *by_id[];	/* max_id + 1 */
};

/* --- the rule --- */

static bool takes_logical(const struct lodge_lapic *l, u32 dest)
{
	u32 ldr = lapic_get(l, APIC_LDR);

	if (READ_ONCE(l->x2apic))
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	if (lapic_get(l, APIC_DFR) == APIC_DFR_FLAT)
		return dest & ldr;
	/* Cluster model: cluster 15 is all of them. */
	return (dest >> 4 == ldr >> 4 || dest >> 4 == 0xf) && (dest & ldr & 0xf);
}

static bool apic_takes(const struct lodge_lapic *l, const struct lodge_msi *msi)
{
	if (!l || !READ_ONCE(l->hw_enabled))
		return false;
	if (msi->dest_logical)
		return takes_logical(l, msi->dest_id);
	/* An ID too long for the xAPIC's register is reachable by its full length as well. */
	return lapic_id(l) == msi->dest_id || (lapic_x2apic_id(l) > 0xff &&
					       lapic_x2apic_id(l) == msi->dest_id);
}

/*
 * All ones is broadcast, in the width of the sender's mode.  Devices send eight
 * bits; by KVM's ABI that is broadcast to x2APICs as well, unless user space
 * disabled the quirk because it has an x2APIC with ID 255.
 */
static bool is_broadcast(struct lodge_vm *vm, const struct lodge_apic_map *map,
			 const struct lodge_vcpu *source, u32 dest)
{
	if (source)
		return dest == (source->arch.lapic->x2apic ? X2APIC_BROADCAST : XAPIC_BROADCAST);
	if (dest == XAPIC_BROADCAST)
		return !(vm->arch.x2apic_format & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK) ||
		       !map || map->xapic;
	return dest == X2APIC_BROADCAST;
}

/* --- the map --- */

/* One more xAPIC for the flat logical mode. */
static void map_add_logical(struct lodge_apic_map *map, struct lodge_vcpu *vcpu)
{
	const struct lodge_lapic *l = vcpu->arch.lapic;
	u32 ldr = lapic_get(l, APIC_LDR) >> 24;
	unsigned int bit;

	if (lapic_get(l, APIC_DFR) != APIC_DFR_FLAT || hweight32(ldr) > 1) {
		map->flat = false;
		return;
	}
	if (!ldr)
		return;
	bit = __ffs(ldr);
	if (map->by_bit[bit])
		map->flat = false;
	map->by_bit[bit] = vcpu;
}

static void map_add_id(struct lodge_apic_map *map, struct lodge_vcpu *vcpu, u32 id)
{
	if (map->by_id[id] && map->by_id[id] != vcpu)
		map->unique = false;
	map->by_id[id] = vcpu;
}

static void map_add(struct lodge_apic_map *map, struct lodge_vcpu *vcpu)
{
	const struct lodge_lapic *l = vcpu->arch.lapic;

	if (!l || !l->hw_enabled)
		return;
	map_add_id(map, vcpu, lapic_id(l));
	if (lapic_x2apic_id(l) > 0xff)
		map_add_id(map, vcpu, lapic_x2apic_id(l));
	if (l->x2apic) {
		map->flat = false;
		map->xapic = false;
	} else {
		map->x2apic = false;
		map_add_logical(map, vcpu);
	}
}

static struct lodge_apic_map *map_build(struct lodge_vm *vm)
{
	int nr = atomic_read_acquire(&vm->nr_online);
	struct lodge_apic_map *map;
	struct lodge_vcpu *vcpu;
	u32 max_id = 0xff;
	int i;

	for (i = 0; i < nr; i++)
		max_id = max_t(u32, max_id, lodge_vcpu_by_index(vm, i)->id);
	map = kvzalloc(struct_size(map, by_id, max_id + 1), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	map->nr_vcpus = nr;
	map->max_id = max_id;
	map->unique = true;
	map->flat = true;
	map->x2apic = true;
	map->xapic = true;
	for (i = 0; i < nr; i++) {
		vcpu = lodge_vcpu_by_index(vm, i);
		map_add(map, vcpu);
	}
	return map;
}

void lodge_apic_map_update(struct lodge_vm *vm)
{
	struct lodge_apic_map *map, *old;

	mutex_lock(&vm->arch.apic_map_lock);
	/* Without memory there is no short cut; the rule still holds. */
	map = map_build(vm);
	old = rcu_replace_pointer(vm->arch.apic_map, map,
				  lockdep_is_held(&vm->arch.apic_map_lock));
	mutex_unlock(&vm->arch.apic_map_lock);
	if (old)
		kvfree_rcu(old, rcu);
}

/* --- delivery --- */

static int add_result(int sum, int r)
{
	if (r < 0)
		return sum;
	return sum < 0 ? r : sum + r;
}

/* Any of the addressed does; the vector picks one, as Intel's chip sets do it. */
static bool is_lowest_priority(const struct lodge_msi *msi)
{
	return msi->delivery_mode == APIC_DM_LOWEST >> 8 || msi->redirection_hint;
}

static int deliver_lowest(struct lodge_vcpu **vcpus, unsigned int n, const struct lodge_msi *msi)
{
	unsigned int enabled = 0, i;

	for (i = 0; i < n; i++) {
		if (READ_ONCE(vcpus[i]->arch.lapic->sw_enabled))
			vcpus[enabled++] = vcpus[i];
	}
	if (!enabled)
		return -1;
	return lodge_lapic_deliver(vcpus[msi->vector % enabled], msi);
}

static int deliver_all(struct lodge_vcpu **vcpus, unsigned int n, const struct lodge_msi *msi)
{
	unsigned int i;
	int sum = -1;

	if (n > 1 && is_lowest_priority(msi))
		return deliver_lowest(vcpus, n, msi);
	for (i = 0; i < n; i++)
		sum = add_result(sum, lodge_lapic_deliver(vcpus[i], msi));
	return sum;
}

/*
 * The vCPUs at @msi's destination by the map.  @vcpus has room for 16.  How
 * many, or -1 when the map cannot tell.
 */
static int map_find(const struct lodge_apic_map *map, const struct lodge_msi *msi,
		    struct lodge_vcpu **vcpus)
{
	u32 base = (msi->dest_id >> 16) << 4;
	unsigned long bits = msi->dest_id & 0xffff;
	unsigned int bit, n = 0;

	if (!msi->dest_logical) {
		if (!map->unique)
			return -1;
		if (msi->dest_id <= map->max_id && map->by_id[msi->dest_id])
			vcpus[n++] = map->by_id[msi->dest_id];
		return n;
	}
	if (map->x2apic) {
		for_each_set_bit(bit, &bits, 16) {
			if (base + bit <= map->max_id && map->by_id[base + bit])
				vcpus[n++] = map->by_id[base + bit];
		}
		return n;
	}
	if (!map->flat)
		return -1;
	if (msi->dest_id > 0xff)
		return 0;
	for_each_set_bit(bit, &bits, 8) {
		if (map->by_bit[bit])
			vcpus[n++] = map->by_bit[bit];
	}
	return n;
}

/* Ask every APIC; @everyone: a broadcast, but not to @except. */
static int deliver_by_rule(struct lodge_vm *vm, const struct lodge_msi *msi, bool everyone,
			   const struct lodge_vcpu *except)
{
	bool lowest = is_lowest_priority(msi);
	struct lodge_vcpu *vcpu;
	unsigned int n = 0, pick;
	unsigned long i;
	int sum = -1;

	lodge_for_each_vcpu(i, vcpu, vm) {
		if (vcpu == except || !(everyone || apic_takes(vcpu->arch.lapic, msi)))
			continue;
		if (!lowest)
			sum = add_result(sum, lodge_lapic_deliver(vcpu, msi));
		else if (READ_ONCE(vcpu->arch.lapic->sw_enabled))
			n++;
	}
	if (!n)
		return sum;
	pick = msi->vector % n;
	lodge_for_each_vcpu(i, vcpu, vm) {
		if (vcpu == except || !(everyone || apic_takes(vcpu->arch.lapic, msi)) ||
		    !READ_ONCE(vcpu->arch.lapic->sw_enabled))
			continue;
		if (!pick--)
			return lodge_lapic_deliver(vcpu, msi);
	}
	return sum;
}

static int deliver_to_dest(struct lodge_vm *vm, struct lodge_vcpu *source,
			   const struct lodge_msi *msi)
{
	struct lodge_vcpu *vcpus[16];
	struct lodge_apic_map *map;
	int n = -1, r;

	rcu_read_lock();
	map = rcu_dereference(vm->arch.apic_map);
	if (is_broadcast(vm, map, source, msi->dest_id)) {
		r = deliver_by_rule(vm, msi, true, NULL);
	} else {
		if (likely(map && map->nr_vcpus == atomic_read(&vm->nr_online)))
			n = map_find(map, msi, vcpus);
		r = n >= 0 ? deliver_all(vcpus, n, msi) : deliver_by_rule(vm, msi, false, NULL);
	}
	rcu_read_unlock();
	return r;
}

int lodge_apic_deliver(struct lodge_vm *vm, struct lodge_vcpu *source, const struct lodge_msi *msi)
{
	switch (msi->shorthand) {
	case 1:
		return lodge_lapic_deliver(source, msi);
	case 2:
		return deliver_by_rule(vm, msi, true, NULL);
	case 3:
		return deliver_by_rule(vm, msi, true, source);
	}
	return deliver_to_dest(vm, source, msi);
}

/* SDM vol. 3, Message Signalled Interrupts. */
int lodge_apic_deliver_msi(struct lodge_vm *vm, u64 address, u32 data)
{
	struct lodge_msi msi = {
		.dest_id = (address >> 12) & 0xff,
		.dest_logical = address & BIT(2),
		.redirection_hint = address & BIT(3),
		.vector = data & 0xff,
		.delivery_mode = (data >> 8) & 7,
		.level = data & BIT(15),
		.assert = true,
	};

	/* The upper bits of a 32-bit destination are where KVM's ABI puts them. */
	if (vm->arch.x2apic_format & KVM_X2APIC_API_USE_32BIT_IDS)
		msi.dest_id |= (address >> 32) & GENMASK(31, 8);
	trace_kvm_msi_set_irq(address, data);
	return lodge_apic_deliver(vm, NULL, &msi);
}
