-- SPDX-License-Identifier: Apache-2.0
-- The action "pintle_check URL": asks the session check who is asking. txn.pintle_status is its answer, 0
-- when there is none; on 200 the request carries the identity headers of the answer, and no others.

local IDENTITY = { "x-auth-user-id", "x-auth-user-type", "x-auth-session-id", "x-auth-name", "x-auth-roles" }
local TIMEOUT_MS = 2000

-- Headers of HAProxy start at 0.
local function values(headers, name)
	local list, found = {}, headers[name]
	for i = 0, found and #found or -1 do
		list[#list + 1] = found[i]
	end
	return list
end

-- An application may take "X_Auth_Name" for "X-Auth-Name".
local function take_off(txn, headers)
	for name in pairs(headers) do
		if name:gsub("_", "-"):find("^x%-auth%-") then
			txn.http:req_del_header(name)
		end
	end
end

local function check(txn, url)
	local headers = txn.http:req_get_headers()
	local question = { ["x-forwarded-for"] = { txn.sf:src() } }

	for _, name in ipairs({ "authorization", "cookie", "x-request-id" }) do
		local given = values(headers, name)
		if #given > 0 then
			question[name] = given
		end
	end
	take_off(txn, headers)
	txn:set_var("txn.pintle_status", 0)
	txn:set_var("txn.pintle_challenge", "Bearer")

	local answer = core.httpclient():get({ url = url, headers = question, timeout = TIMEOUT_MS })
	if not answer or not answer.status then
		return
	end
	txn:set_var("txn.pintle_status", answer.status)
	local challenge = answer.headers and answer.headers["www-authenticate"]
	if challenge then
		txn:set_var("txn.pintle_challenge", challenge[0])
	end
	if answer.status ~= 200 then
		return
	end
	for _, name in ipairs(IDENTITY) do
		local value = answer.headers[name]
		txn.http:req_set_header(name, value and value[0] or "")
	end
end

core.register_action("pintle_check", { "http-req" }, check, 1)
