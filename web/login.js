// SPDX-License-Identifier: Apache-2.0
// /login: every way that /auth/providers offers. ?return_to= is where to go then; the server has checked it.

import { call, element, languageButton, messageLine, show, word } from "/assets/common.js";
import { broughtBack } from "/assets/prove.js";
import { choice, isUsable } from "/assets/ways.js";

const DEVICE = { platform: "web", device_type: "browser" };

document.title = word("sign_in");

function leaveForGood() {
	location.replace(new URLSearchParams(location.search).get("return_to") ?? "/account");
}

function prove(provider, fields) {
	return call("POST", `/api/v1/auth/${provider.name}/verify`, { ...fields, cookie: true, device: DEVICE });
}

async function start() {
	const message = messageLine();
	const header = element("header", {}, element("h1", {}, word("sign_in")), languageButton());
	let providers;

	show(header, message);
	try {
		providers = (await call("GET", "/api/v1/auth/providers")).providers.filter(isUsable);
	} catch (refusal) {
		message.say(refusal.message, true);
		return;
	}
	const ways = choice(providers, { purpose: "login", returnTo: "/login", prove, done: leaveForGood });

	show(header, message, ...ways.elements);
	ways.open();
	await comeBack(message, providers);
}

async function comeBack(message, providers) {
	const back = broughtBack();
	const provider = providers.find((one) => one.name === back?.provider);

	if (!back)
		return;
	if (back.error) {
		message.say(word("denied"), true);
		return;
	}
	if (!provider) {
		message.say(word("other_window"), true);
		return;
	}
	try {
		await prove(provider, { flow_id: back.flow_id, grant: back.grant });
		history.replaceState(null, "", back.page);
		leaveForGood();
	} catch (refusal) {
		message.say(refusal.message, true);
	}
}

start();
