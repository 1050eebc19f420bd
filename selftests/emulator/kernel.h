/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel that decoder and emulator see in a program: just what their sources and
 * the module's headers name.  It is included before anything else, and the kernel's own
 * headers are empty files in its place; locks are nothing, as there is one thread.
 */
#ifndef LODGE_EMULATOR_KERNEL_H
#define LODGE_EMULATOR_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;
typedef u64 gpa_t;
typedef unsigned long gva_t;
typedef u64 hpa_t;
typedef u64 gfn_t;
typedef u64 hva_t;
typedef u64 kvm_pfn_t;

#define __user
#define __rcu
#define __iomem
#define noinline		__attribute__((noinline))
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define __aligned(n)		__attribute__((aligned(n)))
#define fallthrough		__attribute__((fallthrough))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define static_assert(e, ...)	_Static_assert(e, #e)
#define WARN_ON_ONCE(condition)	({ bool w_ = (condition); if (w_) abort(); w_; })
#define READ_ONCE(x)		(*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

/* --- numbers --- */

#define BIT(n)			(1ul << (n))
#define BIT_ULL(n)		(1ull << (n))
#define GENMASK(h, l)		((~0ul << (l)) & (~0ul >> (63 - (h))))
#define GENMASK_ULL(h, l)	((~0ull << (l)) & (~0ull >> (63 - (h))))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define U8_MAX			((u8)~0)
#define U16_MAX			((u16)~0)
#define U32_MAX			((u32)~0)
#define min(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp_t(type, v, l, h)	min_t(type, max_t(type, v, l), h)
#define swap(a, b) do { __typeof__(a) t_ = (a); (a) = (b); (b) = t_; } while (0)
#define swab64(x)		__builtin_bswap64(x)
#define swab32(x)		__builtin_bswap32(x)
#define hweight8(x)		((unsigned int)__builtin_popcount((u8)(x)))
#define hweight64(x)		((unsigned int)__builtin_popcountll(x))
#define ilog2(x)		(63 - __builtin_clzll(x))
#define __ffs(x)		((unsigned long)__builtin_ctzl(x))
#define __ffs64(x)		((unsigned long)__builtin_ctzll(x))
#define __fls(x)		((unsigned long)(63 - __builtin_clzl(x)))
#define fls64(x)		((x) ? 64 - __builtin_clzll(x) : 0)

static inline s64 sign_extend64(u64 value, int index)
{
	int shift = 63 - index;

	return (s64)(value << shift) >> shift;
}

static inline bool test_bit(long nr, const unsigned long *p)
{
	return p[nr / 64] >> (nr % 64) & 1;
}

static inline void set_bit(long nr, unsigned long *p)
{
	p[nr / 64] |= BIT(nr % 64);
}

static inline void clear_bit(long nr, unsigned long *p)
{
	p[nr / 64] &= ~BIT(nr % 64);
}

/* --- memory --- */

#define PAGE_SHIFT		12
#define PAGE_SIZE		4096ul
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_OFFSET		(1ul << 63)
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)
#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, flags)	calloc(1, size)
#define kfree(p)		free(p)

static inline u64 __is_canonical_address(u64 address, u8 bits)
{
	return (u64)sign_extend64(address, bits - 1) == address;
}

/* A compare-and-exchange in guest memory: there is no other CPU. */
#define __try_cmpxchg_user(p, old, new, label) ({			\
	bool same_ = !memcmp(p, old, sizeof(*(p)));			\
	__typeof__(*(p)) new_ = (new);					\
	memcpy(same_ ? (void *)(p) : (void *)(old),			\
	       same_ ? (void *)&new_ : (void *)(p), sizeof(*(p)));	\
	!same_;								\
})
#define __try_cmpxchg128_user(p, old, new) ({				\
	bool same_ = !memcmp(p, old, 16);				\
	memcpy(same_ ? (void *)(p) : (void *)(old),			\
	       same_ ? (const void *)(new) : (void *)(p), 16);		\
	!same_;								\
})

/* --- one thread, which nothing interrupts --- */

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { } spinlock_t, raw_spinlock_t, seqcount_raw_spinlock_t, refcount_t, sigset_t_;
struct page;
struct file;
struct inode;
struct vm_area_struct;
struct mutex { };
struct srcu_struct { };
struct rcuwait { };
struct xarray { };
struct preempt_notifier { };
struct mmu_notifier { };
struct hrtimer { };
struct fpu_guest { };
struct rb_node { };
struct rb_root { };
struct rb_root_cached { };
struct interval_tree_node { };
struct list_head { struct list_head *next, *prev; };
struct hlist_head { void *first; };
typedef struct { unsigned long bits; } sigset_kernel_t;
#define sigset_t		sigset_kernel_t

#define DECLARE_PER_CPU(type, name)	extern type name
#define atomic_read(p)			READ_ONCE((p)->counter)
#define atomic_read_acquire(p)		READ_ONCE((p)->counter)
/* There is one thread. */
#define smp_load_acquire(p)		READ_ONCE(*(p))
#define rcu_access_pointer(p)		(p)
#define srcu_dereference_check(p, s, c)	(p)
#define array_index_nospec(i, n)	(i)
#define xa_load(x, i)			NULL
/* Now and then, so that no string instruction goes on for ever. */
bool need_resched(void);
#define signal_pending(task)		false
#define current				NULL
#define rdtsc()				0ull

/* Calls to the backend are calls of functions of this name. */
#define DECLARE_STATIC_CALL(name, func)	extern __typeof__(func) call_##name
#define static_call(name)		call_##name

#define module_param(name, type, mode)	/* none is set */
#define MODULE_PARM_DESC(name, text)

/* --- the CPU's bits --- */

#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

extern struct { unsigned int x86_vendor; } boot_cpu_data;
enum { X86_VENDOR_AMD, X86_VENDOR_HYGON };

/* What kmod/compat.h includes is no program's; nothing of it is used. */
#define LODGE_COMPAT_H

#endif
