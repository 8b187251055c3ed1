// Above the conversation: where one is, and the ways to threads, pins, the phone and the members.
// And what stands above the first message.

import { appTag, avatar, el, fill, icon, plural } from "./dom.js";
import { pinsOf } from "./pins.js";
import { archivedTag, isArchived, isJoined } from "./threads.js";
import { dayTitle } from "./time.js";

const button = (name, label, props, ...extra) =>
  el(
    "button",
    { class: "icon-button", type: "button", title: label, "aria-label": label, ...props },
    icon(name, 22),
    ...extra,
  );

/**
 * `ctx`: `model`, `channel`, `elsewhere` and `notices` (counts), `phoneOpen`, `membersOpen`, and
 * what the buttons do: `toggle(pane)`, `openChannel(id)`, `openPins(anchor)`,
 * `openThreads(anchor)`, `threadMenu(anchor)`.
 */
export function renderHeader(node, ctx) {
  const { model, channel, elsewhere, toggle } = ctx;
  fill(
    node,
    button(
      "menu",
      "Channels",
      {
        class: "icon-button only-narrow",
        data: { testid: "open-drawer" },
        on: { click: () => toggle("drawer") },
      },
      elsewhere > 0 && el("span", { class: "dot" }),
    ),
    place(ctx),
    el(
      "h1",
      { class: "channel-title", data: { testid: "channel-title" } },
      channel ? model.channelTitle(channel) : "No channel",
    ),
    channel?.kind === "dm" && model.partner(channel).bot && appTag(),
    channel?.kind === "thread" && isArchived(channel) && archivedTag(),
    channel?.topic && el("span", { class: "channel-topic", title: channel.topic }, channel.topic),
    el("span", { class: "spacer" }),
    channel && ways(ctx),
    panes(ctx),
  );
}

/** What kind of place it is; a thread begins with the way back to its channel. */
function place({ model, channel, openChannel }) {
  if (!channel) return null;
  if (channel.kind === "guild") return icon("hash", 22);
  if (channel.kind === "dm") {
    const partner = model.partner(channel);
    return avatar(partner, 24, model.isOnline(partner) ? "online" : "offline");
  }
  const parent = model.parentOf(channel);
  return [
    parent &&
      el(
        "button",
        {
          class: "channel-parent",
          type: "button",
          "aria-label": `Back to ${parent.name}`,
          data: { testid: "thread-back" },
          on: { click: () => openChannel(parent.id) },
        },
        icon("back", 18),
        el("span", {}, parent.name),
      ),
    el("span", { class: "channel-crumb", "aria-hidden": "true" }, "›"),
    icon("thread", 20),
  ];
}

function ways({ model, channel, openPins, openThreads, threadMenu }) {
  const at = (act) => ({ click: (event) => act(event.currentTarget) });
  const popup = { "aria-haspopup": "dialog", "aria-expanded": "false" };
  const threads = model.threadsOf(channel.id).length;
  const pins = pinsOf(channel).length;
  // On a phone only what leads somewhere.
  const narrow = (count) => (count ? "icon-button" : "icon-button only-wide");
  return [
    channel.kind === "guild" &&
      button("thread", "Threads", {
        ...popup,
        class: narrow(threads),
        data: { testid: "open-threads" },
        on: at(openThreads),
      }),
    channel.kind === "thread" &&
      button("more", "Thread", { ...popup, data: { testid: "thread-menu" }, on: at(threadMenu) }),
    button("pin", "Pinned Messages", {
      ...popup,
      class: narrow(pins),
      data: { testid: "open-pins" },
      on: at(openPins),
    }),
  ];
}

function panes({ channel, notices, phoneOpen, membersOpen, toggle }) {
  const dm = channel?.kind === "dm";
  return [
    button(
      "phone",
      notices > 0 ? `Phone, ${plural(notices, "new notification")}` : "Phone",
      {
        "aria-pressed": String(phoneOpen),
        data: { testid: "open-phone" },
        on: { click: () => toggle("phone") },
      },
      notices > 0 &&
        el("span", { class: "badge", "aria-hidden": "true" }, notices > 99 ? "99+" : notices),
    ),
    button(dm ? "user" : "people", dm ? "User Profile" : "Members", {
      "aria-pressed": String(membersOpen),
      data: { testid: "open-members" },
      on: { click: () => toggle("members") },
    }),
  ];
}

/** What can be done with a thread: `{value, label, face}` for a menu. */
export function threadChoices(thread) {
  const item = (value, label, name) => ({ value, label, face: () => icon(name, 20) });
  return [
    isJoined(thread)
      ? item("leave_thread", "Leave Thread", "out")
      : item("join_thread", "Join Thread", "plus"),
    // A message opens it again.
    !isArchived(thread) && item("archive_thread", "Close Thread", "archive"),
  ].filter(Boolean);
}

/** What stands above the first message. */
export function renderBeginning(node, { model, channel }) {
  if (!channel) return fill(node);
  const [mark, title, words] = { dm: ofDm, thread: ofThread, guild: ofChannel }[channel.kind](
    channel,
    model,
  );
  fill(node, mark, el("h2", {}, title), el("p", {}, words));
}

const beginningMark = (name) => el("span", { class: "beginning-mark" }, icon(name, 40));

function ofDm(channel, model) {
  const partner = model.partner(channel);
  const words = ["This is the beginning of your direct message history with "];
  return [avatar(partner, 80), partner.display, [words, el("b", {}, partner.display), "."]];
}

function ofThread(thread, model) {
  const owner = model.user(thread.owner_id);
  const meta = thread.thread_metadata ?? {};
  const words = [
    owner && ["Started by ", el("b", {}, owner.display), ". "],
    meta.archived && `Archived on ${dayTitle(meta.archive_timestamp)}; a message reopens it.`,
  ];
  return [beginningMark("thread"), thread.name, words.flat().filter(Boolean)];
}

function ofChannel(channel) {
  const words = [`This is the start of the #${channel.name} channel. `, channel.topic];
  return [beginningMark("hash"), `Welcome to #${channel.name}!`, words.filter(Boolean)];
}
