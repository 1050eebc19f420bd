// SPDX-License-Identifier: GPL-2.0
/*
 * Claim: in each paging mode (2 levels with and without PSE, PAE, 4 and 5 levels) every
 * access is permitted or refused, with the right error code, as the manuals' model says
 * (APM vol. 2, Page Protection; SDM vol. 3, Access Rights): writable, user and no-execute
 * bits at each level, CR0.WP, EFER.NXE, CR4.SMEP, CR4.SMAP with AC, protection keys,
 * reserved bits, small and large pages, global ones; what is accessed is marked accessed,
 * and dirty if it was written and not else.  CVE-2021-38198 was the permissions of one
 * entry taken for those of another, where two led to one table.
 *
 * The tables are written once, before the first access.
 */
#include "paging.h"

#define PAGES	0xa00000ul	/* what is accessed */
#define NR_PAGES 72
#define LARGE	0xc00000ul
#define HIGH	(1ul << 32)	/* and by PSE-36 */

/* Linear. */
#define AREA	0x40000000ul	/* small pages, by the entry of level 2 and their own */
#define ODD	0x50000000ul
#define BIG	0x60000000ul	/* large ones */
#define FAR	(8ul << 30)	/* small pages, by the entry of level 3; long mode */

/* A page to be accessed: how it is mapped. */
struct target {
	uint64_t gva, gpa;
	uint64_t upper, leaf;	/* entries' flags */
	uint64_t entry;		/* where the leaf is */
	bool reserved;
	bool dirty;		/* a write has succeeded */
};

#define MAX_TARGETS	256

struct matrix {
	struct pager pg;
	struct target targets[MAX_TARGETS];
	unsigned int nr;
};

FIXTURE(modes) {
	struct matrix m;
};

FIXTURE_VARIANT(modes) {
	int levels;
	bool pse;
};

FIXTURE_VARIANT_ADD(modes, two_levels) { 2, false };
FIXTURE_VARIANT_ADD(modes, two_levels_pse) { 2, true };
FIXTURE_VARIANT_ADD(modes, pae) { 3, true };
FIXTURE_VARIANT_ADD(modes, four_levels) { 4, true };
FIXTURE_VARIANT_ADD(modes, five_levels) { 5, true };


static bool cpuid_bit(struct vm *vm, uint32_t leaf, int reg, int bit)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(vm->cpuid, leaf, 0);
	uint32_t r[4] = { 0 };

	if (e)
		memcpy(r, &e->eax, sizeof(r));
	return r[reg] >> bit & 1;
}

/* --- what is accessed --- */

static struct target *add(struct matrix *m, uint64_t gva, uint64_t gpa, uint64_t leaf,
			  int level, int at, uint64_t upper)
{
	struct target *t = &m->targets[m->nr++];

	*t = (struct target) {
		.gva = gva, .gpa = gpa, .upper = upper, .leaf = leaf,
		.entry = pg_map(&m->pg, gva, gpa | leaf, level, at, upper),
	};
	return t;
}

static unsigned int nr_flags(struct matrix *m)
{
	return m->pg.levels > 2 ? 8 : 4;
}

/* Writable, user and no-execute by the bits of @n. */
static uint64_t flags(unsigned int n)
{
	return P | (n & 1 ? W : 0) | (n & 2 ? U : 0) | (n & 4 ? NX : 0);
}

/* What an entry of level 2 covers. */
static uint64_t large_size(struct matrix *m)
{
	return m->pg.levels == 2 ? 0x400000 : 0x200000;
}

static void add_small(struct matrix *m, uint64_t area, uint64_t step, int at)
{
	uint64_t gpa = PAGES;
	unsigned int u, l;

	for (u = 0; u < nr_flags(m); u++) {
		for (l = 0; l < nr_flags(m); l++) {
			add(m, area + u * step + l * PAGE_SIZE, gpa, flags(l) | (l & 1 ? G : 0),
			    1, at, flags(u));
			gpa += PAGE_SIZE;
		}
	}
}

