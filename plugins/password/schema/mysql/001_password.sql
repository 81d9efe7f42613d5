-- SPDX-License-Identifier: Apache-2.0
-- Whether a hash may be used says the account's identity in namespace 'password'.
-- history holds earlier hashes, newest first, one a line.

CREATE TABLE password_credentials (
	user_id BIGINT NOT NULL PRIMARY KEY,
	hash VARCHAR(255) NOT NULL,
	must_change TINYINT NOT NULL DEFAULT 0,
	changed_at BIGINT NOT NULL,
	history TEXT NOT NULL,
	FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
