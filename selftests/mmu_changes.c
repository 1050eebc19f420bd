// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: a guest that changes its tables at every level, with the invalidations that the
 * manual asks for and no more (SDM vol. 3, Invalidation of TLBs and Paging-Structure
 * Caches), finds each access answered by the tables as they are: entries made, changed,
 * taken away and marked; large pages in the place of tables; tables detached, used for
 * data, written and attached again; tables mapped by themselves; CR0.WP and CR4.PGE
 * turned.  Also on two vCPUs at once, with few shadow pages to go round, and while the
 * host takes the pages away (CVE-2026-53359: shadow pages that are used after they are
 * freed).
 */
#include <sys/wait.h>

#include "lodge_test.h"

#define P	1ul
#define W	2ul
#define A	0x20ul
#define D	0x40ul
#define PS	0x80ul
#define ADDR	0xffffffffff000ul

#define CR0_WP	(1ul << 16)
#define CR4_PGE	(1ul << 7)

#define DATA	0xa00000ul	/* pages that have their address in their first word */
#define NR_DATA	32
#define LARGE	0xc00000ul	/* two large ones */

/* A vCPU's tables: so many of each level, from the top. */
#define TABLES	GPA_FREE
#define PER_CPU	0x20000ul
#define NR_PML4	2
#define NR_PDPT	2
#define NR_PD	4
#define NR_PT	8

/* Addresses: two entries of level 3, four of level 2 below each, eight of level 1. */
#define GVA	(1ul << 39)
#define NR_GVA	64
#define SELF	2		/* the entry of the top table that leads to itself */

struct guest {
	uint64_t id, tables, seed, cr3;
};

static uint64_t rnd(struct guest *g, uint64_t n)
{
	g->seed ^= g->seed << 13;
	g->seed ^= g->seed >> 7;
	g->seed ^= g->seed << 17;
	return (g->seed >> 8) % n;
}

static uint64_t table(struct guest *g, unsigned int first, unsigned int nr)
{
	return g->tables + (first + rnd(g, nr)) * PAGE_SIZE;
}

static uint64_t any_pml4(struct guest *g)
{
	return table(g, 0, NR_PML4);
}

static uint64_t any_pdpt(struct guest *g)
{
	return table(g, NR_PML4, NR_PDPT);
}

static uint64_t any_pd(struct guest *g)
{
	return table(g, NR_PML4 + NR_PDPT, NR_PD);
}

static uint64_t any_pt(struct guest *g)
{
	return table(g, NR_PML4 + NR_PDPT + NR_PD, NR_PT);
}

static uint64_t gva_of(unsigned int i)
{
	return GVA | (uint64_t)(i >> 5) << 30 | (uint64_t)(i >> 3 & 3) << 21 | (i & 7) << 12;
}

/* --- the tables, by the identity map --- */

static volatile uint64_t *entry_of(uint64_t table, uint64_t gva, int level)
{
	return (uint64_t *)table + (gva >> (12 + 9 * (level - 1)) & 511);
}

struct walk {
	volatile uint64_t *leaf;	/* or where the walk ended */
	uint64_t gpa;
	int level;
	bool present, writable;
};

static void walk(struct guest *g, uint64_t gva, struct walk *w)
{
	uint64_t t = g->cr3, e;

	w->writable = true;
	for (w->level = 4;; w->level--) {
		w->leaf = entry_of(t, gva, w->level);
		e = *w->leaf;
		w->present = e & P;
		w->writable &= !!(e & W);
		if (!w->present || w->level == 1 || (e & PS))
			break;
		t = e & ADDR;
	}
	w->gpa = (e & ADDR) | (gva & ((1ul << (12 + 9 * (w->level - 1))) - 1));
}

static void put(struct guest *g, volatile uint64_t *entry, uint64_t value)
{
	uint64_t old = *entry;

	switch (rnd(g, 4)) {
	case 0:
		*entry = value;
		break;
	case 1:
		__asm__ volatile("xchgq %0, %1" : "+r"(value), "+m"(*entry));
		break;
	case 2:
		__asm__ volatile("lock cmpxchgq %2, %1"
				 : "+a"(old), "+m"(*entry) : "r"(value) : "cc");
		break;
	default:
		/* Not present in between. */
		((volatile uint32_t *)entry)[0] = 0;
		((volatile uint32_t *)entry)[1] = value >> 32;
		((volatile uint32_t *)entry)[0] = value;
	}
}

/* --- invalidation --- */

static void flush_all(struct guest *g)
{
	write_cr3(g->cr3);
}

/* Does the way of @gva lead over @entry? */
static bool uses(struct guest *g, uint64_t gva, volatile uint64_t *entry)
{
	volatile uint64_t *e;
	uint64_t t = g->cr3;
	int level;

	for (level = 4; level; level--) {
		e = entry_of(t, gva, level);
		if (e == entry)
			return true;
		if (!(*e & P) || (*e & PS))
			return false;
		t = *e & ADDR;
	}
	return false;
}