static void add_odd(struct matrix *m)
{
	struct target *t;

	add(m, ODD, PAGES, U | W, 1, 2, P | U | W);
	if (m->pg.levels > 2) {
		t = add(m, ODD + PAGE_SIZE, PAGES, P | U | W | 1ul << 51, 1, 2, P | U | W);
		t->reserved = true;
	}
	if (m->pg.levels > 3) {
		add(m, ODD + 2 * PAGE_SIZE, PAGES, P | U | W | PKEY, 1, 2, P | U | W);
		add(m, ODD + 3 * PAGE_SIZE, PAGES, P | U | PKEY, 1, 2, P | U | W);
	}
	/* One table by two entries, of which one permits less. */
	t = add(m, ODD + large_size(m), PAGES + PAGE_SIZE, P | U | W, 1, 2, P | U);
	m->targets[m->nr] = *t;
	t = &m->targets[m->nr++];
	t->gva += large_size(m);
	t->upper = P | U | W;
	pg_map(&m->pg, t->gva, (t->entry & ~0xffful) | t->upper, 2, 0, 0);
}

static void add_large(struct matrix *m)
{
	uint64_t gva = BIG;
	struct target *t;
	unsigned int l;

	for (l = 0; l < nr_flags(m); l++, gva += large_size(m))
		add(m, gva, LARGE, flags(l) | PS, 2, 0, P | W | U);
	/* Bit 21 is reserved, or the address's. */
	t = add(m, gva, LARGE, P | W | U | PS | 1 << 21, 2, 0, P | W | U);
	t->reserved = m->pg.levels == 2;
	t->gpa |= 1 << 21;
	if (m->pg.levels == 2 && cpuid_bit(m->pg.vm, 1, 3, 17)) {
		gva += large_size(m);
		t = add(m, gva, 0, P | W | U | PS | 1 << 13, 2, 0, P | W | U);
		t->gpa = HIGH;
	}
}

static void *target_page(struct matrix *m, const struct target *t)
{
	return vm_hva(m->pg.vm, t->gpa == HIGH ? LARGE : t->gpa);
}

/* Each begins with a RET, for fetches, and what tells it from the others. */
static void fill_pages(struct matrix *m)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES + 2; i++) {
		uint64_t gpa = i < NR_PAGES ? PAGES + i * PAGE_SIZE :
					      LARGE + (i - NR_PAGES) * 0x200000;
		uint8_t *page = vm_hva(m->pg.vm, gpa);

		page[0] = 0xc3;
		page[1] = 0x80 + i;
	}
}

/* --- the model --- */

#define NO_FAULT	(~0ul)

static uint64_t model(const struct config *c, const struct target *t, enum access a, bool user)
{
	uint64_t all = t->upper & t->leaf, any = t->upper | t->leaf, fault;
	bool write = a == WRITE, fetch = a == FETCH, strict = user || c->wp;
	uint32_t key = t->leaf & PKEY ? c->pkru >> 2 & 3 : 0;

	fault = (write ? 2 : 0) | (user ? 4 : 0) | (fetch && (c->nxe || c->smep) ? 16 : 0);
	/* From the top: what is met first counts. */
	if ((t->upper & NX) && !c->nxe)
		return fault | 9;
	if (!(t->leaf & P))
		return fault;
	if (t->reserved || ((any & NX) && !c->nxe))
		return fault | 9;
	fault |= 1;
	if (user && !(all & U))
		return fault;
	if (fetch) {
		if ((any & NX) || (c->smep && !user && (all & U)))
			return fault;
		return NO_FAULT;
	}
	/* The key is told of whatever else is in the way. */
	if (c->pke && (all & U) && ((key & 1) || (write && (key & 2) && strict)))
		return fault | 32;
	if (write && !(all & W) && strict)
		return fault;
	if (!user && (all & U) && c->smap && !c->ac)
		return fault;
	return NO_FAULT;
}

/* --- the test --- */

