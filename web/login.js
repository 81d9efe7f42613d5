// SPDX-License-Identifier: Apache-2.0
// /login: every way that /auth/providers offers. ?return_to= is where to go then; the server has checked it.

import { call, element, labelOf, languageButton, messageLine, show, word } from "/assets/common.js";
import { broughtBack, offer } from "/assets/prove.js";

const DEVICE = { platform: "web", device_type: "browser" };

document.title = word("sign_in");

function leaveForGood() {
	location.replace(new URLSearchParams(location.search).get("return_to") ?? "/account");
}

function prove(provider, fields) {
	return call("POST", `/api/v1/auth/${provider.name}/verify`, { ...fields, cookie: true, device: DEVICE });
}

// Arrow keys move between the tabs (WAI-ARIA tabs pattern).
function tabs(providers, choose) {
	const list = element("div", { role: "tablist", "aria-label": word("ways") });
	const select = (tab, i) => {
		for (const other of list.children) {
			other.setAttribute("aria-selected", String(other === tab));
			other.tabIndex = other === tab ? 0 : -1;
		}
		choose(providers[i], tab);
	};

	providers.forEach((provider, i) => {
		const tab = element("button", {
			type: "button", role: "tab", id: `tab-${provider.name}`, "aria-controls": "way",
			onclick: () => select(tab, i),
			onkeydown: (event) => {
				const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
				const next = list.children[(i + step + providers.length) % providers.length];

				if (step) {
					next.focus();
					next.click();
				}
			},
		}, labelOf(provider));
		list.append(tab);
	});
	return list;
}

function usable(provider) {
	return provider.capabilities.begin || provider.capabilities.direct;
}

async function start() {
	const message = messageLine();
	const box = element("div", { id: "way", role: "tabpanel" });
	const header = element("header", {}, element("h1", {}, word("sign_in")), languageButton());
	let leave = null, providers;

	show(header, message);
	try {
		providers = (await call("GET", "/api/v1/auth/providers")).providers.filter(usable);
	} catch (refusal) {
		message.say(refusal.message, true);
		return;
	}
	const list = tabs(providers, (provider, tab) => {
		leave?.();
		box.setAttribute("aria-labelledby", tab.id);
		leave = offer(box, provider, { purpose: "login", returnTo: "/login", prove, done: leaveForGood });
	});

	show(header, message, list, box);
	list.firstChild?.click();
	await comeBack(message, providers);
}

async function comeBack(message, providers) {
	const back = broughtBack();
	const provider = providers.find((one) => one.name === back?.provider);

	if (!back)
		return;
	if (back.error) {
		message.say(word("failed"), true);
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
