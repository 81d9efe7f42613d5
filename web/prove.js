// SPDX-License-Identifier: Apache-2.0
// Proving something by one provider: its fields, the code that was sent, the window elsewhere, the QR code.
// The pages know no provider: everything is rendered from what /auth/providers says.

import { button, call, element, labelOf, markFields, messageLine, word } from "/assets/common.js";
import { follow } from "/assets/follow.js";

const API = "/api/v1/auth";
// The flow while the browser is away: in sessionStorage for another site, so that no other window has it; in
// localStorage for a mail, whose link opens in one.
const KEPT = "flow";

let nFields = 0;

function field(input) {
	const id = `field-${++nFields}`;

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

function newState() {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fieldsOf(form) {
	return Object.fromEntries(new FormData(form));
}

function inputsOf(provider, step) {
	return provider.inputs.filter((input) => input.step === step);
}

// Whether a press is all it takes here: what has to be proved is proved on another site or a phone.
export function isElsewhere(provider) {
	return provider.capabilities.begin && provider.inputs.length === 0;
}

// Shows the way of one provider in box. prove(provider, fields) makes the last request and answers its data,
// which goes to done, or to late when the way was left meanwhile; purpose and returnTo go with begin. along is what
// broughtBack tells again besides. The answer of offer leaves the way.
export function offer(box, provider, { purpose, returnTo, prove, done, late = done, along }) {
	const message = messageLine();
	const way = { box, provider, purpose, returnTo, prove, done, late, along, message, stop: null, isLeft: false };

	if (isElsewhere(provider))
		beginElsewhere(way);
	else if (provider.capabilities.begin)
		askForBegin(way);
	else
		askForProof(way, {});
	return () => {
		way.isLeft = true;
		way.stop?.();
	};
}

function place(way, ...children) {
	const isFree = document.activeElement === document.body || way.box.contains(document.activeElement);

	way.stop?.();
	way.stop = null;
	way.box.replaceChildren(way.message, ...children.filter(Boolean));
	if (isFree) // and not still on the tab or the button that led here
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
		markFields(way.box, refusal.fields ?? []);
		return null;
	} finally {
		buttons.forEach((one) => { one.disabled = false; });
	}
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
	place(way, form(inputsOf(way.provider, "begin"), word("send_code"), (fields) => begin(way, fields)));
}

// Nothing is asked; the button stays for when it fails.
function beginElsewhere(way) {
	place(way, button(word("again"), () => begin(way, {}), "quiet"));
	begin(way, {});
}

async function begin(way, fields) {
	const state = newState();
	const flow = await attempt(way, () => call("POST", `${API}/${way.provider.name}/begin`,
		{ purpose: way.purpose, redirect_uri: way.returnTo, state, ...fields }));

	if (!flow || way.isLeft)
		return;
	way.state = state;
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

	if (!data)
		return;
	if (keptIn(localStorage)?.flow_id === fields.flow_id)
		localStorage.removeItem(KEPT);
	(way.isLeft ? way.late : way.done)(data);
}

// ---- Another site ----

function keep(storage, way, flow) {
	storage.setItem(KEPT, JSON.stringify({
		flow_id: flow.flow_id, state: way.state, provider: way.provider.name, purpose: way.purpose,
		page: location.pathname + location.search, along: storage === sessionStorage ? way.along : null,
	}));
}

function leave(way, flow) {
	keep(sessionStorage, way, flow);
	location.assign(flow.authorize_url);
}

function keptIn(storage) {
	return JSON.parse(storage.getItem(KEPT));
}

// Either may hold another flow: one that was given up in this window, or that began in another one since.
function takeKept(state) {
	const storage = [sessionStorage, localStorage].find((one) => keptIn(one)?.state === state);
	const kept = storage && keptIn(storage);

	storage?.removeItem(KEPT);
	return kept;
}

// What the browser brought back in the fragment: {grant} or {error}, with the flow it began; null when it comes from
// nowhere. The address is clean afterwards.
export function broughtBack() {
	const fragment = new URLSearchParams(location.hash.slice(1));

	if (!fragment.has("grant") && !fragment.has("error"))
		return null;
	history.replaceState(null, "", location.pathname + location.search);
	return { ...takeKept(fragment.get("state")), grant: fragment.get("grant"), error: fragment.get("error") };
}

// ---- A phone ----

function waitForPhone(way, flow) {
	const picture = element("img", { class: "code", src: flow.qr_url, alt: word("qr") });
	let isEnded = false;
	const stop = follow(flow.flow_id, (status) => {
		isEnded = ["confirmed", "failed", "expired"].includes(status);
		if (status === "confirmed") {
			finish(way, { flow_id: flow.flow_id });
			return;
		}
		way.message.say(word(status === "failed" ? "denied" : status), isEnded);
		if (isEnded)
			picture.remove();
	});

	way.message.say(word("pending"));
	place(way, picture, button(word("again"), () => begin(way, {}), "quiet"));
	way.stop = () => {
		stop();
		if (!isEnded) // nobody shall confirm what nobody waits for
			call("DELETE", `${API}/flows/${encodeURIComponent(flow.flow_id)}`).catch(() => {});
	};
}
