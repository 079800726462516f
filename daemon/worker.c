/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "thread.h"

STAILQ_HEAD(jobs, job);

struct worker {
	pthread_t thread;
	void (*ready)(void *context);
	void *ready_context;

	pthread_mutex_t lock; /* of everything below; held for moments */
	pthread_cond_t submitted;
	struct jobs waiting;  /* for the thread */
	struct jobs finished; /* for the loop */
	bool stopping;
};

static struct job *
jobs_take(struct jobs *jobs)
{
	struct job *job = STAILQ_FIRST(jobs);

	if (job != NULL)
		STAILQ_REMOVE_HEAD(jobs, link);
	return job;
}

/* NULL at the end. */
static struct job *
next_job(struct worker *worker)
{
	struct job *job;

	pthread_mutex_lock(&worker->lock);
	while (STAILQ_EMPTY(&worker->waiting) && !worker->stopping)
		pthread_cond_wait(&worker->submitted, &worker->lock);
	job = worker->stopping ? NULL : jobs_take(&worker->waiting);
	pthread_mutex_unlock(&worker->lock);
	return job;
}

static void *
worker_thread(void *argument)
{
	struct worker *worker = argument;
	struct job *job;

	thread_lower();
	while ((job = next_job(worker)) != NULL) {
		job->run(job);
		pthread_mutex_lock(&worker->lock);
		STAILQ_INSERT_TAIL(&worker->finished, job, link);
		pthread_mutex_unlock(&worker->lock);
		worker->ready(worker->ready_context);
	}
	return NULL;
}

struct worker *
worker_start(void (*ready)(void *context), void *context)
{
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker == NULL) {
		log_error("out of memory");
		return NULL;
	}
	worker->ready = ready;
	worker->ready_context = context;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->submitted, NULL);
	STAILQ_INIT(&worker->waiting);
	STAILQ_INIT(&worker->finished);
	if (thread_start(&worker->thread, "worker", worker_thread, worker))
		return worker;
	worker_free(worker);
	return NULL;
}

void
worker_submit(struct worker *worker, struct job *job)
{
	bool stopping;

	pthread_mutex_lock(&worker->lock);
	stopping = worker->stopping;
	if (!stopping)
		STAILQ_INSERT_TAIL(&worker->waiting, job, link);
	pthread_cond_signal(&worker->submitted);
	pthread_mutex_unlock(&worker->lock);
	if (stopping)
		job->done(job, false);
}

void
worker_collect(struct worker *worker)
{
	struct job *job;

	do {
		pthread_mutex_lock(&worker->lock);
		job = jobs_take(&worker->finished);
		pthread_mutex_unlock(&worker->lock);
		if (job != NULL)
			job->done(job, true); /* may free it */
	} while (job != NULL);
}

void
worker_stop(struct worker *worker)
{
	struct job *job;

	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	pthread_cond_signal(&worker->submitted);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	worker_collect(worker);
	while ((job = jobs_take(&worker->waiting)) != NULL)
		job->done(job, false);
}

void
worker_free(struct worker *worker)
{
	pthread_cond_destroy(&worker->submitted);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}
