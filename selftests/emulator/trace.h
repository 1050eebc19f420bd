/* SPDX-License-Identifier: GPL-2.0 */
/* In place of the module's tracepoints: none. */
#ifndef LODGE_EMULATOR_TRACE_H
#define LODGE_EMULATOR_TRACE_H

enum { LODGE_ISA_VMX = 1, LODGE_ISA_SVM };
enum { LODGE_PIO_IN, LODGE_PIO_OUT };
enum { LODGE_MMIO_READ_UNSATISFIED, LODGE_MMIO_READ, LODGE_MMIO_WRITE };

static inline void trace_nothing(long first, ...)
{
}

#define trace_kvm_emulate_insn(...)	trace_nothing(0, __VA_ARGS__)
#define trace_kvm_pio(...)		trace_nothing(0, __VA_ARGS__)
#define trace_kvm_mmio(...)		trace_nothing(0, __VA_ARGS__)
#define trace_kvm_mmio_enabled()	false
#define trace_kvm_cr(...)		trace_nothing(0, __VA_ARGS__)
#define trace_kvm_msr(...)		trace_nothing(0, __VA_ARGS__)

#endif
