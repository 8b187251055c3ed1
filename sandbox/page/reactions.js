// Reactions below a message: each a chip with its count, which a press adds to or takes from.

import { emoji } from "./components.js";
import { el, icon } from "./dom.js";
import { pickEmoji } from "./emoji.js";

/** How the server names an emoji in a reaction: NAME:ID for one of a server's own. */
export const emojiKey = ({ id, name }) => (id ? `${name}:${id}` : name);

/** `react(emoji, on)` adds one's own reaction or takes it away. */
export function reactions(message, react) {
  const list = message.reactions ?? [];
  if (!list.length) return null;
  return el(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    list.map((reaction) => chip(reaction, react)),
    add(react),
  );
}

function chip({ emoji: sign, count, me }, react) {
  const people = count === 1 ? "1 person" : `${count} people`;
  const label = `${sign.name}, ${people}${me ? ", you too" : ""}`;
  return el(
    "button",
    {
      class: "reaction",
      type: "button",
      title: label,
      "aria-label": label,
      "aria-pressed": String(Boolean(me)),
      data: { testid: "reaction", emoji: emojiKey(sign) },
      on: { click: () => react(emojiKey(sign), !me) },
    },
    emoji(sign),
    el("span", {}, count),
  );
}

function add(react) {
  const button = el(
    "button",
    {
      class: "reaction add",
      type: "button",
      title: "Add a reaction",
      "aria-label": "Add a reaction",
      "aria-expanded": "false",
      data: { testid: "add-reaction" },
    },
    icon("react", 18),
  );
  button.addEventListener("click", async () => {
    const sign = await pickEmoji(button);
    if (sign) react(sign, true);
  });
  return button;
}
