/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notification protocol of sd_notify(3): a datagram to $NOTIFY_SOCKET (a
 * path, or an abstract name after '@'). Does nothing where it is not set.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* state: "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=...",
 * "WATCHDOG=1", "STATUS=...". Failures are ignored: nobody could act on it. */
void notify(const char *state);

/* Half of WATCHDOG_USEC in milliseconds if it is meant for this process
 * (WATCHDOG_PID), else 0: how often to send WATCHDOG=1. */
unsigned notify_watchdog_ms(void);

#endif
