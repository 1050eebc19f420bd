#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The launcher's claims about what goes wrong: every error is one line that
# says so, with the documented exit status, and every way for a guest to end
# has a status of its own.
#
# LODGE is the launcher.  LODGE_DEV is the node for the tests that run a guest;
# without one that exists they are skipped.

set -u

here=$(cd "$(dirname "$0")" && pwd)
LODGE=${LODGE:-$here/../../.build/lodge}
NODE=${LODGE_DEV:-/dev/lodge}
LIMIT=60

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

count=0
failures=0

result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count $2"
	else
		failures=$((failures + 1))
		echo "not ok $count $2"
	fi
}

skip()
{
	count=$((count + 1))
	echo "ok $count $1 # SKIP $2"
}

# What of a run that did not go as said is worth reading.
show()
{
	echo "# exit status $1"
	sed 's/^/# /' "$work/err"
}

# error NAME STATUS PATTERN ARGUMENT...: fails with that status and exactly one
# line on standard error, which matches.
error()
{
	name=$1 want=$2 pattern=$3
	shift 3
	timeout $LIMIT "$LODGE" "$@" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	if [ $status = "$want" ] && [ "$(wc -l <"$work/err")" = 1 ] &&
	   grep -q "^lodge: .*$pattern" "$work/err" && [ ! -s "$work/out" ]; then
		result 0 "$name"
	else
		show $status
		result 1 "$name"
	fi
}

# guest NAME STATUS PATTERN KERNEL [ARGUMENT...]: the guest runs and ends so.
guest()
{
	name=$1 want=$2 pattern=$3 kernel=$4
	shift 4
	if [ ! -e "$NODE" ]; then
		skip "$name" "no $NODE"
		return
	fi
	timeout $LIMIT "$LODGE" run --dev "$NODE" --kernel "$kernel" --memory 16M "$@" \
		</dev/null >"$work/out" 2>"$work/err"
	status=$?
	if [ $status = "$want" ] && grep -q "$pattern" "$work/err"; then
		result 0 "$name"
	else
		show $status
		result 1 "$name"
	fi
}

# elf FILE CODE: a 4 KiB ELF kernel for 1 MiB, whose code (octal, for printf) is
# entered in long mode.
elf()
{
	{
		printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0'
		printf '\2\0\76\0\1\0\0\0\170\0\20\0\0\0\0\0\100\0\0\0\0\0\0\0'
		printf '\0\0\0\0\0\0\0\0\0\0\0\0\100\0\70\0\1\0\0\0\0\0\0\0'
		printf '\1\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\20\0\0\0\0\0'
		printf '\0\0\20\0\0\0\0\0\0\20\0\0\0\0\0\0\0\20\0\0\0\0\0\0'
		printf '\0\20\0\0\0\0\0\0'
		# shellcheck disable=SC2059
		printf "$2"
	} >"$1"
	truncate -s 4096 "$1"
}

# poke FILE OFFSET BYTES
poke()
{
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek="$(($2))" conv=notrunc status=none
}

# bzimage FILE: the header of boot protocol 2.15, with one sector of setup and
# 4 KiB of kernel, that wants 8 MiB from 1 MiB on.
bzimage()
{
	truncate -s 5120 "$1"
	poke "$1" 0x1f1 '\1'			# setup_sects
	poke "$1" 0x1f4 '\0\1\0\0'		# syssize
	poke "$1" 0x1fe '\125\252\353\146HdrS'	# boot_flag, jump, header
	poke "$1" 0x206 '\17\2'			# version
	poke "$1" 0x211 '\1'			# loadflags: LOADED_HIGH
	poke "$1" 0x22c '\377\377\377\177'	# initrd_addr_max
	poke "$1" 0x230 '\0\0\20\0\1'		# kernel_alignment, relocatable
	poke "$1" 0x236 '\1\0\377\7\0\0'	# xloadflags: 64-bit; cmdline_size
	poke "$1" 0x258 '\0\0\20\0\0\0\0\0'	# pref_address
	poke "$1" 0x260 '\0\0\200\0'		# init_size
}

# variant NEW OFFSET BYTES: a copy of the good bzImage with a change.
variant()
{
	cp "$work/bzimage" "$work/$1"
	poke "$work/$1" "$2" "$3"
}

echo "TAP version 13"
elf "$work/good" '\364\353\375'
bzimage "$work/bzimage"
none=$work/none

# Usage.
error "an unknown command" 2 "unknown command" fly
error "no kernel given" 2 "no kernel" run
error "an unknown option" 2 "bogus" run --bogus
error "an option without its value" 2 "kernel" run --kernel
error "an argument too many" 2 "unexpected argument" run --kernel "$work/good" more
error "memory that is no size" 2 "not a size" run --kernel "$work/good" --memory lots
error "a negative size" 2 "not a size" run --kernel "$work/good" --memory -1M
error "a size with rubbish behind" 2 "not a size" run --kernel "$work/good" --memory 1Mx
error "a size past 64 bits" 2 "not a size" run --kernel "$work/good" --memory 99999999999T
error "a size past the address space" 2 "out of range" run --kernel "$work/good" --memory 9999T
error "no memory" 2 "out of range" run --kernel "$work/good" --memory 0
error "no CPUs" 2 "give 1 to" run --kernel "$work/good" --cpus 0
error "too many CPUs" 2 "give 1 to" run --kernel "$work/good" --cpus 255
error "CPUs that are no number" 2 "not a number" run --kernel "$work/good" --cpus two

