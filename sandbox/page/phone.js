// The phone beside the server: the lock screen of the current user, and the banners that
// slide in when something arrives elsewhere. Shows what a phone would, plain text only.

import { el, fill, icon } from "./dom.js";
import { briefAge, clockTime, weekday } from "./time.js";

const BANNER_MS = 6000;

const authorOf = (note) =>
  note.author?.display_name ??
  note.author?.global_name ??
  note.author?.username ??
  note.author?.name ??
  String(note.author ?? "");

export function renderPhone(node, { model, openNotification, close }) {
  const notes = [...model.notifications].reverse();
  fill(
    node,
    el(
      "button",
      {
        class: "icon-button phone-close",
        type: "button",
        "aria-label": "Put the phone away",
        data: { testid: "close-phone" },
        on: { click: close },
      },
      icon("close", 22),
    ),
    el(
      "div",
      { class: "phone-frame" },
      el(
        "div",
        { class: "phone-bar" },
        el("span", {}, clockTime(new Date())),
        el("span", { class: "phone-notch" }),
        el("span", {}, `${model.me.display}'s phone`),
      ),
      el(
        "div",
        { class: "phone-clock" },
        el("span", { class: "phone-day" }, weekday(new Date())),
        el("span", { class: "phone-time" }, clockTime(new Date()).replace(/\s?[AP]M$/i, "")),
      ),
      notes.length
        ? el(
            "ol",
            { class: "phone-notes" },
            notes.map((note) =>
              el(
                "li",
                {},
                card(note, model, () => openNotification(note)),
              ),
            ),
          )
        : el("p", { class: "phone-empty" }, "No notifications"),
    ),
  );
}

const REASONS = {
  dm: "Direct message",
  mention: "Mentioned you",
  everyone: "Mentioned everyone",
  message: null,
};

function card(note, model, onClick) {
  const channel = model.channel(note.channel_id);
  const where =
    note.reason === "dm" || channel?.kind === "dm"
      ? "Direct message"
      : `${model.guild.name} · #${note.channel ?? channel?.name ?? "?"}`;
  const reason = note.reason === "dm" ? null : REASONS[note.reason];
  return el(
    "button",
    {
      class: "note",
      type: "button",
      data: { testid: "notification", n: note.n, reason: note.reason, messageId: note.message_id },
      on: { click: onClick },
    },
    el(
      "span",
      { class: "note-head" },
      el("span", { class: "note-app", "aria-hidden": "true" }, icon("chat", 12)),
      el("span", { class: "note-where" }, where),
      el("span", { class: "note-age", data: { age: note.at } }, briefAge(note.at)),
    ),
    el(
      "span",
      { class: "note-author" },
      authorOf(note),
      reason && el("span", { class: "note-reason" }, reason),
    ),
    el("span", { class: "note-text" }, note.text),
  );
}

/** A banner for one fresh notification; goes by itself, stays while pointed at. */
export function showBanner(note, { model, openNotification }) {
  const stack = document.getElementById("toasts");
  const banner = card(note, model, () => {
    banner.remove();
    openNotification(note);
  });
  banner.classList.add("banner");
  banner.dataset.testid = "toast";
  banner.dataset.channelId = note.channel_id;
  let timer;
  const start = () => (timer = setTimeout(() => banner.remove(), BANNER_MS));
  // A finger enters where it taps; only a mouse that rests there is reading.
  banner.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && clearTimeout(timer));
  banner.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && start());
  start();
  stack.append(banner);
  while (stack.children.length > 3) stack.firstChild.remove();
}

/** Whoever is in a channel has no use for what announces its news. */
export function dropBanners(channelId) {
  for (const banner of document.querySelectorAll(`.banner[data-channel-id="${CSS.escape(channelId)}"]`))
    banner.remove();
}