/* What was reached by way of the entry: tables have several addresses. */
static void flush_entry(struct guest *g, volatile uint64_t *entry)
{
	unsigned int i;

	if (!rnd(g, 3)) {
		flush_all(g);
		return;
	}
	for (i = 0; i < NR_GVA; i++)
		if (uses(g, gva_of(i), entry))
			invlpg(gva_of(i));
}

/* --- accesses --- */

static volatile bool alone;	/* guest_try_error is for one vCPU */

static void check(struct guest *g, uint64_t gva)
{
	uint64_t value = rnd(g, 1ul << 40), *own, got = 0, want;
	unsigned int vec;
	struct walk w;

	walk(g, gva, &w);
	vec = guest_try("movq (%2), %1", (, "+r"(got)), ("r"(gva)));
	GUEST_ASSERT_EQ(w.present ? 0u : VEC_PF, vec);
	if (!w.present) {
		GUEST_ASSERT(!alone || !guest_try_error);
		return;
	}
	GUEST_ASSERT_EQ(w.gpa, got);
	GUEST_ASSERT(*w.leaf & A);

	own = (uint64_t *)(w.gpa + 64 + 8 * g->id);
	want = w.writable || !(read_cr0() & CR0_WP) ? 0 : VEC_PF;
	vec = guest_try("movq %1, (%2)", (), ("r"(value), "r"(gva + 64 + 8 * g->id)));
	GUEST_ASSERT_EQ(want, (uint64_t)vec);
	if (want) {
		GUEST_ASSERT(!alone || guest_try_error == 3);
		return;
	}
	GUEST_ASSERT(*w.leaf & D);
	GUEST_ASSERT_EQ(value, *own);
}

/* --- changes --- */

static uint64_t any_flags(struct guest *g)
{
	return (rnd(g, 5) ? P : 0) | (rnd(g, 3) ? W : 0);
}

/* An entry that was not present needs no invalidation. */
static void change_entry(struct guest *g, volatile uint64_t *entry, uint64_t value)
{
	bool present = *entry & P;

	put(g, entry, value);
	if (present)
		flush_entry(g, entry);
}

static void change_leaf(struct guest *g, uint64_t gva)
{
	uint64_t value = (DATA + rnd(g, NR_DATA) * PAGE_SIZE) | any_flags(g);
	struct walk w;

	walk(g, gva, &w);
	if (w.level == 1)
		change_entry(g, w.leaf, value);
}

static void change_by_itself(struct guest *g, uint64_t gva)
{
	uint64_t value = (DATA + rnd(g, NR_DATA) * PAGE_SIZE) | any_flags(g);
	uint64_t pte = (uint64_t)SELF << 39 | (gva >> 9 & 0x7ffffffff8);
	struct walk w;

	walk(g, gva, &w);
	/* All entries on the way must let the supervisor write its tables. */
	if (w.level > 1 || !w.writable)
		return;
	invlpg(pte);
	*(volatile uint64_t *)pte = value;
	GUEST_ASSERT_EQ(value, *w.leaf);
	flush_entry(g, w.leaf);
}

static void change_upper(struct guest *g, uint64_t gva)
{
	volatile uint64_t *pml4 = entry_of(g->cr3, gva, 4), *pdpt, *pd;
	uint64_t flags = any_flags(g);

	switch (rnd(g, 4)) {
	case 0:
		change_entry(g, pml4, any_pdpt(g) | P | W);
		break;
	case 1:
		pdpt = entry_of(*pml4 & ADDR, gva, 3);
		change_entry(g, pdpt, any_pd(g) | flags);
		break;
	default:
		pdpt = entry_of(*pml4 & ADDR, gva, 3);
		pd = entry_of(*pdpt & ADDR, gva, 2);
		if (rnd(g, 3))
			change_entry(g, pd, any_pt(g) | flags);
		else
			change_entry(g, pd, (LARGE + rnd(g, 2) * HUGE_SIZE) | flags | PS);
	}
}

static void unmark(struct guest *g, uint64_t gva)
{
	struct walk w;

	walk(g, gva, &w);
	put(g, w.leaf, *w.leaf & ~(A | (rnd(g, 2) ? D : 0)));
	flush_entry(g, w.leaf);
}

/* A table that nothing leads to is data, and then a table again. */
static void recycle(struct guest *g)
{
	uint64_t pt = any_pt(g), *words = (uint64_t *)pt;
	unsigned int i, j;

	for (i = 0; i < NR_PD; i++) {
		uint64_t *pd = (uint64_t *)(g->tables + (NR_PML4 + NR_PDPT + i) * PAGE_SIZE);

		for (j = 0; j < 4; j++)
			if (!(pd[j] & PS) && (pd[j] & ADDR) == pt)
				pd[j] = 0;
	}
	flush_all(g);
	for (i = 0; i < 512; i++)
		words[i] = g->seed + i * 0x1234567;
	for (i = 0; i < 512; i++)
		words[i] = 0;
	for (i = 0; i < 8; i++)
		words[i] = (DATA + rnd(g, NR_DATA) * PAGE_SIZE) | any_flags(g);
}

