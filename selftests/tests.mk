# SPDX-License-Identifier: GPL-2.0
# The programs, in the order in which they are run: what the later ones rest
# on comes first.
TESTS := exit_io
