// SPDX-License-Identifier: Apache-2.0
// How far a flow is, told as it changes: over a WebSocket, else by server-sent events, else by asking.

import { call } from "/assets/common.js";

const POLL_MS = 2000;
// The first state comes at once: on a way that is silent for so long, nothing will come.
const SILENCE_MS = 5000;
const ENDS = ["confirmed", "failed", "expired"];

// Tells each new state until one of them is the end, or the answer is called.
export function follow(flowId, tell) {
	const path = `/api/v1/auth/flows/${encodeURIComponent(flowId)}`;
	const ways = [bySocket, byEvents, byAsking];
	let last = "pending", isOver = false, leave = null;

	const goOn = () => {
		leave?.();
		leave = isOver ? null : ways.shift()(path, hear, goOn);
	};
	const stop = () => {
		isOver = true;
		goOn();
	};
	const hear = (status) => {
		if (isOver || status === last)
			return;
		last = status;
		if (ENDS.includes(status))
			stop();
		tell(status);
	};

	goOn();
	return stop;
}

// A way calls lost() once it is of no use; what it answers leaves it.

function silence(lost) {
	let timer = null;
	const end = () => clearTimeout(timer);
	const begin = () => {
		end();
		timer = setTimeout(lost, SILENCE_MS);
	};

	begin();
	return { begin, end };
}

function bySocket(path, hear, lost) {
	const socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}/ws`);
	const silent = silence(lost);

	socket.onmessage = (event) => {
		silent.end();
		hear(JSON.parse(event.data).status);
	};
	socket.onclose = lost;
	return () => {
		silent.end();
		socket.onclose = null;
		socket.close();
	};
}

// The browser connects again by itself, unless it was refused.
function byEvents(path, hear, lost) {
	const source = new EventSource(`${path}/events`);
	const silent = silence(lost);

	source.onmessage = (event) => {
		silent.end();
		hear(JSON.parse(event.data).status);
	};
	source.onerror = () => (source.readyState === EventSource.CLOSED ? lost() : silent.begin());
	source.addEventListener("end", lost);
	return () => {
		silent.end();
		source.close();
	};
}

function byAsking(path, hear) {
	let timer = null, isOver = false;
	const ask = async () => {
		try {
			hear((await call("GET", path)).status);
		} catch (refusal) {
			if (refusal.status === 410)
				hear("expired");
		}
		if (!isOver)
			timer = setTimeout(ask, POLL_MS);
	};

	ask();
	return () => {
		isOver = true;
		clearTimeout(timer);
	};
}
