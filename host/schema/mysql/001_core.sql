-- SPDX-License-Identifier: Apache-2.0
-- The host's own tables. Plugins may read them; only host services write them.
-- Every column at, *_at and *_time is an integer: milliseconds since the Unix epoch, UTC.
-- Text compares byte by byte (utf8mb4_bin), so that no two spellings of an identity are one.
-- Flags are 0 or 1, money is in cents, ids are 64-bit and never used twice.

CREATE TABLE users (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	uuid VARCHAR(36) NOT NULL UNIQUE,
	-- Copies of verified identities, for display; uniqueness and sign-in live in user_identities.
	username VARCHAR(32) UNIQUE,
	phone VARCHAR(16) UNIQUE,
	email VARCHAR(254),
	nickname VARCHAR(64),
	user_type VARCHAR(31) NOT NULL,
	status VARCHAR(16) NOT NULL DEFAULT 'active',
	real_name VARCHAR(64),
	id_card TEXT,
	id_card_blind VARCHAR(64),
	avatar VARCHAR(255),
	gender VARCHAR(16) NOT NULL DEFAULT 'unknown',
	birthday VARCHAR(10),
	province VARCHAR(64),
	city VARCHAR(64),
	county VARCHAR(64),
	address VARCHAR(200),
	longitude DOUBLE,
	latitude DOUBLE,
	is_real_name_verified TINYINT NOT NULL DEFAULT 0,
	is_bank_card_verified TINYINT NOT NULL DEFAULT 0,
	is_credit_verified TINYINT NOT NULL DEFAULT 0,
	balance BIGINT NOT NULL DEFAULT 0,
	credit_score BIGINT NOT NULL DEFAULT 0,
	credit_level VARCHAR(16),
	total_orders BIGINT NOT NULL DEFAULT 0,
	total_spent BIGINT NOT NULL DEFAULT 0,
	last_login_time BIGINT,
	last_login_ip VARCHAR(46),
	login_count BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	deleted_at BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX users_email ON users (email);
CREATE INDEX users_id_card_blind ON users (id_card_blind);
CREATE INDEX users_user_type ON users (user_type);
CREATE INDEX users_status ON users (status);
CREATE INDEX users_created_at ON users (created_at);

-- Only rows with verified_at lead anywhere; the others are claims that give way to a proof.
CREATE TABLE user_identities (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	user_id BIGINT NOT NULL,
	namespace VARCHAR(128) NOT NULL,
	subject VARCHAR(256) NOT NULL,
	verified_at BIGINT,
	instance VARCHAR(48),
	claims TEXT,
	bound_at BIGINT NOT NULL,
	last_used_at BIGINT,
	UNIQUE (namespace, subject),
	FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX user_identities_user ON user_identities (user_id, namespace);

-- subject_id is a users.id in realm 'user'; other realms belong to plugins, hence no foreign key.
-- subject_uuid to permission_epoch are what the session's record is rebuilt from.
CREATE TABLE user_sessions (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	realm VARCHAR(15) NOT NULL,
	subject_id BIGINT NOT NULL,
	session_id VARCHAR(64) NOT NULL UNIQUE,
	subject_uuid VARCHAR(40) NOT NULL,
	subject_type VARCHAR(32) NOT NULL,
	subject_name VARCHAR(128) NOT NULL,
	roles TEXT NOT NULL,
	permissions TEXT NOT NULL,
	permission_epoch BIGINT NOT NULL,
	platform VARCHAR(8) NOT NULL,
	device_id VARCHAR(128),
	device_type VARCHAR(64),
	app_version VARCHAR(64),
	user_agent VARCHAR(512),
	ip_address VARCHAR(46),
	location VARCHAR(128),
	generation BIGINT NOT NULL,
	rotated_at BIGINT NOT NULL,
	token_expires_at BIGINT NOT NULL,
	refresh_expires_at BIGINT NOT NULL,
	absolute_expires_at BIGINT NOT NULL,
	status VARCHAR(16) NOT NULL DEFAULT 'active',
	revoked_reason VARCHAR(64),
	last_active_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX user_sessions_subject
	ON user_sessions (realm, subject_id, status, platform, last_active_at);
CREATE INDEX user_sessions_end ON user_sessions (absolute_expires_at);

-- Logs outlive what they tell of, hence no foreign keys. Identifiers and recipients are masked.
CREATE TABLE login_logs (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	user_id BIGINT,
	provider VARCHAR(48),
	identifier VARCHAR(256),
	result VARCHAR(16) NOT NULL,
	reason VARCHAR(64),
	ip VARCHAR(46),
	user_agent VARCHAR(512),
	device_id VARCHAR(128),
	session_id VARCHAR(64),
	at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX login_logs_user ON login_logs (user_id, at);
CREATE INDEX login_logs_ip ON login_logs (ip, at);
CREATE INDEX login_logs_at ON login_logs (at);

-- Who did what; append only.
CREATE TABLE auth_logs (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	actor_kind VARCHAR(16) NOT NULL,
	actor_id BIGINT,
	action VARCHAR(64) NOT NULL,
	target VARCHAR(128),
	result VARCHAR(16) NOT NULL,
	ip VARCHAR(46),
	request_id VARCHAR(64),
	details TEXT,
	at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX auth_logs_actor ON auth_logs (actor_kind, actor_id, at);
CREATE INDEX auth_logs_target ON auth_logs (target, at);
CREATE INDEX auth_logs_at ON auth_logs (at);

CREATE TABLE message_logs (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	kind VARCHAR(16) NOT NULL,
	recipient VARCHAR(256) NOT NULL,
	recipient_blind VARCHAR(64) NOT NULL,
	template VARCHAR(64),
	gateway VARCHAR(48),
	result VARCHAR(16) NOT NULL,
	upstream_id VARCHAR(128),
	cost_units BIGINT NOT NULL DEFAULT 0,
	receipt_state VARCHAR(32),
	at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
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
		SUBSTR(i.namespace, 1, INSTR(CONCAT(i.namespace, ':'), ':') - 1) AS kind
	FROM user_identities i
	JOIN users u ON u.id = i.user_id
	WHERE i.verified_at IS NOT NULL AND i.namespace <> 'username' AND i.subject <> u.uuid
) k
GROUP BY k.user_id;
