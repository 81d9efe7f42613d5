/* SPDX-License-Identifier: Apache-2.0 */
/* The shared memory itself, and the notes a dying worker leaves in it. */
#include "board.h"

#include "clock.h"
#include "fnv.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Room for a signal frame with every vector register, and the few calls of the handler. */
#define FAULT_STACK_BYTES 32768
/* What a process that exits inside an op ends with. */
#define EXIT_IN_OP 70

static struct board_worker *watched;
static pid_t watched_pid;
static atomic_flag is_noted = ATOMIC_FLAG_INIT;
static _Thread_local struct breadcrumb crumb = { .instance = -1 };
/* The crumbs once more, where other threads can read them. */
static struct trail {
	_Atomic int instance;
	_Atomic(const char *) op;
	_Atomic int64_t since_ms;
} trails[BOARD_THREADS];
static _Atomic size_t n_trails;
static _Thread_local struct trail *trail;
static _Thread_local _Alignas(16) unsigned char fault_stack[FAULT_STACK_BYTES];

struct board *board_new(void)
{
	void *memory = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	return memory;
}

void board_free(struct board *board)
{
	if (board)
		(void)munmap(board, sizeof(*board)); /* its own mapping: cannot fail */
}

int board_find_instance(const struct board *board, const char *name)
{
	int n = atomic_load(&board->n_instances);

	for (int i = 0; i < n; i++) {
		if (strcmp(board->instances[i].name, name) == 0)
			return i;
	}
	return -1;
}

int board_instance(struct board *board, const char *name)
{
	int index = board_find_instance(board, name);
	int n = atomic_load(&board->n_instances);

	if (index >= 0)
		return index;
	if (n == BOARD_INSTANCES || strlen(name) >= BOARD_NAME_MAX)
		return -1;
	memcpy(board->instances[n].name, name, strlen(name) + 1);
	atomic_store(&board->n_instances, n + 1); /* after the name: readers see it whole */
	return n;
}

bool board_is_kept_out(const struct board *board, int index)
{
	bool is_out = atomic_load(&board->instances[index].is_quarantined) != 0;

	for (int i = 0; i < BOARD_WORKERS && !is_out; i++) {
		const struct board_worker *worker = &board->workers[i];

		is_out = atomic_load(&worker->state) == BOARD_SERVING &&
			 (atomic_load(&worker->unopened) >> index & 1);
	}
	return is_out;
}

/* A thread beyond the last trail is not looked after. */
static struct trail *own_trail(void)
{
	size_t index;

	if (trail)
		return trail;
	index = atomic_fetch_add(&n_trails, 1);
	if (index < BOARD_THREADS)
		trail = &trails[index];
	return trail;
}

/* The instance last, and none while the rest changes: a reader never joins two ops. */
static void lay(struct breadcrumb next)
{
	struct trail *own = own_trail();

	crumb = next;
	if (!own)
		return;
	atomic_store(&own->instance, -1);
	atomic_store(&own->op, next.op);
	atomic_store(&own->since_ms, next.since_ms);
	atomic_store(&own->instance, next.instance);
}

/* Names come from our own tables and the plugins', so nobody looks for two with one key. */
static uint64_t key_of(const char *const *parts)
{
	uint64_t key = FNV_NOTHING;

	for (; *parts; parts++)
		key = fnv_add(key, *parts);
	return key ? key : 1;
}

/* Whether this place is the key's: it was already, or was free and is now. */
static bool take_place(_Atomic uint64_t *place, uint64_t key)
{
	uint64_t present = 0;

	return atomic_compare_exchange_strong(place, &present, key) || present == key;
}

/* Workers race for a slot by its key alone. Who finds the key of its own name there may write the name
 * too: the same bytes, and nobody has to wait for a process that died before it did. */
int board_route(struct board *board, const char *method, const char *path)
{
	uint64_t key = key_of((const char *const[]){ method, " ", path, NULL });

	if (strlen(method) >= BOARD_METHOD_MAX || strlen(path) >= BOARD_PATH_MAX)
		return BOARD_NO_ROUTE;
	for (int i = 0; i < BOARD_NO_ROUTE; i++) {
		struct board_route_name *name = &board->route_names[i];

		if (!take_place(&name->key, key))
			continue;
		if (!atomic_load(&name->is_named)) {
			memcpy(name->method, method, strlen(method) + 1);
			memcpy(name->path, path, strlen(path) + 1);
			atomic_store(&name->is_named, 1); /* after the name: readers see it whole */
		}
		return i;
	}
	return BOARD_NO_ROUTE;
}

