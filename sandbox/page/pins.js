// The pinned messages of a channel, in a panel below the header's pin.

import { appTag, avatar, el, icon } from "./dom.js";
import { markdown } from "./markdown.js";
import { openPanel } from "./overlay.js";
import { messageTime } from "./time.js";

export const pinsOf = (channel) =>
  (channel?.messages ?? []).filter((message) => message.pinned).reverse();

/** `actions`: `openMessage(id)` and `pin(message, on)`. Returns what draws the panel anew. */
export function openPins(anchor, { model, channel, actions }) {
  return openPanel({
    anchor,
    title: "Pinned Messages",
    face: icon("pin", 22),
    testid: "pins-panel",
    draw: (close) => {
      const pins = pinsOf(model().channel(channel.id));
      return pins.length
        ? pins.map((message) => pin(message, { model: model(), actions, close }))
        : el("p", { class: "panel-empty" }, "This channel has no pinned messages… yet.");
    },
  });
}

function pin(message, { model, actions, close }) {
  const author = model.author(message);
  const color = model.nameColor(author);
  const jump = () => {
    close();
    actions.openMessage(message.id);
  };
  const act = (label, testid, run) =>
    el(
      "button",
      { class: "button secondary", type: "button", data: { testid }, on: { click: run } },
      label,
    );
  return el(
    "article",
    { class: "pin", data: { testid: "pin", messageId: message.id } },
    avatar(author, 40),
    el(
      "div",
      { class: "pin-body" },
      el(
        "div",
        { class: "message-head" },
        el("span", { class: "author", style: color && { "--name": color } }, author.display),
        author.bot && appTag(),
        el("time", { datetime: message.timestamp }, messageTime(message.timestamp)),
      ),
      message.content &&
        el(
          "div",
          { class: "content markup" },
          markdown(message.content, { model, openChannel: actions.openChannel }),
        ),
      (message.embeds ?? []).map(embed),
    ),
    el(
      "div",
      { class: "pin-acts" },
      act("Jump", "pin-jump", jump),
      act("Unpin", "unpin", () => actions.pin(message, false)),
    ),
  );
}

function embed({ title, description, color }) {
  const bar = Number.isInteger(color) && `#${color.toString(16).padStart(6, "0")}`;
  return el(
    "div",
    { class: "pin-embed", style: bar && { "--bar": bar } },
    title && el("b", {}, title),
    description,
  );
}