/* What is wrong with the outcome, or NULL. */
static const char *judge(struct matrix *m, struct target *t, enum access a,
			 uint64_t want, uint64_t *got)
{
	struct kvm_run *run = m->pg.vcpu->run;
	uint8_t *page = target_page(m, t);
	uint64_t entry = pg_get(&m->pg, t->entry);
	struct kvm_sregs s;
	struct kvm_regs r;

	vcpu_regs(m->pg.vcpu, &r);
	*got = NO_FAULT;
	if (run->io.port == PG_FAULT) {
		*got = r.rbx & 0xffffffff;
		vcpu_sregs(m->pg.vcpu, &s);
		if (s.cr2 - (a == FETCH ? 0 : a + 1) != t->gva)
			return "another address";
	}
	/* Not every emulator says that what has a reserved bit set is present. */
	if (*got != want && !(want != NO_FAULT && (want & 8) && *got == (want & ~1ul)))
		return "another answer";
	if (want == NO_FAULT) {
		t->dirty |= a == WRITE;
		if (a == READ && (uint8_t)r.rbx != page[1])
			return "read something else";
		if (a == WRITE && page[2] != 0x5a)
			return "wrote elsewhere";
		if (!(entry & A))
			return "not marked accessed";
		if (a == WRITE && !(entry & D))
			return "not marked dirty";
	}
	return (entry & D) && !t->dirty ? "marked dirty without a write" : NULL;
}

static unsigned int try_one(struct matrix *m, const struct config *c,
			    struct target *t, enum access a, bool user)
{
	static const char *const names[] = { "read", "write", "fetch" };
	uint64_t want = model(c, t, a, user), got = 0;
	const char *why = "another exit";
	uint8_t *page = target_page(m, t);

	page[2] = 0;
	if (pg_access(&m->pg, c, a, user, t->gva) == KVM_EXIT_IO)
		why = judge(m, t, a, want, &got);
	else
		vcpu_describe_exit(m->pg.vcpu);
	if (!why)
		return 0;
	printf("# %s: %s's %s at %#lx, upper %#lx leaf %#lx entry %#lx, wp %d nxe %d smep %d smap %d ac %d pke %d pkru %x: want %#lx, got %#lx\n",
	       why, user ? "user" : "supervisor", names[a], t->gva, t->upper, t->leaf,
	       pg_get(&m->pg, t->entry), c->wp, c->nxe, c->smep, c->smap, c->ac, c->pke,
	       c->pkru, want, got);
	fflush(stdout);
	return 1;
}

static unsigned int try_all(struct matrix *m, const struct config *c)
{
	unsigned int i, failures = 0;
	int user;
	enum access a;

	if (c->pke)
		pg_wrpkru(&m->pg, c);
	/* SMAP is nothing to the user, but to an emulator that pushes frames as the supervisor. */
	for (user = 0; user < (c->smap ? 1 : 2); user++)
		for (a = 0; a < NR_ACCESS; a++)
			for (i = 0; i < m->nr && failures < 20; i++)
				failures += try_one(m, c, &m->targets[i], a, user);
	return failures;
}

FIXTURE_SETUP(modes)
{
	struct matrix *m = &self->m;
	struct vm *vm = vm_create();

	pg_create(&m->pg, vm, variant->levels, variant->pse);
	/* What PSE-36 reaches is the same memory, at 4 GiB. */
	vm_slot(vm, 1, 0, HIGH, 0x400000, vm_hva(vm, LARGE));
	fill_pages(m);
	add_small(m, AREA, large_size(m), 2);
	if (variant->levels > 3)
		add_small(m, FAR, 1ul << 30, 3);
	add_odd(m);
	if (variant->pse)
		add_large(m);
}

FIXTURE_TEARDOWN(modes)
{
	vm_free(self->m.pg.vm);
}

TEST_F(modes, every_access_is_as_the_model_says)
{
	struct vm *vm = self->m.pg.vm;
	bool smep = cpuid_bit(vm, 7, 1, 7), smap = cpuid_bit(vm, 7, 1, 20);
	bool pku = variant->levels > 3 && cpuid_bit(vm, 7, 2, 3);
	unsigned int n;

	if (variant->levels == 5 && !cpuid_bit(vm, 7, 2, 16))
		SKIP(return, "the CPU has no paging of five levels");
	for (n = 0; n < 128; n++) {
		struct config c = {
			.wp = n & 1, .nxe = n & 2, .smep = n & 4, .smap = n & 8, .ac = n & 16,
			.pke = n & 32, .pkru = n & 64 ? 8 : 4,
		};

		if ((c.smep && !smep) || (c.smap && !smap) || (c.nxe && variant->levels < 3) ||
		    (c.ac && !c.smap) || (c.pke && !pku) || (!c.pke && c.pkru == 8))
			continue;
		ASSERT_EQ(0, try_all(&self->m, &c));
	}
}

LODGE_TEST_MAIN(KVM_CAP_USER_MEMORY)
