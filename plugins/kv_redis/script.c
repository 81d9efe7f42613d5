/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

/* clang-format off */

#define GUARD \
	"if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'epoch'} end\n"

#define PRESENT \
	GUARD \
	"local present = redis.call('GET', KEYS[2])\n" \
	"local function found(word)\n" \
	"  return {word, present, false, redis.call('PTTL', KEYS[2])}\n" \
	"end\n"

const char *const script_texts[SCRIPT_N] = {
	[PINTLE_KV_GET] =
		PRESENT
		"if not present then return {'absent'} end\n"
		"return found('ok')\n",

	[PINTLE_KV_ADD] = /* value, ttl */
		PRESENT
		"if present then return found('conflict') end\n"
		"redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])\n"
		"return {'ok', false, false, tonumber(ARGV[3])}\n",

	[PINTLE_KV_TAKE] =
		PRESENT
		"if not present then return {'absent'} end\n"
		"local answer = found('ok')\n"
		"redis.call('DEL', KEYS[2])\n"
		"return answer\n",

	[PINTLE_KV_SWAP] = /* expect, value, ttl or 0 */
		PRESENT
		"if not present then return {'absent'} end\n"
		"if present ~= ARGV[2] then return found('conflict') end\n"
		"if ARGV[4] == '0' then\n"
		"  redis.call('SET', KEYS[2], ARGV[3], 'KEEPTTL')\n"
		"else\n"
		"  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])\n"
		"end\n"
		"present = false\n"
		"return found('ok')\n",

	[PINTLE_KV_DELETE] = /* expect */
		PRESENT
		"if not present then return {'absent'} end\n"
		"if present ~= ARGV[2] then return found('conflict') end\n"
		"redis.call('DEL', KEYS[2])\n"
		"return {'ok'}\n",

	[PINTLE_KV_INCR] = /* delta, ttl, 1 if 0 is its floor */
		GUARD
		"local is_new, delta = redis.call('EXISTS', KEYS[2]) == 0, ARGV[2]\n"
		"if ARGV[4] == '1' and tonumber(delta) < 0 then\n"
		"  if is_new then return {'ok', false, 0, 0} end\n"
		"  local text = redis.call('GET', KEYS[2])\n"
		"  local count = tonumber(text)\n"
		"  if count and count <= 0 then delta = '0'\n"
		"  elseif count and count + tonumber(delta) < 0 then delta = '-' .. text end\n"
		"end\n"
		"if is_new and tonumber(ARGV[3]) < 1 then return {'bad'} end\n"
		"local sum = redis.pcall('INCRBY', KEYS[2], delta)\n"
		"if type(sum) == 'table' then\n"
		"  if sum.err:find('not an integer') or sum.err:find('overflow') then return {'bad'} end\n"
		"  return sum\n"
		"end\n"
		"if is_new then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end\n"
		/* As text: numbers of Lua are doubles. */
		"return {'ok', false, redis.call('GET', KEYS[2]), redis.call('PTTL', KEYS[2])}\n",

	[PINTLE_KV_LIMIT] = /* for each key: max, window, cost, 1 if it slides */
		GUARD
		"local sums, starts, left = {}, {}, nil\n"
		"for i = 2, #KEYS do\n"
		"  local key, at = KEYS[i], i * 4 - 6\n"
		"  local max, window, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])\n"
		"  local text = sums[key] or redis.call('GET', key)\n"
		"  local count = tonumber(text or 0)\n"
		"  if text and not tostring(text):match('^%-?%d+$') then return {'bad'} end\n"
		"  starts[i] = not text or ARGV[at + 3] == '1'\n"
		"  if starts[i] and window < 1 then return {'bad'} end\n"
		"  if count + cost > max then\n"
		"    return {'limited', false, i - 2, text and redis.call('PTTL', key) or window}\n"
		"  end\n"
		"  sums[key] = string.format('%.0f', count + cost)\n"
		"  if not left or max - count - cost < left then left = max - count - cost end\n"
		"end\n"
		"for i = 2, #KEYS do\n"
		"  local at = i * 4 - 6\n"
		"  if ARGV[at + 2] ~= '0' then\n"
		"    redis.call('INCRBY', KEYS[i], ARGV[at + 2])\n"
		"    if starts[i] then redis.call('PEXPIRE', KEYS[i], ARGV[at + 1]) end\n"
		"  end\n"
		"end\n"
		"return {'ok', false, left}\n",
};

/* run id, replication id, 1 if no promotion stands behind that one, an epoch for the case that a new one
 * begins */
const char script_epoch[] =
	"local epoch, of = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]) or ''\n"
	"local run, replication = of:match('^(%w+):(%w+)$')\n"
	"local is_same = run == ARGV[1] and (replication == ARGV[2] or ARGV[3] == '1')\n"
	"if not epoch or not is_same then\n"
	"  epoch = ARGV[4]\n"
	"  redis.call('SET', KEYS[1], epoch)\n"
	"end\n"
	"redis.call('SET', KEYS[2], ARGV[1] .. ':' .. ARGV[2])\n"
	"return epoch\n";
