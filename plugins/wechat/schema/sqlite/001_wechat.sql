-- SPDX-License-Identifier: Apache-2.0
-- Whom WeChat has named, one row an app and person. Who they lead to says user_identities; uid follows it.
-- session_key and the tokens are sealed. Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE wechat_users (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	uid INTEGER REFERENCES users (id),
	appid TEXT NOT NULL,
	openid TEXT NOT NULL,
	unionid TEXT,
	nickname TEXT NOT NULL DEFAULT '',
	avatar_url TEXT NOT NULL DEFAULT '',
	gender INTEGER NOT NULL DEFAULT 0,
	country TEXT NOT NULL DEFAULT '',
	province TEXT NOT NULL DEFAULT '',
	city TEXT NOT NULL DEFAULT '',
	language TEXT NOT NULL DEFAULT '',
	session_key TEXT,
	access_token TEXT,
	refresh_token TEXT,
	expires_at INTEGER,
	last_login_at INTEGER NOT NULL,
	bind_at INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	UNIQUE (appid, openid)
);
CREATE INDEX wechat_users_uid ON wechat_users (uid);
CREATE INDEX wechat_users_unionid ON wechat_users (unionid);
