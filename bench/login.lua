-- SPDX-License-Identifier: Apache-2.0
-- wrk: posts the JSON that BODY holds.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = os.getenv("BODY")
