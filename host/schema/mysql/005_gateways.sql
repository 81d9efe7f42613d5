-- SPDX-License-Identifier: Apache-2.0
-- Senders that the operator has taken out of rotation, on every host.
CREATE TABLE disabled_gateways (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(48) NOT NULL UNIQUE,
	at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Where a message went, what the gateway said of its end and when, and when its code was entered.
ALTER TABLE message_logs ADD COLUMN country VARCHAR(3);
ALTER TABLE message_logs ADD COLUMN receipt_at BIGINT;
ALTER TABLE message_logs ADD COLUMN entered_at BIGINT;
