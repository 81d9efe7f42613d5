-- SPDX-License-Identifier: Apache-2.0
-- The host's own tables. Plugins may read them; only host services write them.
-- Every column at, *_at and *_time is an integer: milliseconds since the Unix epoch, UTC.
-- Flags are 0 or 1, money is in cents, ids are 64-bit and never used twice.

CREATE TABLE users (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	uuid TEXT NOT NULL UNIQUE,
	-- Copies of verified identities, for display; uniqueness and sign-in live in user_identities.
	username TEXT UNIQUE,
	phone TEXT UNIQUE,
	email TEXT,
	nickname TEXT,
	user_type TEXT NOT NULL,
	status TEXT NOT NULL DEFAULT 'active',
	real_name TEXT,
	id_card TEXT,
	id_card_blind TEXT,
	avatar TEXT,
	gender TEXT NOT NULL DEFAULT 'unknown',
	birthday TEXT,
	province TEXT,
	city TEXT,
	county TEXT,
	address TEXT,
	longitude REAL,
	latitude REAL,
	is_real_name_verified INTEGER NOT NULL DEFAULT 0,
	is_bank_card_verified INTEGER NOT NULL DEFAULT 0,
	is_credit_verified INTEGER NOT NULL DEFAULT 0,
	balance INTEGER NOT NULL DEFAULT 0,
	credit_score INTEGER NOT NULL DEFAULT 0,
	credit_level TEXT,
	total_orders INTEGER NOT NULL DEFAULT 0,
	total_spent INTEGER NOT NULL DEFAULT 0,
	last_login_time INTEGER,
	last_login_ip TEXT,
	login_count INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	deleted_at INTEGER
);
CREATE INDEX users_email ON users (email);
CREATE INDEX users_id_card_blind ON users (id_card_blind);
CREATE INDEX users_user_type ON users (user_type);
CREATE INDEX users_status ON users (status);
CREATE INDEX users_created_at ON users (created_at);

-- Only rows with verified_at lead anywhere; the others are claims that give way to a proof.
CREATE TABLE user_identities (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES users (id),
	namespace TEXT NOT NULL,
	subject TEXT NOT NULL,
	verified_at INTEGER,
	instance TEXT,
	claims TEXT,
	bound_at INTEGER NOT NULL,
	last_used_at INTEGER,
	UNIQUE (namespace, subject)
);
CREATE INDEX user_identities_user ON user_identities (user_id, namespace);

-- subject_id is a users.id in realm 'user'; other realms belong to plugins, hence no foreign key.
-- subject_uuid to permission_epoch are what the session's record is rebuilt from.
CREATE TABLE user_sessions (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	realm TEXT NOT NULL,
	subject_id INTEGER NOT NULL,
	session_id TEXT NOT NULL UNIQUE,
	subject_uuid TEXT NOT NULL,
	subject_type TEXT NOT NULL,
	subject_name TEXT NOT NULL,
	roles TEXT NOT NULL,
	permissions TEXT NOT NULL,
	permission_epoch INTEGER NOT NULL,
	platform TEXT NOT NULL,
	device_id TEXT,
	device_type TEXT,
	app_version TEXT,
	user_agent TEXT,
	ip_address TEXT,
	location TEXT,
	generation INTEGER NOT NULL,
	rotated_at INTEGER NOT NULL,
	token_expires_at INTEGER NOT NULL,
	refresh_expires_at INTEGER NOT NULL,
	absolute_expires_at INTEGER NOT NULL,
	status TEXT NOT NULL DEFAULT 'active',
	revoked_reason TEXT,
	last_active_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
);
CREATE INDEX user_sessions_subject
	ON user_sessions (realm, subject_id, status, platform, last_active_at);
CREATE INDEX user_sessions_end ON user_sessions (absolute_expires_at);

-- Logs outlive what they tell of, hence no foreign keys. Identifiers and recipients are masked.
CREATE TABLE login_logs (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER,
	provider TEXT,
	identifier TEXT,
	result TEXT NOT NULL,
	reason TEXT,
	ip TEXT,
	user_agent TEXT,
	device_id TEXT,
	session_id TEXT,
	at INTEGER NOT NULL
);
CREATE INDEX login_logs_user ON login_logs (user_id, at);
CREATE INDEX login_logs_ip ON login_logs (ip, at);
CREATE INDEX login_logs_at ON login_logs (at);

-- Who did what; append only.
CREATE TABLE auth_logs (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	actor_kind TEXT NOT NULL,
	actor_id INTEGER,
	action TEXT NOT NULL,
	target TEXT,
	result TEXT NOT NULL,
	ip TEXT,
	request_id TEXT,
	details TEXT,
	at INTEGER NOT NULL
);
CREATE INDEX auth_logs_actor ON auth_logs (actor_kind, actor_id, at);
CREATE INDEX auth_logs_target ON auth_logs (target, at);
CREATE INDEX auth_logs_at ON auth_logs (at);

CREATE TABLE message_logs (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL,
	recipient TEXT NOT NULL,
	recipient_blind TEXT NOT NULL,
	template TEXT,
	gateway TEXT,
	result TEXT NOT NULL,
	upstream_id TEXT,
	cost_units INTEGER NOT NULL DEFAULT 0,
	receipt_state TEXT,
	at INTEGER NOT NULL
);
CREATE INDEX message_logs_recipient ON message_logs (recipient_blind, at);
CREATE INDEX message_logs_upstream ON message_logs (gateway, upstream_id);
CREATE INDEX message_logs_at ON message_logs (at);

-- How each account signs in: the first part of its one kind of identity, or 'both'. Names and what
-- only confirms a known account (its subject is the account's uuid) do not count.
CREATE VIEW user_login_types AS
SELECT
	k.user_id AS user_id,
	CASE WHEN MIN(k.kind) = MAX(k.kind) THEN MIN(k.kind) ELSE 'both' END AS login_type,
	MIN(k.bound_at) AS created_at,
	MAX(k.bound_at) AS updated_at
FROM (
	SELECT
		i.user_id AS user_id,
		i.bound_at AS bound_at,
		SUBSTR(i.namespace, 1, INSTR(i.namespace || ':', ':') - 1) AS kind
	FROM user_identities i
	JOIN users u ON u.id = i.user_id
	WHERE i.verified_at IS NOT NULL AND i.namespace <> 'username' AND i.subject <> u.uuid
) k
GROUP BY k.user_id;
