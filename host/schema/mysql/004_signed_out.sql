-- SPDX-License-Identifier: Apache-2.0
-- When all sessions of the account were last ended: a proof begun before signs nobody in.
ALTER TABLE users ADD COLUMN signed_out_at BIGINT NOT NULL DEFAULT 0;
