# SPDX-License-Identifier: GPL-2.0
#
# From two files of "NAME NUMBER", KVM's and Lodge's, the table of make bench.
# "goal" is the share of KVM's figure that is to be reached; HOST is the emulated host.

# On Intel's CPUs KVM has less to do at an exit than on AMD's.
function goal(name, amd)
{
	if (HOST != "intel")
		return amd
	if (name ~ /_user$/)
		return ".6"
	return amd == ".34" ? ".5" : amd
}

BEGIN {
	n = split("cpuid CPUID .34|vmcall VMCALL .5|vmmcall VMMCALL .5|" \
		  "in_kernel IN,_device_in_the_kernel .34|out_kernel OUT,_device_in_the_kernel .34|" \
		  "in_user IN,_device_in_user_space .5|mmio_user MMIO,_device_in_user_space .5|" \
		  "mmio_ioeventfd MMIO_to_an_ioeventfd .5|wrmsr_tsc_adjust WRMSR_TSC_ADJUST .34|" \
		  "eoi_write EOI_write_(xAPIC) .34|icr_write ICR_write_(xAPIC,_to_self) .5|" \
		  "self_ipi_sti_nop self-IPI,_sti;_nop .5|self_ipi_sti_hlt self-IPI,_sti;_hlt .5|" \
		  "tsc_deadline TSC_deadline,_arm_to_handler .5|fault_4k nested_fault,_4_KiB 1|" \
		  "fault_2m nested_fault,_2_MiB 1|vm_create_destroy VM_create,_run,_destroy 1|" \
		  "vm_memory_kib host_memory,_VM_and_one_vCPU_(KiB) .5|" \
		  "guest_boot guest_boot,_vCPU_to_init 1", rows, "|")
}
FNR == NR { kvm[$1] = $2; next }
{ lodge[$1] = $2 }
END {
	printf "%-36s %14s %14s %7s %6s\n", "instructions", "KVM", "Lodge", "ratio", "goal"
	for (i = 1; i <= n; i++) {
		split(rows[i], f, " ")
		gsub("_", " ", f[2])
		k = kvm[f[1]]
		l = lodge[f[1]]
		if (k == "" || l == "") {
			printf "%-36s %14s %14s\n", f[2], k == "" ? "-" : k, l == "" ? "-" : l
			continue
		}
		ratio = l / k
		share = goal(f[1], f[3])
		printf "%-36s %14.0f %14.0f %7.2f %6s%s\n", f[2], k, l, ratio, share,
		       ratio <= share + 0 ? "" : "  missed"
	}
}
