// SPDX-License-Identifier: Apache-2.0
// /account: the profile, the ways to sign in, the sessions, what was tried, and the password of whoever is signed in.

import { button, call, element, languageButton, markFields, messageLine, show, word } from "/assets/common.js";
import { loginPage, loginSection, sessionSection } from "/assets/history.js";
import { bind, goOnLinking, identitySection } from "/assets/identities.js";
import { broughtBack } from "/assets/prove.js";
import { isUsable } from "/assets/ways.js";

const page = document.getElementById("page");
const message = messageLine();

document.title = word("account");

// Runs a change and draws the page anew; who is not signed in goes to sign in.
async function change(request, said) {
	const focused = document.activeElement?.id;

	try {
		await request();
		await draw();
		message.say(said ?? "");
		(document.getElementById(focused) ?? page).focus();
	} catch (refusal) {
		if (refusal.status === 401 && refusal.error !== "invalid_credentials")
			location.assign("/login?return_to=/account");
		message.say(refusal.message, true);
		markFields(page, refusal.fields ?? []);
	}
}

function textField(name, value, more = {}) {
	return [
		element("label", { for: name }, word(name)),
		element("input", { id: name, name, value: value ?? "", ...more }),
	];
}

// ---- Profile ----

// Other pictures the page's policy does not load.
function isShowable(address) {
	return address?.startsWith("https://") || address?.startsWith("/");
}

function picture(profile) {
	if (!isShowable(profile.avatar))
		return null;
	const image = element("img", { class: "avatar", src: profile.avatar, alt: "", onerror: () => image.remove() });

	return image;
}

function profileForm(profile) {
	return element("form", {
		onsubmit: (event) => {
			const { nickname, avatar } = event.target;

			event.preventDefault();
			change(() => call("PUT", "/api/v1/user/profile", { nickname: nickname.value, avatar: avatar.value }), word("saved"));
		},
	},
	...textField("nickname", profile.nickname, { autocomplete: "nickname" }),
	...textField("avatar", profile.avatar, { autocomplete: "photo", inputmode: "url", placeholder: "https://" }),
	element("button", { type: "submit" }, word("save")));
}

// ---- Password ----

function passwordForm() {
	const secret = (name, autocomplete) => textField(name, "", { type: "password", autocomplete });

	return element("form", {
		onsubmit: (event) => {
			const form = event.target;
			const body = { new_password: form.new_password.value };

			event.preventDefault();
			if (form.old_password.value)
				body.old_password = form.old_password.value;
			change(() => call("PUT", "/api/v1/user/password", body), word("password_changed"));
		},
	}, ...secret("old_password", "current-password"), ...secret("new_password", "new-password"),
	element("button", { type: "submit" }, word("change")));
}

// ---- The page ----

async function signOut() {
	await change(() => call("POST", "/api/v1/auth/logout", {}));
}

async function draw() {
	const [profile, { identities }, { sessions }, { providers }, logins] = await Promise.all([
		...["/api/v1/user/profile", "/api/v1/user/identities", "/api/v1/user/sessions", "/api/v1/auth/providers"]
			.map((path) => call("GET", path)), loginPage()]);
	const passwords = providers.some((one) => one.capabilities.bind && !one.capabilities.begin && isUsable(one));

	show(
		element("header", {}, picture(profile),
			element("h1", {}, profile.nickname ?? profile.phone ?? profile.email ?? word("account")),
			element("span", {}, languageButton(), button(word("sign_out"), signOut, "quiet"))),
		message,
		profileForm(profile),
		...identitySection(identities, providers, change),
		...sessionSection(sessions, change),
		passwords ? element("h2", {}, word("password")) : null,
		passwords ? passwordForm() : null,
		...loginSection(logins, providers, message.say));
}

// What became of a way that was brought back: {said, isBad}. A 401 may be of the proof alone: whether anybody is
// signed in, drawing finds out.
async function endOf(back) {
	if (back.error && !back.along)
		return { said: word("denied"), isBad: true };
	try {
		const { providers } = await call("GET", "/api/v1/auth/providers");
		const provider = providers.find((one) => one.name === back.provider);

		if (!provider || (back.purpose !== "bind" && !back.along))
			return { said: word("other_window"), isBad: true };
		if (back.along)
			await goOnLinking(providers, provider, back);
		else
			await bind(providers, provider, { flow_id: back.flow_id, grant: back.grant });
		return { said: word("saved"), isBad: false };
	} catch (refusal) {
		return { said: refusal.message, isBad: true };
	}
}

async function start() {
	const back = broughtBack();

	show(message); // so that there is a place to say why the rest is missing
	const end = back && await endOf(back);

	await change(async () => {});
	if (end)
		message.say(end.said, end.isBad);
}

start();