# Files that are no kernel.
error "a missing kernel" 1 "No such file" run --kernel "$none"
error "a directory for a kernel" 1 "not a regular file" run --kernel "$work"
mkfifo "$work/fifo"
error "a FIFO for a kernel" 1 "not a regular file" run --kernel "$work/fifo"
: >"$work/empty"
error "an empty kernel" 1 "empty" run --kernel "$work/empty"
echo hello >"$work/text"
error "a short text for a kernel" 1 "not a kernel" run --kernel "$work/text"
head -c 100000 /dev/zero >"$work/zero"
error "zeroes for a kernel" 1 "not a kernel" run --kernel "$work/zero"

# Broken bzImages.
head -c 800 "$work/bzimage" >"$work/cut"
error "a bzImage cut in its setup code" 1 "truncated" run --kernel "$work/cut"
head -c 600 "$work/bzimage" >"$work/cut-header"
error "a bzImage cut in its header" 1 "not a kernel" run --kernel "$work/cut-header"
variant syssize 0x1f4 '\377\377\377\377'
error "a bzImage of 64 GiB by its header" 1 "truncated" run --kernel "$work/syssize"
variant syssize-0 0x1f4 '\0\0\0\0'
error "a bzImage without a kernel" 1 "no kernel size" run --kernel "$work/syssize-0"
variant sects 0x1f1 '\377'
error "a bzImage with setup code past its end" 1 "truncated" run --kernel "$work/sects"
variant old 0x206 '\1\2'
error "an old boot protocol" 1 "64-bit" run --kernel "$work/old"
variant code32 0x236 '\0'
error "a 32-bit kernel" 1 "64-bit" run --kernel "$work/code32"
variant zimage 0x211 '\0'
error "a zImage" 1 "zImage" run --kernel "$work/zimage"
variant init 0x260 '\377\377\377\377'
error "an init_size of 4 GiB" 1 "impossible memory" run --kernel "$work/init"
variant pref 0x258 '\377\377\377\377\377\377\377\377'
error "a preferred address at the end of all" 1 "impossible memory" run --kernel "$work/pref"
variant pref-0 0x258 '\0\0\0\0\0\0\0\0'
poke "$work/pref-0" 0x234 '\0'
error "a kernel that must run at 0" 1 "impossible memory" run --kernel "$work/pref-0"
error "too little memory for a kernel" 1 "give more" run --kernel "$work/bzimage" --memory 8M
error "too little memory for any" 1 "too little" run --kernel "$work/bzimage" --memory 1M
error "a command line past cmdline_size" 1 "characters" \
	run --kernel "$work/bzimage" --append "$(head -c 2048 /dev/zero | tr '\0' a)"

# Broken ELF files.
head -c 60 "$work/good" >"$work/elf-cut"
error "an ELF file cut in its header" 1 "ELF" run --kernel "$work/elf-cut"
head -c 100 "$work/good" >"$work/elf-cut2"
error "an ELF file cut in its program header" 1 "kernel" run --kernel "$work/elf-cut2"
head -c 2000 "$work/good" >"$work/elf-cut3"
error "an ELF file cut in its segment" 1 "truncated" run --kernel "$work/elf-cut3"
error "a program for a kernel" 1 "ELF file" run --kernel /bin/sh
cp "$work/good" "$work/elf-arm"
poke "$work/elf-arm" 18 '\267'
error "an ELF file for another CPU" 1 "not for x86-64" run --kernel "$work/elf-arm"
cp "$work/good" "$work/elf-high"
poke "$work/elf-high" $((64 + 24)) '\0\0\0\0\377\377\377\377'
error "a segment past all memory" 1 "do not fit" run --kernel "$work/elf-high"
cp "$work/good" "$work/elf-wrap"
poke "$work/elf-wrap" $((64 + 24)) '\0\360\377\377\377\377\377\377'
error "a segment that wraps around" 1 "do not fit" run --kernel "$work/elf-wrap"
cp "$work/good" "$work/elf-low"
poke "$work/elf-low" $((64 + 24)) '\0\0\0\0'
error "a segment over the boot data" 1 "does not fit" run --kernel "$work/elf-low"
cp "$work/good" "$work/elf-filesz"
poke "$work/elf-filesz" $((64 + 40)) '\1\0'
error "a segment larger than its memory" 1 "larger in the file" run --kernel "$work/elf-filesz"
cp "$work/good" "$work/elf-entry"
poke "$work/elf-entry" 24 '\0\0\0\1'
error "an entry point outside" 1 "entry point" run --kernel "$work/elf-entry"

