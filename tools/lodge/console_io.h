/* SPDX-License-Identifier: GPL-2.0 */
/* The console's two threads; the argument is the struct console. */
#ifndef LODGE_CONSOLE_IO_H
#define LODGE_CONSOLE_IO_H

void *console_output_thread(void *opaque);
void *console_input_thread(void *opaque);

#endif
