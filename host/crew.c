/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include "checker.h"
#include "clock.h"
#include "log.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUARANTINE_KILLS 3
#define QUARANTINE_WINDOW_MS 60000
/* A few workers that die young are replaced at once, as after a bad request; then it slows down. */
#define QUICK_DEATH_MS 5000
#define QUICK_DEATHS_FREE 4
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000
/* A loop that turns beats once a second. */
#define SILENT_MS 10000

/* ---- Start ---- */

static int free_slot(const struct crew *crew)
{
	for (int i = 0; i < BOARD_WORKERS; i++) {
		if (crew->members[i].pid == 0)
			return i;
	}
	return -1;
}

_Noreturn static void be_worker(struct crew *crew, int slot, struct generation *generation,
				int ready_fd)
{
	struct worker_start start = { .snapshot = &generation->snapshot,
				      .board = crew->board,
				      .slot = slot,
				      .n_workers = (int)generation->n_workers,
				      .listeners = generation->listeners.items,
				      .n_listeners = generation->listeners.n_items,
				      .control_fd = crew->control_fd,
				      .order_pipe = crew->order_pipe,
				      .ready_pipe = ready_fd };
	char who[32];
	int status;

	checker_become_child(atomic_load(&crew->board->supervisor_pid), SIGTERM);
	for (int i = 0; i < BOARD_WORKERS; i++) {
		if (crew->members[i].pid > 0 && crew->members[i].ready_fd >= 0)
			(void)close(crew->members[i].ready_fd);
	}
	crew->leave_parent(crew->ctx, generation);
	(void)snprintf(who, sizeof(who), "worker %d", slot);
	log_init(who, (enum log_level)generation->settings.log.level);
	status = worker_run(&start);
	generation_free(generation);
	exit(status);
}

static void prepare_slot(struct board_worker *self, int generation)
{
	atomic_store(&self->unopened, 0);
	atomic_store(&self->fault.signal, 0);
	atomic_store(&self->fault.instance, -1);
	self->fault.op[0] = '\0';
	atomic_store(&self->generation, generation);
	atomic_store(&self->beat_ms, 0);
	atomic_store(&self->state, BOARD_STARTING);
}

static bool start_member(struct crew *crew, struct generation *generation)
{
	int slot = free_slot(crew);
	struct member *member;
	int ready[2];
	pid_t pid;

	if (slot < 0)
		return false; /* a draining generation will leave some */
	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) {
		log_error("no pipe for a worker: %s", strerror(errno));
		return false;
	}
	prepare_slot(&crew->board->workers[slot], generation->number);
	pid = fork();
	if (pid == 0)
		be_worker(crew, slot, generation, ready[1]);
	(void)close(ready[1]);
	if (pid < 0) {
		log_error("no process for a worker: %s", strerror(errno));
		(void)close(ready[0]);
		atomic_store(&crew->board->workers[slot].state, BOARD_FREE);
		return false;
	}
	member = &crew->members[slot];
	*member = (struct member){ .pid = pid,
				   .generation = generation,
				   .ready_fd = ready[0],
				   .start_ms = clock_mono_ms() };
	atomic_store(&crew->board->workers[slot].pid, pid);
	return true;
}

void crew_fill(struct crew *crew, struct generation *generation)
{
	while (!generation->is_leaving && clock_mono_ms() >= generation->next_start_ms &&
	       crew_count(crew, generation, false) < generation->n_workers) {
		if (!start_member(crew, generation)) {
			generation->next_start_ms = clock_mono_ms() + PAUSE_FIRST_MS;
			return;
		}
	}
}

bool crew_hear(struct crew *crew, int slot, struct err *err)
{
	struct member *member = &crew->members[slot];
	char text[ERR_MAX];
	ssize_t n = read(member->ready_fd, text, sizeof(text) - 1);

	(void)close(member->ready_fd);
	member->ready_fd = -1;
	member->is_ready = n == 1 && text[0] == WORKER_READY;
	if (member->is_ready)
		return true;
	text[n > 0 ? n : 0] = '\0';
	return err_set(err, "%s", n > 0 ? text : "a worker died before it served");
}

