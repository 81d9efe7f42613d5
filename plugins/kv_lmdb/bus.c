/* SPDX-License-Identifier: Apache-2.0 */
#include "bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define QUIET_MS 1000
#define BUFFER_LEN (sizeof(uint16_t) + PINTLE_KV_KEY_MAX + PINTLE_KV_VALUE_MAX)
#define MAX_A_WAKE 64 /* then the rest of the loop has its turn */

/* Instead of the length of a channel's name: messages were dropped. */
#define MISSED UINT16_MAX
#define MAKE_UP_MS 100

struct bus_channel {
	struct bus_channel *next;
	pintle_kv_message *message;
	void *ctx;
	char name[PINTLE_KV_KEY_MAX + 1];
};

static void fault(struct bus *bus, const char *what, const char *name)
{
	int64_t now = bus->host->mono_ms();
	int64_t until = atomic_load(&bus->quiet_until_ms);
	char text[PATH_MAX + 128];

	if (now < until ||
	    !atomic_compare_exchange_strong(&bus->quiet_until_ms, &until, now + QUIET_MS))
		return;
	(void)snprintf(text, sizeof(text), "bus %s %s: %s", bus->path, name, what);
	bus->host->log(bus->inst, PINTLE_LOG_WARN, text);
}

void bus_init(struct bus *bus, const struct pintle_host *host, struct pintle_inst *inst)
{
	*bus = (struct bus){
		.host = host, .inst = inst, .peers.dir_fd = -1, .sender_fd = -1, .socket_fd = -1
	};
	(void)pthread_mutex_init(&bus->mutex, NULL);
	(void)snprintf(bus->path, sizeof(bus->path), "%.*s/bus", PATH_MAX - 8,
		       host->state_dir(inst));
}

/* A socket's address holds 108 bytes; by way of the folder's descriptor any path fits. */
static struct sockaddr_un address_of(int dir_fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.64s", dir_fd,
		       name);
	return address;
}

