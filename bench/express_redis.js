// SPDX-License-Identifier: Apache-2.0
// The session check of a Node back end that can revoke: express, jsonwebtoken, and a look into Redis with ioredis.
// node express_redis.js PORT REDIS_PORT N_SESSIONS TOKENS auto|plain: auto is ioredis' own pipelining.
const fs = require('fs');
const { createSecretKey } = require('crypto');
const express = require('express');
const Redis = require('ioredis');
const jwt = require('jsonwebtoken');

const [port, redisPort, nSessions, tokens, pipelining] = process.argv.slice(2);
const secret = createSecretKey(Buffer.from('a secret of the benchmark, thirty-two bytes and more'));
const redis = new Redis({ port: Number(redisPort), host: '127.0.0.1', enableAutoPipelining: pipelining === 'auto' });
const app = express();

app.get('/check', async (request, response) => {
	const [scheme, token] = (request.headers.authorization || '').split(' ');
	try {
		if (scheme !== 'Bearer') throw new Error('no token');
		const claims = jwt.verify(token, secret, { algorithms: ['HS256'] });
		const session = await redis.get(`session:${claims.sid}`);
		if (!session || JSON.parse(session).status !== 'active') throw new Error('no session');
		response.set('X-Auth-User-Id', claims.sub).status(200).end();
	} catch {
		response.status(401).end();
	}
});

async function start() {
	const made = [];
	for (let i = 0; i < Number(nSessions); i++) {
		const session = { status: 'active', user: `user-${i}`, name: 'Somebody', roles: 'member' };
		await redis.set(`session:${i}`, JSON.stringify(session), 'EX', 86400);
		made.push(jwt.sign({ sid: String(i), typ: 'access' }, secret, { subject: `user-${i}`, expiresIn: '1d' }));
	}
	fs.writeFileSync(tokens, made.join('\n') + '\n');
	app.listen(Number(port), '127.0.0.1', () => console.log(made[0]));
}
start();
