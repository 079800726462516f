/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "thread.h"

struct jobs {
	struct job *first, **last;
};

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

static void
jobs_init(struct jobs *jobs)
{
	jobs->first = NULL;
	jobs->last = &jobs->first;
}

static void
jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	*jobs->last = job;
	jobs->last = &job->next;
}

static struct job *
jobs_take(struct jobs *jobs)
{
	struct job *job = jobs->first;

	if (job == NULL)
		return NULL;
	jobs->first = job->next;
	if (jobs->first == NULL)
		jobs_init(jobs);
	return job;
}

/* NULL at the end. */
static struct job *
next_job(struct worker *worker)
{
	struct job *job;

	pthread_mutex_lock(&worker->lock);
	while (worker->waiting.first == NULL && !worker->stopping)
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
		jobs_add(&worker->finished, job);
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
	jobs_init(&worker->waiting);
	jobs_init(&worker->finished);
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
		jobs_add(&worker->waiting, job);
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
