-- SPDX-License-Identifier: Apache-2.0
-- Which key-value store each host of this database uses; see host/neighbours.h.
CREATE TABLE kv_hosts (
	host_id TEXT PRIMARY KEY,
	kv_token TEXT NOT NULL,
	seen_at INTEGER NOT NULL
);

-- The sessions that have just ended, among many that ended long ago.
CREATE INDEX user_sessions_status_end ON user_sessions (status, absolute_expires_at);
