/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which speculation controls this CPU has, and which of them a guest has by its
 * CPUID.  The MSRs themselves are the backends': they are switched with the guest.
 */
#ifndef LODGE_SPEC_CTRL_H
#define LODGE_SPEC_CTRL_H

#include "lodge.h"

/*
 * May IA32_SPEC_CTRL, IA32_PRED_CMD or IA32_FLUSH_CMD be written with @data?  @host: by
 * user space, which may set what the guest's CPUID does not show.
 */
bool lodge_spec_ctrl_valid(struct lodge_vcpu *vcpu, u64 data, bool host);
bool lodge_pred_cmd_valid(struct lodge_vcpu *vcpu, u64 data, bool host);
bool lodge_flush_cmd_valid(struct lodge_vcpu *vcpu, u64 data, bool host);

#endif
