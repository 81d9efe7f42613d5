// SPDX-License-Identifier: Apache-2.0
// Proving something by one provider: its fields, the code that was sent, the window elsewhere, the QR code.
// The pages know no provider: everything is rendered from what /auth/providers says.

import { button, call, element, labelOf, messageLine, word } from "/assets/common.js";

const API = "/api/v1/auth";
// The flow while the browser is away: in sessionStorage for another site, so that no other window has it; in
// localStorage for a mail, whose link opens in one.
const KEPT = "flow";
const POLL_MS = 2000;

function field(input) {
	const id = `field-${input.name}`;

	return [
		element("label", { for: id }, labelOf(input)),
		element("input", {
			id, name: input.name, type: input.type, required: Boolean(input.required), pattern: input.pattern,
			autocomplete: autocompleteOf(input), inputmode: input.pattern?.startsWith("[0-9]") ? "numeric" : null,
			autocapitalize: "none", spellcheck: "false",
		}),
	];
}

function autocompleteOf(input) {
	switch (input.type) {
	case "tel": return "tel";
	case "email": return "email";
	case "password": return "current-password";
	default: return input.pattern?.startsWith("[0-9]") ? "one-time-code" : "username";
	}
}

function fieldsOf(form) {
	return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim === undefined ? value : value]));
}

function inputsOf(provider, step) {
	return provider.inputs.filter((input) => input.step === step);
}

// Shows the way of one provider in box. prove(fields) makes the last request and answers its data, which goes to
// done; purpose and returnTo go with begin.
export function offer(box, provider, { purpose, returnTo, prove, done }) {
	const message = messageLine();
	const way = { box, provider, purpose, returnTo, prove, done, message, stop: null };

	if (provider.capabilities.begin)
		askForBegin(way);
	else
		askForProof(way, {});
	return () => way.stop?.();
}

function place(way, ...children) {
	way.stop?.();
	way.stop = null;
	way.box.replaceChildren(way.message, ...children.filter(Boolean));
	way.box.querySelector("input, button")?.focus();
}

// Runs one request of a form: its buttons rest meanwhile, a refusal is said.
async function attempt(way, request) {
	const buttons = way.box.querySelectorAll("button");

	buttons.forEach((one) => { one.disabled = true; });
	try {
		return await request();
	} catch (refusal) {
		way.message.say(refusal.message, true);
		markFields(way, refusal.fields ?? []);
		return null;
	} finally {
		buttons.forEach((one) => { one.disabled = false; });
	}
}

function markFields(way, wrong) {
	for (const input of way.box.querySelectorAll("input"))
		input.setAttribute("aria-invalid", String(wrong.some((one) => one.field === input.name)));
	way.box.querySelector("[aria-invalid=true]")?.focus();
}

function form(inputs, submitText, onsubmit, ...more) {
	return element("form", {
		onsubmit: (event) => {
			event.preventDefault();
			onsubmit(fieldsOf(event.target));
		},
	}, ...inputs.flatMap(field), element("button", { type: "submit" }, submitText), ...more);
}

function askForBegin(way) {
	const inputs = inputsOf(way.provider, "begin");
	const text = inputs.length > 0 ? word("send_code") : word("continue_with", labelOf(way.provider));

	place(way, form(inputs, text, (fields) => begin(way, fields)));
}

async function begin(way, fields) {
	const flow = await attempt(way, () => call("POST", `${API}/${way.provider.name}/begin`,
		{ purpose: way.purpose, redirect_uri: way.returnTo, ...fields }));

	if (!flow)
		return;
	if (flow.next === "redirect")
		leave(way, flow);
	else if (flow.next === "poll")
		waitForPhone(way, flow);
	else
		askForCode(way, flow, fields);
}

// ---- A code that was sent ----

function askForCode(way, flow, begun) {
	const again = button(word("resend"), () => begin(way, begun), "quiet");

	keep(localStorage, way, flow);
	way.message.say(word("code_sent"));
	askForProof(way, { flow_id: flow.flow_id }, again, button(word("again"), () => {
		way.message.say("");
		askForBegin(way);
	}, "quiet"));
	if (flow.resend_in)
		way.stop = countDown(again, flow.resend_in);
}

function countDown(again, seconds) {
	const end = Date.now() + seconds * 1000;
	const tick = () => {
		const left = Math.ceil((end - Date.now()) / 1000);

		again.disabled = left > 0;
		again.textContent = left > 0 ? word("resend_in", left) : word("resend");
		if (left <= 0)
			clearInterval(timer);
	};
	const timer = setInterval(tick, 500);

	tick();
	return () => clearInterval(timer);
}

function askForProof(way, fixed, ...more) {
	place(way, form(inputsOf(way.provider, "verify"), word("continue"),
		(fields) => finish(way, { ...fixed, ...fields }), ...more));
}

async function finish(way, fields) {
	const data = await attempt(way, () => way.prove(way.provider, fields));

	if (data)
		way.done(data);
}

// ---- Another site ----

function keep(storage, way, flow) {
	storage.setItem(KEPT, JSON.stringify({
		flow_id: flow.flow_id, provider: way.provider.name, purpose: way.purpose, page: location.pathname + location.search,
	}));
}

function leave(way, flow) {
	keep(sessionStorage, way, flow);
	location.assign(flow.authorize_url);
}

// What the browser brought back in the fragment: {grant} or {error}, with the flow it began; null when it comes from
// nowhere. The address is clean afterwards.
export function broughtBack() {
	const fragment = new URLSearchParams(location.hash.slice(1));
	const kept = sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT);

	if (!fragment.has("grant") && !fragment.has("error"))
		return null;
	history.replaceState(null, "", location.pathname + location.search);
	sessionStorage.removeItem(KEPT);
	localStorage.removeItem(KEPT);
	return { ...(kept ? JSON.parse(kept) : {}), grant: fragment.get("grant"), error: fragment.get("error") };
}

// ---- A phone ----

function waitForPhone(way, flow) {
	way.message.say(word("pending"));
	place(way,
		element("img", { class: "code", src: flow.qr_url, alt: word("qr") }),
		button(word("again"), () => begin(way, {}), "quiet"));
	way.stop = follow(flow.flow_id, (status) => {
		if (status === "confirmed") {
			finish(way, { flow_id: flow.flow_id });
		} else {
			way.message.say(word(status), status === "failed" || status === "expired");
			if (status === "failed" || status === "expired")
				way.box.querySelector("img")?.remove();
		}
	});
}

// Tells each new state of a flow until it is over or the answer is called: by a socket, and by asking while there is
// none.
function follow(flowId, tell) {
	const path = `${API}/flows/${encodeURIComponent(flowId)}`;
	let last = "pending", isOver = false, timer = null, socket = null;
	const stop = () => {
		isOver = true;
		clearTimeout(timer);
		socket?.close();
	};
	const hear = (status) => {
		if (isOver || status === last)
			return;
		last = status;
		if (["confirmed", "failed", "expired"].includes(status))
			stop();
		tell(status);
	};
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

	socket = new WebSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}/ws`);
	socket.onmessage = (event) => hear(JSON.parse(event.data).status);
	socket.onclose = () => {
		if (!isOver)
			ask();
	};
	return stop;
}
