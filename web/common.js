// SPDX-License-Identifier: Apache-2.0
// What the pages share: words in two languages, calls of the API, elements.

const WORDS = {
	en: {
		account: "Your account", add: "Add", again: "Start again", avatar: "Picture (address)", cancel: "Cancel",
		change: "Change", code_sent: "A code is on its way.", confirm_end: "End this session?",
		confirm_remove: "Remove this way to sign in? {0}", continue: "Continue",
		continue_with: "Continue with {0}", current: "this one", denied: "It was refused.", devices: "Sessions",
		elsewhere: "On another site or your phone", end: "End", end_others: "End all others", ended: "Ended.",
		expired: "This has expired.", identities: "Ways to sign in", language: "中文", link_agree: "Close the other account for good",
		link_close: "Close it and go on",
		link_closes: "Nothing else leads to that account. It will be closed, and what it holds is lost.",
		link_new: "Nobody had signed in like that before, so it has made a new account. Nothing has moved.",
		link_text: "{0}: this is a way to sign in to another account. If that one is yours too, sign in to it here, " +
			"and this way moves to the account you are in.",
		link_title: "It belongs to another account",
		logins: "Recent sign-ins", lost: "The server cannot be reached. Try again.", more: "More",
		new_password: "New password", nickname: "Name shown", old_password: "Present password",
		other_window: "Go back to the window in which you began.", password: "Password",
		password_changed: "The password is changed.", pending: "Scan the code with your phone.",
		qr: "QR code for your phone", refused: "refused", remove: "Remove", removed: "Removed.", resend: "Send another",
		resend_in: "Another in {0} s", save: "Save", saved: "Saved.", scanned: "Scanned. Confirm on your phone.",
		send_code: "Send a code", sign_in: "Sign in", sign_out: "Sign out", since: "since {0}", ways: "Ways to sign in",
	},
	zh: {
		account: "我的账号", add: "绑定", again: "重新开始", avatar: "头像(地址)", cancel: "取消",
		change: "修改", code_sent: "验证码已发送。", confirm_end: "下线该会话?",
		confirm_remove: "移除该登录方式?{0}", continue: "继续",
		continue_with: "使用{0}继续", current: "当前会话", denied: "已被拒绝。", devices: "登录设备",
		elsewhere: "通过其他网站或手机", end: "下线", end_others: "下线其他全部会话", ended: "已下线。",
		expired: "已过期。", identities: "登录方式", language: "English", link_agree: "永久注销另一账号",
		link_close: "注销并继续", link_closes: "另一账号没有其他登录方式,它将被注销,其中的内容会丢失。",
		link_new: "此前没有人这样登录过,因此注册了一个新账号;没有转移任何登录方式。",
		link_text: "{0}:该登录方式属于另一账号。如果那个账号也是您的,请在此登录它,该登录方式将转移到当前账号。",
		link_title: "已绑定另一账号",
		logins: "最近登录记录", lost: "无法连接服务器,请重试。", more: "更多",
		new_password: "新密码", nickname: "昵称", old_password: "当前密码",
		other_window: "请回到您开始操作的窗口。", password: "密码",
		password_changed: "密码已修改。", pending: "请用手机扫描二维码。",
		qr: "手机扫描的二维码", refused: "已拒绝", remove: "移除", removed: "已移除。", resend: "重新发送",
		resend_in: "{0} 秒后可重新发送", save: "保存", saved: "已保存。", scanned: "已扫描,请在手机上确认。",
		send_code: "发送验证码", sign_in: "登录", sign_out: "退出登录", since: "自 {0}", ways: "登录方式",
	},
};

export const lang = chosenLanguage();
document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";

function chosenLanguage() {
	const chosen = localStorage.getItem("lang");
	if (chosen === "zh" || chosen === "en")
		return chosen;
	return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function word(name, ...values) {
	return values.reduce((text, value, i) => text.replace(`{${i}}`, value), WORDS[lang][name]);
}

// error is the API's stable name, "lost" when there was no answer of its own.
export class Refusal extends Error {
	constructor(status, envelope) {
		super(envelope?.message ?? word("lost"));
		this.status = status;
		this.error = envelope?.error ?? "lost";
		this.fields = envelope?.fields ?? [];
		this.data = envelope?.data ?? null;
		this.envelope = envelope;
	}
}

// The cookie says who asks, unless credentials are "omit"; then a token may.
export async function call(method, path, body, { credentials = "same-origin", token } = {}) {
	const headers = { "Accept-Language": lang };
	let answer, envelope;

	if (token)
		headers.Authorization = `Bearer ${token}`;
	if (body)
		headers["Content-Type"] = "application/json";
	try {
		answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), credentials });
		envelope = await answer.json();
	} catch {
		throw new Refusal(answer?.status ?? 0, null);
	}
	if (!envelope.success)
		throw new Refusal(answer.status, envelope);
	return envelope.data;
}

// Texts go in as texts: nothing of the server or of a person becomes markup.
export function element(tag, attributes = {}, ...children) {
	const made = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on"))
			made.addEventListener(name.slice(2), value);
		else if (typeof value === "boolean")
			made.toggleAttribute(name, value);
		else if (value !== null && value !== undefined)
			made.setAttribute(name, value);
	}
	made.append(...children.filter((child) => child !== null && child !== undefined));
	return made;
}

// label: what a screen reader says where the text alone would not tell which of several it is.
export function button(text, onclick, kind = "", label = null) {
	return element("button", { type: "button", class: kind, onclick, "aria-label": label }, text);
}

export function time(text) {
	return new Date(text).toLocaleString(lang === "zh" ? "zh-CN" : "en");
}

// A line that screen readers say aloud when it changes.
export function messageLine() {
	const line = element("p", { class: "message", role: "status", "aria-live": "polite" });

	line.say = (text, isBad = false) => {
		line.className = isBad ? "message bad" : "message";
		line.textContent = text;
	};
	return line;
}

// Marks the fields that a refusal names, and goes to the first of them.
export function markFields(box, wrong) {
	for (const input of box.querySelectorAll("input"))
		input.setAttribute("aria-invalid", String(wrong.some((one) => one.field === input.name)));
	box.querySelector("[aria-invalid=true]")?.focus();
}

export function languageButton() {
	return button(word("language"), () => {
		localStorage.setItem("lang", lang === "zh" ? "en" : "zh");
		location.reload();
	}, "quiet");
}

export function labelOf(thing) {
	return thing.label[lang];
}

export function show(...children) {
	const page = document.getElementById("page");

	page.replaceChildren(...children.filter(Boolean));
}