static int open_folder(struct bus *bus)
{
	int fd;

	if (mkdir(bus->path, 0700) != 0 && errno != EEXIST)
		fault(bus, strerror(errno), "");
	fd = open(bus->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fault(bus, strerror(errno), "");
	return fd;
}

static void tell_missed(const struct bus *bus)
{
	for (const struct bus_channel *one = bus->channels; one; one = one->next)
		one->message(one->ctx, NULL, 0);
}

static void deliver(struct bus *bus, size_t len)
{
	uint16_t name_len;
	const char *name = bus->buffer + sizeof(name_len), *value;

	if (len < sizeof(name_len))
		return;
	memcpy(&name_len, bus->buffer, sizeof(name_len));
	if (name_len == MISSED)
		tell_missed(bus);
	if (name_len > len - sizeof(name_len))
		return;
	value = name + name_len;
	for (struct bus_channel *one = bus->channels; one; one = one->next) {
		if (strlen(one->name) == name_len && memcmp(one->name, name, name_len) == 0)
			one->message(one->ctx, value, len - sizeof(name_len) - name_len);
	}
}

static void on_ready(void *arg, int fd, uint32_t events)
{
	struct bus *bus = arg;

	(void)events;
	for (int i = 0; i < MAX_A_WAKE; i++) {
		ssize_t len = recv(fd, bus->buffer, BUFFER_LEN, MSG_DONTWAIT);

		if (len < 0)
			return;
		deliver(bus, (size_t)len);
	}
}

static int32_t bind_socket(struct bus *bus)
{
	struct sockaddr_un address;
	int dir_fd = open_folder(bus);
	int32_t status = PINTLE_UNAVAILABLE;
	uint32_t random;

	if (dir_fd < 0 || bus->host->random(&random, sizeof(random)) != PINTLE_OK)
		goto out;
	(void)snprintf(bus->name, sizeof(bus->name), "%ld.%08x.sock", (long)getpid(), random);
	address = address_of(dir_fd, bus->name);
	bus->socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the file comes from the socket's own; the umask may be anything. */
	if (bus->socket_fd < 0 || fchmod(bus->socket_fd, 0600) != 0 ||
	    bind(bus->socket_fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		fault(bus, strerror(errno), bus->name);
		goto out;
	}
	status = bus->host->watch(bus->inst, bus->socket_fd, PINTLE_FD_READ, on_ready, bus);
out:
	if (status != PINTLE_OK && bus->socket_fd >= 0) {
		close(bus->socket_fd);
		bus->socket_fd = -1;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	return status;
}

int32_t bus_subscribe(struct bus *bus, const char *channel, pintle_kv_message *message, void *ctx)
{
	struct bus_channel *one;
	int32_t status = PINTLE_OK;

	if (strlen(channel) > PINTLE_KV_KEY_MAX)
		return PINTLE_INTERNAL;
	if (!bus->buffer)
		bus->buffer = malloc(BUFFER_LEN);
	one = calloc(1, sizeof(*one));
	if (!bus->buffer || !one) {
		free(one);
		return PINTLE_INTERNAL;
	}
	if (bus->socket_fd < 0)
		status = bind_socket(bus);
	if (status != PINTLE_OK) {
		free(one);
		return status;
	}
	one->message = message;
	one->ctx = ctx;
	memcpy(one->name, channel, strlen(channel));
	one->next = bus->channels;
	bus->channels = one;
	return PINTLE_OK;
}

/* With the mutex. */
static void note_late(struct bus *bus, const char *name)
{
	for (size_t i = 0; i < bus->n_late; i++)
		if (strcmp(bus->late[i], name) == 0)
			return;
	if (bus->n_late < BUS_LATE_MAX)
		(void)snprintf(bus->late[bus->n_late++], PEER_NAME_MAX, "%s", name);
}

/* With the mutex. */
static bool send_one(struct bus *bus, const char *name, const struct msghdr *message)
{
	int dir_fd = bus->peers.dir_fd;
	struct sockaddr_un address = address_of(dir_fd, name);
	struct msghdr addressed = *message;

	addressed.msg_name = &address;
	addressed.msg_namelen = sizeof(address);
	if (sendmsg(bus->sender_fd, &addressed, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (errno == ECONNREFUSED) { /* whoever bound it is gone; a name is never used twice */
		(void)unlinkat(dir_fd, name, 0);
	} else if (errno == EAGAIN) {
		note_late(bus, name);
		fault(bus, "receiver is full, message dropped", name);
	} else if (errno != ENOENT) {
		fault(bus, strerror(errno), name);
	}
	return false;
}

/* With the mutex. */
static int32_t send_all(struct bus *bus, const struct msghdr *message, int64_t *n_sent_out)
{
	int rc = peers_refresh(&bus->peers, bus->path);

	if (rc == 0 && bus->sender_fd < 0)
		bus->sender_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (rc == 0 && bus->sender_fd < 0)
		rc = errno;
	if (rc != 0) {
		fault(bus, strerror(rc), "");
		return PINTLE_UNAVAILABLE;
	}
	for (size_t i = 0; i < bus->peers.n_names; i++)
		*n_sent_out += send_one(bus, bus->peers.names[i], message);
	return PINTLE_OK;
}

/* ---- Who has missed some ---- */

static void make_up(void *arg);

/* Without the mutex, which is not held over the host's own. */
static void arm(struct bus *bus)
{
	bool must_arm;

	(void)pthread_mutex_lock(&bus->mutex);
	must_arm = bus->n_late > 0 && !bus->is_armed;
	bus->is_armed |= must_arm;
	(void)pthread_mutex_unlock(&bus->mutex);
	if (must_arm)
		(void)bus->host->timer(bus->inst, MAKE_UP_MS, make_up, bus);
}

/* Who is still full is noted again. */
static void make_up(void *arg)
{
	uint16_t missed = MISSED;
	struct iovec part = { &missed, sizeof(missed) };
	const struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct bus *bus = arg;
	size_t n;

	(void)pthread_mutex_lock(&bus->mutex);
	bus->is_armed = false;
	n = bus->n_late;
	bus->n_late = 0;
	for (size_t i = 0; i < n; i++) {
		char name[PEER_NAME_MAX];

		memcpy(name, bus->late[i], sizeof(name));
		(void)send_one(bus, name, &message);
	}
	(void)pthread_mutex_unlock(&bus->mutex);
	arm(bus);
}

int32_t bus_publish(struct bus *bus, const struct pintle_kv_request *request, int64_t *n_sent_out)
{
	uint16_t name_len = (uint16_t)request->key_len;
	struct iovec parts[] = {
		{ &name_len, sizeof(name_len) },
		{ (void *)(uintptr_t)request->key, request->key_len },
		{ (void *)(uintptr_t)request->value, request->value_len },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	int32_t status;

	if (request->key_len > PINTLE_KV_KEY_MAX || request->value_len > PINTLE_KV_VALUE_MAX)
		return PINTLE_INTERNAL;
	(void)pthread_mutex_lock(&bus->mutex);
	status = send_all(bus, &message, n_sent_out);
	(void)pthread_mutex_unlock(&bus->mutex);
	arm(bus);
	return status;
}

void bus_fini(struct bus *bus)
{
	struct bus_channel *next;
	int dir_fd;

	if (bus->socket_fd >= 0) {
		(void)bus->host->watch(bus->inst, bus->socket_fd, 0, NULL, NULL);
		close(bus->socket_fd);
		dir_fd = open_folder(bus);
		if (dir_fd >= 0) {
			(void)unlinkat(dir_fd, bus->name, 0);
			close(dir_fd);
		}
	}
	for (struct bus_channel *one = bus->channels; one; one = next) {
		next = one->next;
		free(one);
	}
	free(bus->buffer);
	peers_fini(&bus->peers);
	if (bus->sender_fd >= 0)
		close(bus->sender_fd);
	(void)pthread_mutex_destroy(&bus->mutex);
	*bus = (struct bus){ .peers.dir_fd = -1, .sender_fd = -1, .socket_fd = -1 };
}
