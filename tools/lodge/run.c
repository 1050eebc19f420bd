// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's life: load it, make its machine, run it, tell how it ended.
 *
 * Threads: this one, which waits for the end or a signal; one a vCPU; and the
 * console's two.  Signals that end the program are blocked in all of them and
 * read here from a descriptor, so that the terminal is given back in order.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "acpi.h"
#include "power.h"
#include "run.h"
#include "serial.h"
#include "terminal.h"
#include "vcpu.h"

struct machine {
	struct vm vm;
	struct console console;
	struct serial serial;
	struct power power;
	int signal_fd;
	int signal;		/* the one that ended the run, or 0 */
};

static void interrupt_handler(int signo)
{
	(void)signo;
}

/*
 * SIGPIPE is ignored: the console sees the error.  SIGTTOU and SIGTTIN would
 * stop a launcher in the background; blocked, they become errors or nothing.
 */
static int signals_take(struct machine *machine)
{
	static const int blocked[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTTOU, SIGTTIN, INTERRUPT_SIGNAL,
	};
	/* No SA_RESTART: it is to interrupt what the thread waits in. */
	struct sigaction interrupt = { .sa_handler = interrupt_handler };
	sigset_t set;

	sigaction(INTERRUPT_SIGNAL, &interrupt, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(blocked); i++)
		sigaddset(&set, blocked[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);

	sigdelset(&set, SIGTTOU);
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, INTERRUPT_SIGNAL);
	machine->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return machine->signal_fd < 0 ? complain("signalfd: %m") : 0;
}

static void wait_for_end(struct machine *machine)
{
	struct pollfd fds[] = {
		{ .fd = machine->vm.event_fd, .events = POLLIN },
		{ .fd = machine->signal_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	while (!vm_ended(&machine->vm)) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 || !fds[1].revents)
			continue;
		if (read(machine->signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		machine->signal = info.ssi_signo;
		vm_end(&machine->vm, OUTCOME_SIGNAL);
	}
}

/* Everything that runs, from its start to its end. */
static void machine_run(struct machine *machine)
{
	serial_init(&machine->serial, &machine->vm, &machine->console);
	console_init(&machine->console, &machine->vm, &machine->serial);
	power_add(&machine->power, &machine->vm);

	if (console_start(&machine->console) || vcpus_start(&machine->vm))
		vm_end(&machine->vm, OUTCOME_ENVIRONMENT);
	wait_for_end(machine);

	console_release(&machine->console);
	vcpus_stop(&machine->vm);
	console_stop(&machine->console);
	serial_destroy(&machine->serial);
}

static void outcome_report(enum outcome outcome)
{
	static const char *const words[] = {
		[OUTCOME_POWEROFF] = "the guest powered off",
		[OUTCOME_RESET] = "the guest asked for a reset",
		[OUTCOME_PANIC] = "the guest panicked",
		[OUTCOME_SHUTDOWN] = "the guest shut down by a triple fault",
		[OUTCOME_USER_QUIT] = "quit",
	};

	if (outcome < ARRAY_SIZE(words) && words[outcome])
		inform("%s", words[outcome]);
}

/* As the signal would have, had it not been taken. */
static void end_by_signal(int signo)
{
	sigset_t set;

	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	raise(signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int machine_create(struct machine *machine, const struct run_options *options)
{
	struct boot_request request = {
		.mem = &machine->vm.memory,
		.kernel = options->kernel,
		.initrd = options->initrd,
		.append = options->append,
	};
	struct boot boot;

	/* The files first: what is wrong with them is told without a node too. */
	machine->vm.cpus = options->cpus;
	if (guest_memory_create(&machine->vm.memory, options->memory) ||
	    kernel_load(&request, &boot))
		return -1;
	acpi_write(&machine->vm.memory, options->cpus);
	if (vm_create(&machine->vm, options->node))
		return -1;
	return vcpus_create(&machine->vm, &boot);
}

int run_guest(const struct run_options *options)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int ret = OUTCOME_ENVIRONMENT;

	if (!machine) {
		complain("out of memory");
		return ret;
	}
	vm_init(&machine->vm);
	machine->signal_fd = -1;
	if (!machine_create(machine, options) && !signals_take(machine)) {
		machine_run(machine);
		ret = machine->vm.outcome;
		outcome_report(ret);
	}
	vcpus_destroy(&machine->vm);
	vm_destroy(&machine->vm);
	if (machine->signal_fd >= 0)
		close(machine->signal_fd);
	if (ret == OUTCOME_SIGNAL)
		end_by_signal(machine->signal);
	free(machine);
	return ret;
}
