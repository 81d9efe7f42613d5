// SPDX-License-Identifier: Apache-2.0
// The choice between all ways to prove who one is: a tab for each that asks for something here, a button for each
// that is finished on another site or a phone.

import { button, element, labelOf, word } from "/assets/common.js";
import { isElsewhere, offer } from "/assets/prove.js";

// A way that has no begin and asks for nothing is for programs.
export function isUsable(provider) {
	return provider.capabilities.begin || (provider.capabilities.direct && provider.inputs.length > 0);
}

// How is what offer() takes. elements are to be shown; open() shows the first way; leave() ends the one that is shown.
export function choice(providers, how) {
	const box = element("div", { role: "tabpanel", id: newId("way") });
	const here = providers.filter((one) => !isElsewhere(one));
	const elsewhere = providers.filter(isElsewhere);
	let leave = null;

	const choose = (provider, chooser) => {
		leave?.();
		for (const tab of list.children) {
			tab.setAttribute("aria-selected", String(tab === chooser));
			tab.tabIndex = tab === chooser || (!list.contains(chooser) && tab === list.firstChild) ? 0 : -1;
		}
		box.setAttribute("aria-labelledby", chooser.id);
		leave = offer(box, provider, how);
	};
	const list = tabList(here, box, choose);

	return {
		elements: [
			here.length > 0 ? list : null, box, elsewhere.length > 0 ? buttonGroup(elsewhere, choose) : null,
		].filter(Boolean),
		open: () => list.firstChild?.click(),
		leave: () => leave?.(),
	};
}

let nIds = 0;

function newId(what) {
	return `${what}-${++nIds}`;
}

// Arrow keys move between the tabs (WAI-ARIA tabs pattern).
function tabList(providers, box, choose) {
	const list = element("div", { role: "tablist", "aria-label": word("ways") });

	providers.forEach((provider, i) => {
		const tab = element("button", {
			type: "button", role: "tab", id: newId("tab"), "aria-controls": box.id,
			onclick: () => choose(provider, tab),
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

function buttonGroup(providers, choose) {
	return element("div", { class: "ways", role: "group", "aria-label": word("elsewhere") },
		...providers.map((provider) => {
			const made = button(word("continue_with", labelOf(provider)), () => choose(provider, made), "quiet");

			made.id = newId("way");
			return made;
		}));
}
