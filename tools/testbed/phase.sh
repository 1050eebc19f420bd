# SPDX-License-Identifier: GPL-2.0
#
# A line per phase of a longer run, with the time that it took.  Sourced.
#
#	phase TEXT	a phase begins
#	phase_done	it has ended: print its line
#
# A phase that fails leaves through the caller's "set -e" without its line; what
# it wrote to standard error is the message.

phase()
{
	phase_text=$1
	phase_start=$(date +%s%N)
}

phase_done()
{
	phase_ms=$((($(date +%s%N) - phase_start) / 1000000))
	printf '%5d.%d s  %s\n' $((phase_ms / 1000)) $((phase_ms % 1000 / 100)) "$phase_text"
}