static void name_message(struct board_message *slot, const char *gateway, const char *country,
			 const char *template_name)
{
	if (atomic_load(&slot->is_named))
		return;
	memcpy(slot->gateway, gateway, strlen(gateway) + 1);
	memcpy(slot->country, country, strlen(country) + 1);
	memcpy(slot->template_name, template_name, strlen(template_name) + 1);
	atomic_store(&slot->is_named, 1); /* after the labels: readers see them whole */
}

struct board_message *board_message(struct board *board, const char *gateway, const char *country,
				    const char *template_name)
{
	struct board_message *other = &board->messages[BOARD_MESSAGE_OTHER];
	uint64_t key =
		key_of((const char *const[]){ gateway, " ", country, " ", template_name, NULL });

	if (strlen(gateway) <= BOARD_NAME_MAX && strlen(country) < sizeof(other->country) &&
	    strlen(template_name) <= BOARD_NAME_MAX)
		for (int i = 0; i < BOARD_MESSAGE_OTHER; i++) {
			struct board_message *slot = &board->messages[i];

			if (!take_place(&slot->key, key))
				continue;
			name_message(slot, gateway, country, template_name);
			return slot;
		}
	name_message(other, "other", "", "");
	return other;
}

struct breadcrumb breadcrumb_enter(int instance, const char *op)
{
	struct breadcrumb before = crumb;

	lay((struct breadcrumb){ instance, op, clock_mono_ms() });
	return before;
}

void breadcrumb_leave(struct breadcrumb before)
{
	lay(before);
}

enum board_thread breadcrumb_of_thread(size_t index, struct breadcrumb *out)
{
	const struct trail *of = &trails[index];
	int instance;

	if (index >= BOARD_THREADS || index >= atomic_load(&n_trails))
		return BOARD_ENDED;
	instance = atomic_load(&of->instance);
	*out = (struct breadcrumb){ instance, atomic_load(&of->op), atomic_load(&of->since_ms) };
	return instance < 0 || atomic_load(&of->instance) != instance ? BOARD_IDLE : BOARD_IN_OP;
}

/* Safe in a signal handler, so no library function for the text. */
void board_note_fault(struct board_worker *self, int32_t cause, int instance, const char *op)
{
	size_t len = 0;

	if (atomic_flag_test_and_set(&is_noted))
		return; /* the first fault is the cause, the others follow from it */
	for (; op && op[len] && len < sizeof(self->fault.op) - 1; len++)
		self->fault.op[len] = op[len];
	self->fault.op[len] = '\0';
	atomic_store(&self->fault.instance, instance);
	atomic_store(&self->fault.signal, cause);
}

/* A process forked by a plugin inherits the handlers; its end is not the worker's. */
static bool is_watched_process(void)
{
	return getpid() == watched_pid;
}

/* Runs with the default action restored and the signal not blocked, so raise ends the process. */
static void on_fault(int signal)
{
	if (is_watched_process())
		board_note_fault(watched, signal, crumb.instance, crumb.op);
	(void)raise(signal);
}

static void on_exit_inside_op(void)
{
	if (crumb.instance < 0 || !is_watched_process())
		return;
	board_note_fault(watched, -1, crumb.instance, crumb.op);
	_exit(EXIT_IN_OP);
}

void board_watch_faults(struct board_worker *self)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction action = { .sa_handler = on_fault,
				    .sa_flags = SA_ONSTACK | SA_NODEFER | (int)SA_RESETHAND };

	watched = self;
	watched_pid = getpid();
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		int rc = sigaction(fatal[i], &action, NULL);

		assert(rc == 0);
	}
	(void)atexit(on_exit_inside_op); /* without it an exit() blames nobody */
	board_watch_thread();
}

void board_watch_thread(void)
{
	stack_t stack = { .ss_sp = fault_stack, .ss_size = sizeof(fault_stack) };
	stack_t present;
	int rc = sigaltstack(NULL, &present);

	assert(rc == 0);
	if (!(present.ss_flags & SS_DISABLE))
		return; /* a sanitizer has given the thread one, and frees that at the end */
	rc = sigaltstack(&stack, NULL);
	assert(rc == 0);
}
