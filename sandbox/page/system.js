// What Discord itself writes into a channel: who pinned, who began a thread, who came.

import { el, icon } from "./dom.js";
import { fullDate, messageTime } from "./time.js";

const PINNED = 6;
const JOINED = 7;
const THREAD_CREATED = 18;

const DRAWN = { [PINNED]: pinned, [JOINED]: joined, [THREAD_CREATED]: threadCreated };

export const isSystem = (message) => message.type in DRAWN;

/** The line of a message of the system: an icon, and words in place of author and content. */
export function systemRow(message, ctx) {
  const { mark, words } = DRAWN[message.type](message, ctx);
  return [
    el("span", { class: `system-mark mark-${mark}` }, icon(MARKS[mark], 20)),
    el(
      "div",
      { class: "message-body" },
      el("span", { class: "content", data: { testid: "content" } }, words),
      el(
        "time",
        { datetime: message.timestamp, title: fullDate(message.timestamp) },
        messageTime(message.timestamp),
      ),
      ctx.below,
    ),
  ];
}

const MARKS = { pin: "pin", join: "user", thread: "thread" };

const link = (text, testid, act) =>
  el(
    "button",
    { class: "system-link", type: "button", data: { testid }, on: { click: act } },
    text,
  );

function who(message, { model }) {
  const author = model.author(message);
  const color = model.nameColor(author);
  return el("span", { class: "author", style: color && { "--name": color } }, author.display);
}

function pinned(message, ctx) {
  const target = message.message_reference?.message_id;
  const words = [
    who(message, ctx),
    " pinned ",
    link("a message", "pinned-message", () => ctx.openMessage(target)),
    " to this channel. See all ",
    link("pinned messages", "all-pins", () => ctx.openPins()),
  ];
  return { mark: "pin", words };
}

function joined(message, ctx) {
  return { mark: "join", words: [who(message, ctx), " joined the server."] };
}

function threadCreated(message, ctx) {
  const thread = message.thread?.id ?? message.message_reference?.channel_id;
  const words = [
    who(message, ctx),
    " started a thread: ",
    link(message.content, "started-thread", () => ctx.openChannel(String(thread))),
    ". See all ",
    link("threads", "all-threads", () => ctx.openThreads()),
  ];
  return { mark: "thread", words };
}
