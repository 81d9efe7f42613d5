// SPDX-License-Identifier: Apache-2.0
// The ways to sign in of the account: shown, added, taken away.

import { Refusal, button, call, element, labelOf, time, word } from "/assets/common.js";
import { linkOther, signInThere } from "/assets/link.js";
import { isElsewhere, offer } from "/assets/prove.js";

function requestFor(provider) {
	return (fields) => call("POST", `/api/v1/user/bind/${provider.name}`, fields);
}

// Binds what was proved. What is another account's may be taken from there, where the server says so.
export async function bind(providers, provider, fields) {
	const request = requestFor(provider);

	try {
		return await request(fields);
	} catch (refusal) {
		if (!refusal.data?.link)
			throw refusal;
		return linkOther({ providers, provider, fields, refusal, request });
	}
}

// Goes on where the browser left to sign in to the other account on another site.
export async function goOnLinking(providers, there, back) {
	const provider = providers.find((one) => one.name === back.along.provider);
	const refusal = new Refusal(409, back.along.refusal);
	const tokens = back.grant ? await signInThere(there, { flow_id: back.flow_id, grant: back.grant }) : null;

	return linkOther({ providers, provider, fields: back.along.fields, refusal, request: requestFor(provider), tokens });
}

// What a person knows an identity by: what they typed, or what the provider calls them.
function textOf(identity, provider) {
	const isTyped = !provider || provider.inputs.some((input) => input.step === "begin");

	return [provider ? labelOf(provider) : identity.provider ?? identity.namespace,
		isTyped ? identity.subject : identity.name].filter(Boolean).join(" · ");
}

function identityRow(identity, provider, change) {
	const text = textOf(identity, provider);
	const what = provider?.capabilities.whole ? undefined : { id: identity.id };

	return element("li", {},
		element("span", {}, text, element("br"), element("small", {}, word("since", time(identity.bound_at)))),
		provider ? button(word("remove"), () => {
			if (confirm(word("confirm_remove", text)))
				change(() => call("DELETE", `/api/v1/user/unbind/${identity.provider}`, what), word("removed"));
		}, "quiet", `${word("remove")}: ${text}`) : null);
}

// Identities that are one thing to their provider are one row, since they go together.
function rowsOf(identities, providerOf) {
	const kinds = new Set();

	return identities.filter((identity) => {
		const provider = providerOf(identity);
		const isShown = provider?.capabilities.whole && kinds.has(provider.kind);

		kinds.add(provider?.kind);
		return !isShown;
	});
}

function addButton(provider, providers, change) {
	return button(`${word("add")}: ${labelOf(provider)}`, () => {
		const box = element("div");
		const dialog = element("dialog", { "aria-label": labelOf(provider), onclose: () => {
			leave();
			dialog.remove();
		} });

		const leave = offer(box, provider, {
			purpose: "bind", returnTo: "/account", prove: (one, fields) => bind(providers, one, fields),
			done: () => {
				dialog.close();
				change(async () => {}, word("saved"));
			},
		});

		dialog.append(box, button(word("cancel"), () => dialog.close(), "quiet"));
		document.body.append(dialog);
		dialog.showModal(); // last, since it puts the focus on the first thing inside
	}, "quiet");
}

// change(request, said) runs a request and draws the page anew.
export function identitySection(identities, providers, change) {
	const providerOf = (identity) => providers.find((one) => one.name === identity.provider);
	// Of another site or a phone an account has one: who wants another removes the first.
	const isThere = (provider) => isElsewhere(provider) && identities.map(providerOf).some((one) =>
		one === provider || (one?.capabilities.whole && one.kind === provider.kind));
	const addable = providers.filter((one) => one.capabilities.bind && one.capabilities.begin && !isThere(one));

	return [
		element("h2", {}, word("identities")),
		element("ul", { class: "rows", id: "identities" },
			...rowsOf(identities, providerOf).map((one) => identityRow(one, providerOf(one), change))),
		element("p", { class: "adds" }, ...addable.map((one) => addButton(one, providers, change))),
	];
}
