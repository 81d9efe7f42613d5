-- SPDX-License-Identifier: Apache-2.0
-- wrk: each request carries the next token of the file TOKENS names.
local requests, at = {}, 0

function init(args)
	for token in io.lines(os.getenv("TOKENS")) do
		requests[#requests + 1] = wrk.format("GET", nil, { Authorization = "Bearer " .. token })
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end
