-- SPDX-License-Identifier: Apache-2.0
-- Senders that the operator has taken out of rotation, on every host.
CREATE TABLE disabled_gateways (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	at INTEGER NOT NULL
);

-- Where a message went, what the gateway said of its end and when, and when its code was entered.
ALTER TABLE message_logs ADD COLUMN country TEXT;
ALTER TABLE message_logs ADD COLUMN receipt_at INTEGER;
ALTER TABLE message_logs ADD COLUMN entered_at INTEGER;