/* ---- End ---- */

void crew_end_silent(struct crew *crew)
{
	int64_t now_ms = clock_mono_ms();

	for (int slot = 0; slot < BOARD_WORKERS; slot++) {
		int64_t beat_ms = atomic_load(&crew->board->workers[slot].beat_ms);

		if (crew->members[slot].pid == 0 || beat_ms == 0 || now_ms - beat_ms < SILENT_MS)
			continue;
		log_error("worker %d (pid %d) has not turned its loop for %d s: it is killed", slot,
			  (int)crew->members[slot].pid, SILENT_MS / 1000);
		atomic_store(&crew->board->workers[slot].beat_ms, 0); /* said once */
		(void)kill(crew->members[slot].pid, SIGKILL);
	}
}

static void count_kill(struct crew *crew, int index)
{
	struct board_instance *instance = &crew->board->instances[index];
	int64_t now_ms = clock_mono_ms();
	bool is_often;

	is_often = atomic_load(&instance->n_kills) >= QUARANTINE_KILLS - 1 &&
		   now_ms - instance->kills_ms[1] < QUARANTINE_WINDOW_MS;
	instance->kills_ms[2] = instance->kills_ms[1];
	instance->kills_ms[1] = instance->kills_ms[0];
	instance->kills_ms[0] = now_ms;
	atomic_fetch_add(&instance->n_kills, 1);
	if (!is_often || atomic_exchange(&instance->is_quarantined, 1))
		return;
	log_error("[%s] ended %d workers within %d s: quarantined until it is resumed",
		  instance->name, QUARANTINE_KILLS, QUARANTINE_WINDOW_MS / 1000);
}

/* Other sections of the same plugin would end their workers by loading it as well. */
static void note_load(struct crew *crew, int slot, int index)
{
	struct board_instance *instance = &crew->board->instances[index];

	if (strcmp(crew->board->workers[slot].fault.op, "load") != 0 ||
	    !atomic_load(&instance->is_quarantined) || atomic_exchange(&instance->ends_at_load, 1))
		return;
	log_error(
		"[%s] ended them while its plugin was loaded: no section of that plugin is served "
		"by a new worker until this one is resumed",
		instance->name);
}

static const char *cause_text(int cause, int status)
{
	if (cause == -1)
		return "exit inside an op";
	if (cause == -2)
		return "an op that did not return";
	return WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "its own end";
}

/* Only the thread that faulted is asked; a worker killed from outside blames nobody. */
static void blame(struct crew *crew, int slot, int status)
{
	const struct member *member = &crew->members[slot];
	const struct board_fault *fault = &crew->board->workers[slot].fault;
	int cause = atomic_load(&fault->signal), index = atomic_load(&fault->instance);
	bool is_known = cause != 0 && index >= 0 && index < BOARD_INSTANCES;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if ((member->generation->is_leaving || member->is_retiring) && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGTERM)
		return; /* told to end before it could watch signals */
	log_error("worker %d (pid %d) ended: %s%s%s%s%s", slot, (int)member->pid,
		  cause_text(cause, status), is_known ? ", in [" : "",
		  is_known ? crew->board->instances[index].name : "", is_known ? "] " : "",
		  is_known ? fault->op : "");
	if (is_known && !member->is_retiring) {
		count_kill(crew, index);
		note_load(crew, slot, index);
	}
}

