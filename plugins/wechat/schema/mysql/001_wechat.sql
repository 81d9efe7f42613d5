-- SPDX-License-Identifier: Apache-2.0
-- Whom WeChat has named, one row an app and person. Who they lead to says user_identities; uid follows it.
-- session_key and the tokens are sealed. Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE wechat_users (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	uid BIGINT,
	appid VARCHAR(64) NOT NULL,
	openid VARCHAR(64) NOT NULL,
	unionid VARCHAR(64),
	nickname VARCHAR(400) NOT NULL DEFAULT '',
	avatar_url VARCHAR(1024) NOT NULL DEFAULT '',
	gender TINYINT NOT NULL DEFAULT 0,
	country VARCHAR(255) NOT NULL DEFAULT '',
	province VARCHAR(255) NOT NULL DEFAULT '',
	city VARCHAR(255) NOT NULL DEFAULT '',
	language VARCHAR(20) NOT NULL DEFAULT '',
	session_key TEXT,
	access_token TEXT,
	refresh_token TEXT,
	expires_at BIGINT,
	last_login_at BIGINT NOT NULL,
	bind_at BIGINT,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	UNIQUE KEY wechat_users_person (appid, openid),
	KEY wechat_users_uid (uid),
	KEY wechat_users_unionid (unionid),
	FOREIGN KEY (uid) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
