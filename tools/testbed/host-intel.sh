# SPDX-License-Identifier: GPL-2.0
#
# The emulated Intel host: Bochs, whose CPU models have VMX with EPT.  Sourced by
# ./host, whose variables it reads; provides
#
#	emulate_host	start the emulator in the background, set $emulator
#	default_*	of options
#	root, serial	how the host gets its root, and its channels
#
# Bochs has neither a kernel loader nor a shared file system.  Its four disks:
#
#	1	./host-boot.S, which loads the kernel; its parameters
#	2	kernel, uncompressed, and initramfs
#	3	what is installed: ./host-disk
#	4	what is built: the repository, without its history, and $O
#
# Its time is instructions: one is one tick of the TSC, and $ips of them are a
# second to every other clock.  The CPU models' CPUID gives the speed of the real
# part instead, so the kernel is told.  It also gives the wrong size for compacted
# XSAVE areas, for which the kernel would give up XSAVE altogether.
#
# The host's channels: ttyS0 is the kernel's console, kept in $run/console; ttyS1
# the command's output (a terminal, for --tty), ttyS2 its exit status.

default_cpus=1 default_memory=2048 default_cpu_model=corei7_skylake_x
root=disks serial=1
ips=100000000

# Disk 2: the kernel as it lies in memory, then the initramfs.
boot_disk()
{
	vmlinux=$("$here/host-kernel" "$kernel")
	boot_disk=$vmlinux-boot
	sectors=$boot_disk.sectors
	if [ ! "$boot_disk" -nt "$vmlinux" ] || [ ! "$boot_disk" -nt "$initrd" ]; then
		new=$(mktemp "$boot_disk.XXXXXX")
		# .init.scratch is for the decompressor.
		objcopy -R .init.scratch -O binary "$vmlinux" "$new"
		truncate -s %512 "$new"
		echo $(($(stat -c %s "$new") / 512)) >"$new.sectors"
		cat "$initrd" >>"$new"
		disk_pad "$new"
		mv "$new.sectors" "$sectors"
		mv "$new" "$boot_disk"
	fi
	read -r kernel_sectors <"$sectors"
}

# Disk 1.
boot_sector()
{
	printf %s "$append" >"$run/cmdline"
	ln -s "$kernel" "$run/vmlinuz"
	initrd_size=$(stat -c %s "$initrd")
	as --32 -I "$run" -o "$run/boot.o" \
		--defsym KERNEL_ADDR=0x1000000 --defsym KERNEL_SECTORS="$kernel_sectors" \
		--defsym INITRD_SECTORS=$(((initrd_size + 511) / 512)) \
		--defsym INITRD_SIZE="$initrd_size" "$here/host-boot.S"
	ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o "$run/boot" "$run/boot.o"
	disk_pad "$run/boot"
}

# Disk 4: paths as they are on the building machine.
tree_disk()
{
	top=$(cd "$here/../.." && pwd)
	mkdir "$run/tree"
	{
		cd "$top" && find "$top" \( -path "$top/.git" -o -path "$O" \) -prune -o -print
		find "$O" \( -path "$O/testbed/*.ext4" -o -path "$O/testbed/vmlinux-*-boot*" -o \
			-path "$O/testbed/run.*" -o -path "$O/testbed/host-initramfs*" -o \
			-name '*.o' -o -name '*.cmd' \) -prune -o -print
		printf '%s\n' "$run/command" "$run/settings"
		for path in $copy; do
			find "$path"
		done
	} | sort -u | sed 's,^/,,' |
		tar -c -C / --no-recursion -T - | tar -x -C "$run/tree" --no-same-owner
	mkdir -p "$run/tree/$PWD"
	disk_image "$run/tree" "$run/disk4" built
	rm -rf "$run/tree"
}

# A link in the run's own directory, as the emulator leaves a lock beside a disk.
disk()
{
	echo "$1: type=disk, path=$run/$2, mode=${3:-volatile}"
}

configuration()
{
	# Every nested page fault is an "error", too: only where somebody asked.
	errors=ignore
	[ -z "$emulator_log" ] || errors=report
	cat <<CONFIG
config_interface: textconfig
display_library: rfb, options="timeout=0"
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1, iodebug=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
memory: guest=$memory, host=$memory
cpu: model=$cpu_model, count=$cpus, ips=$ips, reset_on_triple_fault=0, ignore_bad_msrs=1
clock: sync=none
boot: disk
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
$(disk ata0-master boot)
$(disk ata0-slave disk2)
$(disk ata1-master disk3)
$(disk ata1-slave disk4)
com1: enabled=1, mode=file, dev=$run/console
com2: enabled=1, mode=$1, dev=$2
com3: enabled=1, mode=file, dev=$run/status
log: $run/emulator.log
panic: action=fatal
error: action=$errors
info: action=report
debug: action=ignore
CONFIG
}

emulate_host()
{
	. "$here/disk-image.sh"
	append="$append reboot=t tsc_early_khz=$((ips / 1000)) cryptomgr.notests \
		clearcpuid=xsavec,xsaves"
	boot_disk
	boot_sector
	tree_disk
	ln -s "$boot_disk" "$run/disk2"
	ln -s "$("$here/host-disk" "$version" "$modules")" "$run/disk3"
	if [ -n "$tty" ]; then
		configuration term "$(tty <&3)"
	else
		configuration file "$run/output"
	fi >"$run/bochsrc"
	echo c >"$run/debugger"

	timeout --foreground --kill-after=5 "$timeout" \
		bochs-bin -q -f "$run/bochsrc" -rc "$run/debugger" \
		</dev/null >"$run/emulator.out" 2>&1 &
	emulator=$!
}