# Initial RAM disks.
error "a missing initrd" 1 "No such file" run --kernel "$work/good" --initrd "$none"
error "an empty initrd" 1 "empty" run --kernel "$work/good" --initrd "$work/empty"
truncate -s 64M "$work/large"
error "an initrd larger than memory" 1 "do not fit" \
	run --kernel "$work/good" --initrd "$work/large" --memory 32M
truncate -s 8T "$work/huge" 2>/dev/null &&
	error "an initrd of 8 TiB" 1 "do not fit" run --kernel "$work/good" --initrd "$work/huge"

# Nodes.
error "a missing node" 1 "does not exist; load the module" \
	run --kernel "$work/good" --dev "$none"
error "a device that is no hypervisor" 1 "not a hypervisor" \
	run --kernel "$work/good" --dev /dev/null
: >"$work/locked"
chmod 000 "$work/locked"
if [ "$(id -u)" != 0 ]; then
	error "a node without permission" 1 "no permission; join its group" \
		run --kernel "$work/good" --dev "$work/locked"
elif setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$LODGE" 2>/dev/null; then
	cat >"$work/as-nobody" <<-EOT
		#!/bin/sh
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$LODGE" "\$@"
	EOT
	chmod 755 "$work/as-nobody"
	launcher=$LODGE
	LODGE=$work/as-nobody
	error "a node without permission" 1 "no permission; join its group" \
		run --kernel "$work/good" --dev "$work/locked"
	LODGE=$launcher
else
	skip "a node without permission" "the launcher is out of reach of an unprivileged user"
fi

# A closed standard output.
timeout $LIMIT "$LODGE" run --kernel "$work/good" </dev/null >&- 2>"$work/err"
status=$?
[ $status = 1 ] && grep -q "standard output is closed" "$work/err"
result $? "a closed standard output"

# How a guest ends.  Each is a few instructions, and halts if that was not enough.
halt='\364\353\375'
elf "$work/poweroff" "\146\272\004\006\146\270\000\064\146\357$halt"
guest "poweroff by the PM1a control register" 0 "powered off" "$work/poweroff"
elf "$work/reset" "\146\272\371\014\260\006\356$halt"
guest "reset by port 0xcf9" 3 "reset" "$work/reset"
elf "$work/reset-8042" "\260\376\346\144$halt"
guest "reset by the 8042" 3 "reset" "$work/reset-8042"
elf "$work/panic" "\146\272\005\005\260\001\356$halt"
guest "a panic by pvpanic" 4 "panicked" "$work/panic"
elf "$work/triple" "\017\013$halt"
guest "a triple fault" 5 "triple fault" "$work/triple"
# jmp to 0xd0000000, which is no memory
elf "$work/nowhere" "\270\000\000\000\320\377\340$halt"
guest "a jump into nothing" 7 "the hypervisor failed" "$work/nowhere"

# ecx = 90000; dx = 0x3f8; al = 'A'; 1: out; dec ecx; jnz 1b; poweroff: more
# characters than a pipe and the launcher's own queue hold together
elf "$work/print" "\271\220\137\001\000\146\272\370\003\260\101\356\377\311\165\373\146\272\004\006\146\270\000\064\146\357$halt"
if [ -e "$NODE" ]; then
	{
		timeout $LIMIT "$LODGE" run --dev "$NODE" --kernel "$work/print" \
			--memory 16M </dev/null 2>"$work/err"
		echo $? >"$work/status"
	} | { sleep 1; wc -c; } >"$work/out"
	if [ "$(cat "$work/out")" = 90000 ] && [ "$(cat "$work/status")" = 0 ]; then
		result 0 "a slow reader gets every byte of the console"
	else
		show "$(cat "$work/status"), bytes $(cat "$work/out")"
		result 1 "a slow reader gets every byte of the console"
	fi

	elf "$work/endless" "\146\272\370\003\260\101\356\353\375"
	{
		timeout $LIMIT "$LODGE" run --dev "$NODE" --kernel "$work/endless" \
			--memory 16M </dev/null 2>"$work/err"
		echo $? >"$work/status"
	} | head -c 10 >"$work/out"
	[ "$(cat "$work/status")" = 1 ] && grep -q "standard output" "$work/err"
	result $? "a reader that leaves stops the guest"

	elf "$work/spin" '\353\376'
	for signal in 1:HUP 2:INT 15:TERM; do
		timeout -s "${signal#*:}" --preserve-status 2 "$LODGE" run --dev "$NODE" \
			--kernel "$work/spin" --memory 16M --cpus 2 </dev/null \
			>/dev/null 2>"$work/err"
		[ $? = $((128 + ${signal%:*})) ]
		result $? "SIG${signal#*:} stops a guest and ends the launcher"
	done
else
	skip "a slow reader gets every byte of the console" "no $NODE"
	skip "a reader that leaves stops the guest" "no $NODE"
fi

echo "1..$count"
[ $failures = 0 ]
