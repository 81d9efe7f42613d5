/* SPDX-License-Identifier: Apache-2.0 */
/* Services on secrets: encryption at rest, keyed hashes, slow hashing, random. */
#include "call.h"
#include "hasher.h"
#include "host.h"
#include "rng.h"
#include "services.h"

#include <openssl/crypto.h>
#include <string.h>

/* Labels are the instance's own: no plugin reads what another has sealed. */
static const char *own_label(struct pintle_call *call, const char *label)
{
	return arena_printf(&call->arena, "%s:%s", call->inst->plugin->name, label);
}

static int32_t seal(struct pintle_call *call, const char *label, const char *plain,
		    const char **sealed_out)
{
	*sealed_out = seal_text(call->host->seal, &call->arena, own_label(call, label), plain);
	return *sealed_out ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t unseal(struct pintle_call *call, const char *label, const char *sealed,
		      const char **plain_out)
{
	*plain_out = seal_open(call->host->seal, &call->arena, own_label(call, label), sealed);
	return *plain_out ? PINTLE_OK : PINTLE_INTERNAL;
}

static const char *blind(struct pintle_call *call, const char *label, const char *text)
{
	char *out = arena_alloc(&call->arena, 2 * SEAL_MAC_LEN + 1);

	seal_blind(call->host->seal, own_label(call, label), text, out);
	return out;
}

static int32_t hash(struct pintle_call *call, const char *setting, const char *secret,
		    const char **hash_out)
{
	char out[HASHER_TEXT_MAX];
	int32_t status = call_gate(call);

	if (status == PINTLE_OK)
		status = hasher_hash(call->host->hasher, setting, secret, call->deadline_ms, out);
	if (status == PINTLE_OK)
		*hash_out = arena_strdup(&call->arena, out);
	return status;
}

static int32_t verify_hash(struct pintle_call *call, const char *setting, const char *secret,
			   const char *stored, int32_t *is_stale_out)
{
	bool is_stale = false;
	int32_t status = call_gate(call);

	if (status == PINTLE_OK)
		status = hasher_verify(call->host->hasher, setting, secret, stored,
				       call->deadline_ms, &is_stale);
	if (is_stale_out)
		*is_stale_out = is_stale;
	return status;
}

static int32_t random_bytes(void *out, size_t len)
{
	return rng_bytes(out, len) ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t random_digits(char *out, size_t n_digits)
{
	return rng_digits(out, n_digits) ? PINTLE_OK : PINTLE_INTERNAL;
}

static int32_t same(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

static void wipe(void *ptr, size_t len)
{
	explicit_bzero(ptr, len);
}

void services_fill_secret(struct pintle_host *table)
{
	table->seal = seal;
	table->open = unseal;
	table->blind = blind;
	table->hash = hash;
	table->verify_hash = verify_hash;
	table->random = random_bytes;
	table->random_digits = random_digits;
	table->same = same;
	table->wipe = wipe;
}
