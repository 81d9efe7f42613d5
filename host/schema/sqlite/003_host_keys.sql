-- SPDX-License-Identifier: Apache-2.0
-- With which keys each host works; see host/neighbours.h. Empty: a host of an earlier release.
ALTER TABLE kv_hosts ADD COLUMN keys_print TEXT NOT NULL DEFAULT '';
ALTER TABLE kv_hosts ADD COLUMN signs_kid TEXT NOT NULL DEFAULT '';
