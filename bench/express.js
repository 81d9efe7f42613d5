// SPDX-License-Identifier: Apache-2.0
// The usual session check of a Node back end: express and jsonwebtoken, no store asked.
const { createSecretKey } = require('crypto');
const express = require('express');
const jwt = require('jsonwebtoken');

// A key object: given a string, jsonwebtoken tries at every request whether it is a public key, 0.3 ms each.
const secret = createSecretKey(Buffer.from('a secret of the benchmark, thirty-two bytes and more'));
const app = express();

app.get('/check', (request, response) => {
	const [scheme, token] = (request.headers.authorization || '').split(' ');
	try {
		if (scheme !== 'Bearer') throw new Error('no token');
		const claims = jwt.verify(token, secret, { algorithms: ['HS256'] });
		response.set('X-Auth-User-Id', claims.sub).status(200).end();
	} catch {
		response.status(401).end();
	}
});
app.listen(Number(process.argv[2]), '127.0.0.1', () => {
	console.log(jwt.sign({ sid: 'bench', typ: 'access' }, secret, { subject: 'a-user', expiresIn: '1d' }));
});
