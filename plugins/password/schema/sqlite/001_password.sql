-- SPDX-License-Identifier: Apache-2.0
-- Whether a hash may be used says the account's identity in namespace 'password'.
-- history holds earlier hashes, newest first, one a line.

CREATE TABLE password_credentials (
	user_id INTEGER PRIMARY KEY REFERENCES users (id),
	hash TEXT NOT NULL,
	must_change INTEGER NOT NULL DEFAULT 0,
	changed_at INTEGER NOT NULL,
	history TEXT NOT NULL DEFAULT ''
);
