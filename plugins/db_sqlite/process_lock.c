/* SPDX-License-Identifier: Apache-2.0 */
#include "process_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x70696e746c65314c)

/* Who wants held waits in line for next first: a process that has just given held back would
 * otherwise take it again before the one it woke is running. */
struct process_lock_shared {
	uint64_t magic;
	pthread_mutex_t next, held;
};

static void make_mutexes(struct process_lock_shared *shared)
{
	pthread_mutexattr_t attr;

	memset(shared, 0, sizeof(*shared));
	(void)pthread_mutexattr_init(&attr); /* none of these fail on Linux */
	(void)pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&shared->next, &attr);
	(void)pthread_mutex_init(&shared->held, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	shared->magic = MAGIC;
}

/* Every user keeps a shared lock on the file. Whoever gets it alone starts afresh: what the file says
 * may be from before a crash of the machine, held by nobody who lives. */
static bool join(struct process_lock *lock)
{
	bool is_alone = flock(lock->fd, LOCK_EX | LOCK_NB) == 0;
	void *map;

	if (!is_alone && flock(lock->fd, LOCK_SH) != 0)
		return false;
	if (is_alone && ftruncate(lock->fd, sizeof(*lock->shared)) != 0)
		return false;
	map = mmap(NULL, sizeof(*lock->shared), PROT_READ | PROT_WRITE, MAP_SHARED, lock->fd, 0);
	if (map == MAP_FAILED)
		return false;
	lock->shared = map;
	if (is_alone)
		make_mutexes(lock->shared);
	return lock->shared->magic == MAGIC && flock(lock->fd, LOCK_SH) == 0;
}

int32_t process_lock_open(struct process_lock *lock, struct site *site)
{
	char path[PATH_MAX];

	if (!site_beside(site, "-writers", path))
		return PINTLE_UNAVAILABLE;
	lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock->fd < 0) {
		site_fault(site, "cannot open %s: %s", path, strerror(errno));
		return PINTLE_UNAVAILABLE;
	}
	if (join(lock))
		return PINTLE_OK;
	site_fault(site, "cannot share %s with the other workers", path);
	process_lock_close(lock);
	return PINTLE_UNAVAILABLE;
}

void process_lock_close(struct process_lock *lock)
{
	if (lock->shared)
		(void)munmap(lock->shared, sizeof(*lock->shared));
	if (lock->fd > 0)
		close(lock->fd);
	*lock = (struct process_lock){ 0 };
}

#ifdef __SANITIZE_THREAD__
/* ThreadSanitizer of gcc 12 does not see pthread_mutex_clocklock. */
static int lock_until(pthread_mutex_t *mutex, const struct timespec *until)
{
	struct timespec now;
	int rc;

	while ((rc = pthread_mutex_trylock(mutex)) == EBUSY) {
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > until->tv_sec)
			return ETIMEDOUT;
		(void)usleep(100);
	}
	return rc;
}
#else
static int lock_until(pthread_mutex_t *mutex, const struct timespec *until)
{
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, until);
}
#endif

static int32_t take(pthread_mutex_t *mutex, const struct timespec *until)
{
	int rc = lock_until(mutex, until);

	if (rc == EOWNERDEAD)
		rc = pthread_mutex_consistent(mutex); /* SQLite undoes what the dead one left */
	if (rc == 0)
		return PINTLE_OK;
	return rc == ETIMEDOUT ? PINTLE_TIMEOUT : PINTLE_UNAVAILABLE;
}

int32_t process_lock_take(struct process_lock *lock, int64_t deadline_ms)
{
	struct timespec until = site_timespec(deadline_ms);
	int32_t status = take(&lock->shared->next, &until);

	if (status != PINTLE_OK)
		return status;
	status = take(&lock->shared->held, &until);
	(void)pthread_mutex_unlock(&lock->shared->next);
	return status;
}

void process_lock_give(struct process_lock *lock)
{
	(void)pthread_mutex_unlock(&lock->shared->held);
}
