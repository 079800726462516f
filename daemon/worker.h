/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread for what takes long and touches nothing shared: the check of a
 * PIN takes some 100 ms and 64 MiB. One job at a time, in order.
 *
 * It is not the store's thread, so that a revocation never waits for somebody
 * else's PIN, however many are tried.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdbool.h>
#include <sys/queue.h>

/* The submitter allocates it and has it back when done() is called. */
struct job {
	STAILQ_ENTRY(job) link;
	void (*run)(struct job *job);            /* on the worker's thread */
	void (*done)(struct job *job, bool ran); /* on the loop's */
};

struct worker;

/*
 * ready is called on the worker's thread whenever worker_collect() has
 * something to collect: it may only wake the loop. NULL after logging.
 */
struct worker *worker_start(void (*ready)(void *context), void *context);
void worker_submit(struct worker *worker, struct job *job);
/* On the loop: calls done() of every job that has come back. */
void worker_collect(struct worker *worker);
/* Ends the job it is at and joins the thread. What has not been run comes
 * back, as all that is submitted from then on does, with ran false. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);

#endif
