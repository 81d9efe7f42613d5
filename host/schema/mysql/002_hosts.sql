-- SPDX-License-Identifier: Apache-2.0
-- Which key-value store each host of this database uses; see host/neighbours.h.
CREATE TABLE kv_hosts (
	host_id VARCHAR(32) NOT NULL PRIMARY KEY,
	kv_token VARCHAR(32) NOT NULL,
	seen_at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The sessions that have just ended, among many that ended long ago.
CREATE INDEX user_sessions_status_end ON user_sessions (status, absolute_expires_at);
