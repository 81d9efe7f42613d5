// SPDX-License-Identifier: Apache-2.0
// What was to be bound is another account's: who can sign in there too may take it from there.

import { button, call, element, labelOf, messageLine, word } from "/assets/common.js";
import { choice, isUsable } from "/assets/ways.js";

const DEVICE = { platform: "web", device_type: "browser" };

// Without the cookie, so that the page stays signed in as who it is.
export function signInThere(provider, fields) {
	return call("POST", `/api/v1/auth/${provider.name}/verify`, { ...fields, device: DEVICE }, { credentials: "omit" });
}

// Its account may be closed by now, and then so is the session.
function signOutThere(tokens) {
	if (tokens)
		call("POST", "/api/v1/auth/logout", {}, { credentials: "omit", token: tokens.access_token }).catch(() => {});
}

// Lets the person sign in to the other account, in a dialog, and binds again by request(fields). refusal has said that
// this is possible; it is what comes of it when the person gives up. tokens: of the other account, when they have
// been there already.
export function linkOther({ providers, provider, fields, refusal, request, tokens = null }) {
	return new Promise((resolve, reject) => {
		const linking = { providers, provider, fields, refusal, request, resolve, reject, tokens: null, leave: null,
			isTaking: false };

		linking.message = messageLine();
		linking.body = element("div");
		linking.warning = element("p", { class: "bad" }, word("link_closes"));
		linking.cancel = button(word("cancel"), () => linking.dialog.close(), "quiet");
		linking.dialog = element("dialog", {
			"aria-labelledby": "link-title",
			oncancel: (event) => {
				if (linking.isTaking)
					event.preventDefault();
			},
			onclose: () => {
				if (!linking.isTaking) // else take() ends it: some browsers close at the second Esc whatever is said
					end(linking);
			},
		},
		element("h2", { id: "link-title" }, word("link_title")),
		element("p", {}, word("link_text", labelOf(provider))),
		linking.warning, linking.message, linking.body, linking.cancel);

		mustClose(linking, refusal.data.link.closes_account);
		document.body.append(linking.dialog);
		if (tokens)
			goOn(linking, tokens);
		else
			askToSignIn(linking);
		linking.dialog.showModal();
	});
}

// Once the dialog is closed.
function end(linking) {
	place(linking);
	forgetOther(linking);
	linking.dialog.remove();
	linking.reject(linking.refusal); // which is nothing any more when it went well
}

function forgetOther(linking) {
	signOutThere(linking.tokens);
	linking.tokens = null;
}

function mustClose(linking, isSo) {
	linking.closesOther = isSo;
	linking.warning.hidden = !isSo;
}

function place(linking, ...children) {
	linking.leave?.();
	linking.leave = null;
	linking.body.replaceChildren(...children);
	linking.body.querySelector("input")?.focus();
}

function askToSignIn(linking) {
	const { providers, provider, fields, refusal } = linking;
	const ways = choice(providers.filter(isUsable), {
		purpose: "login", returnTo: "/account", prove: signInThere, late: signOutThere,
		done: (tokens) => (linking.dialog.open ? goOn(linking, tokens) : signOutThere(tokens)),
		along: { provider: provider.name, fields, refusal: refusal.envelope },
	});

	place(linking, ...ways.elements);
	linking.leave = ways.leave;
	ways.open();
}

function goOn(linking, tokens) {
	linking.tokens = tokens;
	if (tokens.is_new_user)
		sayItIsNew(linking);
	else if (linking.closesOther)
		askForConsent(linking);
	else
		take(linking, {});
}

// Nothing is there to be moved, and another sign-in would not be what the person meant either.
function sayItIsNew(linking) {
	place(linking);
	mustClose(linking, false);
	forgetOther(linking);
	linking.message.say(word("link_new"), true);
}

function askForConsent(linking) {
	const box = element("input", { type: "checkbox", id: "close-other", onchange: () => { close.disabled = !box.checked; } });
	const close = button(word("link_close"), () => {
		close.disabled = true;
		take(linking, { close_other: true });
	});

	close.disabled = true;
	place(linking, element("label", { for: "close-other", class: "check" }, box, word("link_agree")), element("p", {}, close));
}

// Who has begun this can no longer give it up: what comes of it is told.
async function take(linking, agreed) {
	const { request, fields, tokens, dialog } = linking;

	place(linking);
	setTaking(linking, true);
	try {
		linking.resolve(await request({ ...fields, other_token: tokens.access_token, ...agreed }));
		dialog.close();
	} catch (refusal) {
		if (dialog.open)
			askAgain(linking, refusal, agreed);
	}
	setTaking(linking, false);
	if (!dialog.open)
		end(linking);
}

function setTaking(linking, isSo) {
	linking.isTaking = isSo;
	linking.cancel.disabled = isSo;
}

function askAgain(linking, refusal, agreed) {
	linking.message.say(refusal.message, true);
	if (refusal.error === "last_login_method" && !agreed.close_other) { // since its owner was asked
		mustClose(linking, true);
		askForConsent(linking);
	} else if (refusal.status !== 410 && refusal.status !== 409) { // after which no other answer will come
		forgetOther(linking);
		askToSignIn(linking);
	}
}
