// SPDX-License-Identifier: Apache-2.0
// /account: the profile, the ways to sign in, the sessions and the password of whoever is signed in.

import { button, call, element, labelOf, lang, languageButton, messageLine, show, word } from "/assets/common.js";
import { broughtBack, offer } from "/assets/prove.js";

const message = messageLine();

document.title = word("account");

// Runs a change and draws the page anew; who is not signed in goes to sign in.
async function change(request, said) {
	try {
		await request();
		await draw();
		message.say(said ?? "");
	} catch (refusal) {
		if (refusal.status === 401 && refusal.error !== "invalid_credentials")
			location.assign("/login?return_to=/account");
		message.say(refusal.message, true);
	}
}

function time(text) {
	return new Date(text).toLocaleString(lang === "zh" ? "zh-CN" : "en");
}

function prove(provider, fields) {
	return call("POST", `/api/v1/user/bind/${provider.name}`, fields);
}

// ---- Profile ----

function profileForm(profile) {
	return element("form", {
		onsubmit: (event) => {
			event.preventDefault();
			change(() => call("PUT", "/api/v1/user/profile", { nickname: event.target.nickname.value }), word("saved"));
		},
	}, element("label", { for: "nickname" }, word("nickname")),
	element("input", { id: "nickname", name: "nickname", value: profile.nickname ?? "", autocomplete: "nickname" }),
	element("button", { type: "submit" }, word("save")));
}

// ---- Ways to sign in ----

function identityRow(identity, providers) {
	const provider = providers.find((one) => one.name === identity.provider);

	return element("li", {},
		element("span", {}, `${provider ? labelOf(provider) : identity.provider} · ${identity.subject}`),
		button(word("remove"), () => {
			if (confirm(word("confirm_remove")))
				change(() => call("DELETE", `/api/v1/user/unbind/${identity.provider}`));
		}, "quiet"));
}

function addButton(provider) {
	return button(`${word("add")}: ${labelOf(provider)}`, () => {
		const dialog = element("dialog", { "aria-label": labelOf(provider), onclose: () => dialog.remove() });
		const box = element("div");
		const stop = offer(box, provider, {
			purpose: "bind", returnTo: "/account", prove,
			done: () => {
				dialog.close();
				change(async () => {}, word("saved"));
			},
		});

		dialog.append(box, button(word("cancel"), () => {
			stop();
			dialog.close();
		}, "quiet"));
		document.body.append(dialog);
		dialog.showModal();
	}, "quiet");
}

// ---- Sessions ----

function sessionRow(session) {
	const what = [session.device_type ?? session.platform, session.ip_address, word("since", time(session.created_at))];

	return element("li", {}, element("span", {}, what.filter(Boolean).join(" · ")),
		session.is_current
			? element("span", { class: "faint" }, word("current"))
			: button(word("end"), () => {
				if (confirm(word("confirm_end")))
					change(() => call("DELETE", `/api/v1/user/sessions/${session.session_id}`));
			}, "quiet"));
}

// ---- Password ----

function passwordForm() {
	const input = (name, complete) => [
		element("label", { for: name }, word(name)),
		element("input", { id: name, name, type: "password", autocomplete: complete }),
	];

	return element("form", {
		onsubmit: (event) => {
			const form = event.target;
			const body = { new_password: form.new_password.value };

			event.preventDefault();
			if (form.old_password.value)
				body.old_password = form.old_password.value;
			change(() => call("PUT", "/api/v1/user/password", body), word("password_changed"));
		},
	}, ...input("old_password", "current-password"), ...input("new_password", "new-password"),
	element("button", { type: "submit" }, word("change")));
}

// ---- The page ----

async function signOut() {
	await change(() => call("POST", "/api/v1/auth/logout", {}));
}

async function draw() {
	const [profile, { identities }, { sessions }, { providers }] = await Promise.all(
		["/api/v1/user/profile", "/api/v1/user/identities", "/api/v1/user/sessions", "/api/v1/auth/providers"]
			.map((path) => call("GET", path)));
	const bindable = providers.filter((one) => one.capabilities.bind && one.capabilities.begin);
	const passwords = providers.some((one) => one.capabilities.bind && !one.capabilities.begin);

	show(
		element("header", {}, element("h1", {}, profile.nickname ?? profile.phone ?? profile.email ?? word("account")),
			element("span", {}, languageButton(), button(word("sign_out"), signOut, "quiet"))),
		message,
		profileForm(profile),
		element("h2", {}, word("identities")),
		element("ul", { class: "rows", id: "identities" }, ...identities.map((one) => identityRow(one, providers))),
		element("p", {}, ...bindable.map(addButton)),
		element("h2", {}, word("devices")),
		element("ul", { class: "rows", id: "sessions" }, ...sessions.map(sessionRow)),
		sessions.length > 1
			? element("p", {}, button(word("end_others"), () => change(() => call("DELETE", "/api/v1/user/sessions")), "quiet"))
			: null,
		passwords ? element("h2", {}, word("password")) : null,
		passwords ? passwordForm() : null);
}

// What became of a way that was brought back, when it is nothing good. A 401 may be of the proof alone: whether
// anybody is signed in, drawing finds out.
async function refusalOf(back) {
	if (back?.error)
		return word("failed");
	try {
		if (back?.grant && back.provider)
			await prove({ name: back.provider }, { flow_id: back.flow_id, grant: back.grant });
		return "";
	} catch (refusal) {
		return refusal.message;
	}
}

async function start() {
	const refused = await refusalOf(broughtBack());

	show(message); // so that there is a place to say why the rest is missing
	await change(async () => {});
	if (refused)
		message.say(refused, true);
}

start();
