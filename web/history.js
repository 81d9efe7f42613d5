// SPDX-License-Identifier: Apache-2.0
// The sessions of the account, and the attempts to sign in to it.

import { button, call, element, labelOf, time, word } from "/assets/common.js";

const PAGE = 10;
// The first that a user agent names; most name those after it as well.
const BROWSERS = [["MicroMessenger", "WeChat"], ["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"],
	["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"],
	["Mac OS X", "macOS"], ["Linux", "Linux"]];
const MAX_AGENT = 40;

function deviceOf(agent) {
	const named = [BROWSERS, SYSTEMS].map((list) => list.find(([text]) => agent?.includes(text))?.[1]);

	return named.some(Boolean) ? named.filter(Boolean).join(", ") : agent?.slice(0, MAX_AGENT);
}

function line(...parts) {
	return parts.filter(Boolean).join(" · ");
}

// ---- Sessions ----

function sessionRow(session, change) {
	const text = line(deviceOf(session.user_agent) ?? session.device_type ?? session.platform, session.ip_address);

	return element("li", {},
		element("span", {}, text, element("br"), element("small", {}, word("since", time(session.created_at)))),
		session.is_current
			? element("span", { class: "faint" }, word("current"))
			: button(word("end"), () => {
				if (confirm(word("confirm_end")))
					change(() => call("DELETE", `/api/v1/user/sessions/${session.session_id}`), word("ended"));
			}, "quiet", `${word("end")}: ${text}`));
}

export function sessionSection(sessions, change) {
	return [
		element("h2", {}, word("devices")),
		element("ul", { class: "rows", id: "sessions" }, ...sessions.map((one) => sessionRow(one, change))),
		sessions.length > 1
			? element("p", {}, button(word("end_others"),
				() => change(() => call("DELETE", "/api/v1/user/sessions"), word("ended")), "quiet"))
			: null,
	];
}

// ---- Attempts to sign in ----

function loginRow(login, providers) {
	const provider = providers.find((one) => one.name === login.provider);
	const isTyped = !provider || provider.inputs.length > 0;
	const isBad = login.result !== "success";

	return element("li", {},
		element("span", {}, time(login.at), element("br"), element("small", {},
			line(provider ? labelOf(provider) : login.provider, isTyped ? login.identifier : null,
				isBad ? null : deviceOf(login.user_agent), // of a try it is any stranger's text
				login.ip_address))),
		login.is_current || isBad
			? element("span", { class: isBad ? "bad" : "faint" }, word(isBad ? "refused" : "current"))
			: null);
}

export function loginSection(first, providers, say) {
	const list = element("ul", { class: "rows", id: "logins" });
	let next = null, isAsking = false;
	const more = button(word("more"), async () => {
		if (isAsking)
			return;
		isAsking = true;
		try {
			add(await loginPage(next));
		} catch (refusal) {
			say(refusal.message, true);
		}
		isAsking = false;
	}, "quiet");
	const add = (page) => {
		const rows = page.logins.map((one) => loginRow(one, providers));

		list.append(...rows);
		next = page.next;
		if (!next && document.activeElement === more) { // the focus stays where the reading goes on
			const at = rows[0] ?? list;

			at.tabIndex = -1;
			at.focus();
		}
		more.hidden = !next;
	};

	add(first);
	return [element("h2", {}, word("logins")), list, element("p", {}, more)];
}

export function loginPage(before) {
	const query = new URLSearchParams({ limit: PAGE, ...(before ? { before } : {}) });

	return call("GET", `/api/v1/user/logins?${query}`);
}