static void slow_down(struct generation *generation, int64_t lived_ms)
{
	int64_t pause = 0;

	generation->n_quick_deaths = lived_ms < QUICK_DEATH_MS ? generation->n_quick_deaths + 1 : 0;
	if (generation->n_quick_deaths > QUICK_DEATHS_FREE + 6)
		pause = PAUSE_MAX_MS;
	else if (generation->n_quick_deaths > QUICK_DEATHS_FREE)
		pause = (int64_t)PAUSE_FIRST_MS
			<< (generation->n_quick_deaths - QUICK_DEATHS_FREE - 1);
	generation->next_start_ms = clock_mono_ms() + pause;
}

static void release_slot(struct crew *crew, int slot)
{
	struct board_worker *self = &crew->board->workers[slot];
	struct member *member = &crew->members[slot];

	if (member->ready_fd >= 0)
		(void)close(member->ready_fd);
	*member = (struct member){ .ready_fd = -1 };
	for (size_t i = 0; i < BOARD_COUNTERS; i++)
		atomic_store(&self->gauges[i], 0);
	atomic_store(&self->pid, 0);
	atomic_store(&self->state, BOARD_FREE);
}

struct generation *crew_reap(struct crew *crew, bool *was_ready_out)
{
	for (int slot = 0; slot < BOARD_WORKERS; slot++) {
		struct member *member = &crew->members[slot];
		struct generation *generation = member->generation;
		int status = 0;

		if (member->pid == 0 || waitpid(member->pid, &status, WNOHANG) != member->pid)
			continue;
		blame(crew, slot, status);
		*was_ready_out = member->is_ready;
		if (!generation->is_leaving) {
			atomic_fetch_add(&crew->board->workers[slot].n_restarts, 1);
			slow_down(generation, clock_mono_ms() - member->start_ms);
		}
		release_slot(crew, slot);
		return generation;
	}
	return NULL;
}

void crew_retire(struct crew *crew, int slot)
{
	struct member *member;
	int index;

	if (slot < 0 || slot >= BOARD_WORKERS || crew->members[slot].pid == 0)
		return;
	member = &crew->members[slot];
	index = atomic_load(&crew->board->workers[slot].fault.instance);
	if (member->is_retiring || index < 0 || index >= BOARD_INSTANCES)
		return;
	member->is_retiring = true;
	count_kill(crew, index);
}

/* Those that began while it was in quarantine have not opened it, and no plugin is opened later. */
static void replace_without(struct crew *crew, int index)
{
	for (int slot = 0; slot < BOARD_WORKERS; slot++) {
		struct member *member = &crew->members[slot];
		uint64_t unopened = atomic_load(&crew->board->workers[slot].unopened);

		if (member->pid == 0 || member->is_retiring || !(unopened >> index & 1))
			continue;
		member->is_retiring = true;
		(void)kill(member->pid, SIGTERM);
	}
}

void crew_resume(struct crew *crew, const char *instance)
{
	int index = board_find_instance(crew->board, instance);

	if (index < 0)
		return;
	atomic_store(&crew->board->instances[index].n_kills, 0);
	atomic_store(&crew->board->instances[index].ends_at_load, 0);
	atomic_store(&crew->board->instances[index].is_quarantined, 0);
	log_info("[%s] resumed", instance);
	replace_without(crew, index);
}

void crew_signal(const struct crew *crew, const struct generation *generation, int signal)
{
	for (int i = 0; i < BOARD_WORKERS; i++) {
		if (crew->members[i].pid > 0 && crew->members[i].generation == generation)
			(void)kill(crew->members[i].pid, signal); /* ours until it is reaped */
	}
}

/* A retiring one does not count: it is being replaced. With generation NULL all of them count. */
size_t crew_count(const struct crew *crew, const struct generation *generation, bool only_ready)
{
	size_t n = 0;

	for (int i = 0; i < BOARD_WORKERS; i++) {
		const struct member *member = &crew->members[i];

		if (member->pid == 0 || (only_ready && !member->is_ready))
			continue;
		if (!generation || (member->generation == generation &&
				    (!member->is_retiring || generation->is_leaving)))
			n++;
	}
	return n;
}
