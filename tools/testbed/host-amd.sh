# SPDX-License-Identifier: GPL-2.0
#
# The emulated AMD host: QEMU's TCG, whose "max" CPU has SVM with nested paging.
# Sourced by ./host, whose variables it reads; provides
#
#	emulate_host	start the emulator in the background, set $emulator
#	default_*	of options
#	root, serial	how the host gets its root, and its channels
#
# The host's channels: ttyS0 is the kernel's console, kept in $run/console.
# The command's output is the virtio-serial port "output" (a console with a
# terminal, hvc0, for --tty), its exit status the port "status".

default_cpus=2 default_memory=4096 default_cpu_model=max
root=9p serial=

emulate_host()
{
	accel=tcg,thread=multi
	[ -z "$icount" ] || accel=tcg,thread=single

	set -- -accel "$accel" -cpu "$cpu_model,la57=off,npt=$npt" \
		-smp "$cpus" -m "$memory" \
		-kernel "$kernel" -initrd "$initrd" -append "$append" \
		-nodefaults -no-user-config -display none -no-reboot \
		-chardev file,id=console,path="$run/console" \
		-serial chardev:console \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-device virtio-serial-pci \
		-chardev file,id=status,path="$run/status" \
		-device virtserialport,nr=2,chardev=status,name=status
	[ -z "$icount" ] || set -- "$@" -icount shift=0,sleep=off

	if [ -n "$tty" ]; then
		# The guest's console within may use Ctrl-A itself: Ctrl-] here.
		set -- "$@" -echr 0x1d \
			-chardev stdio,id=output,mux=on,signal=off \
			-mon output -device virtconsole,nr=1,chardev=output
	else
		set -- "$@" -chardev file,id=output,path="$run/output" \
			-device virtserialport,nr=1,chardev=output,name=output
	fi

	# shellcheck disable=SC2086 # several options in one variable
	timeout --foreground --kill-after=5 "$timeout" \
		qemu-system-x86_64 "$@" $qemu_extra <&3 &
	emulator=$!
}