static void turn(struct guest *g)
{
	switch (rnd(g, 3)) {
	case 0:
		write_cr0(read_cr0() ^ CR0_WP);
		break;
	case 1:
		write_cr4(read_cr4() ^ CR4_PGE);
		break;
	default:
		g->cr3 = any_pml4(g);
		flush_all(g);
	}
}

static void change(struct guest *g)
{
	uint64_t gva = gva_of(rnd(g, NR_GVA));

	switch (rnd(g, 16)) {
	case 0 ... 7:
		change_leaf(g, gva);
		break;
	case 8 ... 9:
		change_by_itself(g, gva);
		break;
	case 10 ... 11:
		change_upper(g, gva);
		break;
	case 12 ... 13:
		unmark(g, gva);
		break;
	case 14:
		turn(g);
		break;
	default:
		recycle(g);
	}
	check(g, gva);
}

static void make_tables(struct guest *g)
{
	unsigned int i, j;

	for (i = 0; i < NR_PML4; i++) {
		uint64_t *pml4 = (uint64_t *)(g->tables + i * PAGE_SIZE);

		pml4[0] = *(uint64_t *)GPA_PML4;
		pml4[1] = any_pdpt(g) | P | W;
		pml4[SELF] = (uint64_t)pml4 | P | W;
	}
	for (i = NR_PML4; i < NR_PML4 + NR_PDPT; i++)
		for (j = 0; j < 2; j++)
			((uint64_t *)(g->tables + i * PAGE_SIZE))[j] = any_pd(g) | P | W;
	for (; i < NR_PML4 + NR_PDPT + NR_PD; i++)
		for (j = 0; j < 4; j++)
			((uint64_t *)(g->tables + i * PAGE_SIZE))[j] = any_pt(g) | P | W;
	for (; i < NR_PML4 + NR_PDPT + NR_PD + NR_PT; i++)
		for (j = 0; j < 8; j++)
			((uint64_t *)(g->tables + i * PAGE_SIZE))[j] =
				(DATA + rnd(g, NR_DATA) * PAGE_SIZE) | P | W;
}

static volatile uint64_t rounds;

static void guest_changes(uint64_t id)
{
	struct guest g = {
		.id = id, .tables = TABLES + id * PER_CPU, .seed = 88172645463325252 + id,
	};
	unsigned int i;

	make_tables(&g);
	g.cr3 = any_pml4(&g);
	flush_all(&g);
	for (i = 0; i < rounds; i++) {
		change(&g);
		check(&g, gva_of(rnd(&g, NR_GVA)));
		check(&g, gva_of(rnd(&g, NR_GVA)));
	}
	guest_done();
}

/* --- the test --- */

FIXTURE(changes) {
	struct vm *vm;
};

FIXTURE_VARIANT(changes) {
	unsigned int cpus, rounds, pages;
	bool forks;
};

FIXTURE_VARIANT_ADD(changes, one) { 1, 20000, 0, false };
FIXTURE_VARIANT_ADD(changes, two) { 2, 10000, 0, false };
FIXTURE_VARIANT_ADD(changes, two_with_few_pages) { 2, 5000, 64, false };
FIXTURE_VARIANT_ADD(changes, one_while_pages_go) { 1, 5000, 0, true };
FIXTURE_VARIANT_ADD(changes, two_while_pages_go) { 2, 5000, 64, true };

FIXTURE_SETUP(changes)
{
	unsigned long gpa;

	self->vm = vm_create();
	for (gpa = DATA; gpa < LARGE + 2 * HUGE_SIZE; gpa += PAGE_SIZE)
		*(uint64_t *)vm_hva(self->vm, gpa) = gpa;
	guest_var(self->vm, rounds) = variant->rounds;
	guest_var(self->vm, alone) = variant->cpus == 1;
	if (variant->pages)
		must_ioctl(self->vm->fd, KVM_SET_NR_MMU_PAGES, variant->pages);
}

FIXTURE_TEARDOWN(changes)
{
	vm_free(self->vm);
}

/* The pages of a process that forks are taken from it, to be copied when they are written. */
static void fork_once(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	usleep(5000);
}

TEST_F(changes, are_seen_when_they_must_be)
{
	unsigned int i;

	for (i = 0; i < variant->cpus; i++)
		vcpu_start(vcpu_create_arg(self->vm, guest_changes, i));
	for (i = 0; variant->forks && i < 30; i++)
		fork_once();
	for (i = 0; i < variant->cpus; i++)
		EXPECT_TRUE(vcpu_join(&self->vm->vcpus[i]));
}

LODGE_TEST_MAIN(KVM_CAP_SYNC_MMU)
