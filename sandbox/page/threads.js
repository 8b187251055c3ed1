// Threads: the card below the message where one began, and the panel that lists those of a channel.

import { avatar, el, icon, plural } from "./dom.js";
import { PRIVATE_THREAD } from "./model.js";
import { openPanel } from "./overlay.js";
import { briefAge } from "./time.js";

export const isArchived = (thread) => Boolean(thread?.thread_metadata?.archived);
export const isJoined = (thread) => Boolean(thread?.member);

/** The newest message of a thread that says something, if the server shows it. */
function lastWords(thread, model) {
  const message = model.channel(String(thread.id))?.messages.at(-1);
  if (!message) return null;
  const words = message.content || message.embeds?.find((embed) => embed.title)?.title;
  const author = model.author(message);
  return { author, words: words ?? "sent a message without words", at: message.timestamp };
}

const countOf = (thread, model) =>
  thread.message_count ?? model.channel(String(thread.id))?.messages.length ?? 0;

/** Below a message: the thread that began there. */
export function threadCard(thread, ctx) {
  const archived = isArchived(ctx.model.channel(String(thread.id)) ?? thread);
  return el(
    "button",
    {
      class: "thread-card",
      type: "button",
      data: { testid: "thread-card", threadId: thread.id },
      on: { click: () => ctx.openChannel(String(thread.id)) },
    },
    el(
      "span",
      { class: "thread-head" },
      el("span", { class: "thread-name" }, thread.name),
      el("span", { class: "thread-count" }, `${plural(countOf(thread, ctx.model), "Message")} ›`),
      archived && archivedTag(),
    ),
    lastLine(thread, ctx.model),
  );
}

export const archivedTag = () =>
  el("span", { class: "archived-tag" }, icon("archive", 14), "Archived");

function lastLine(thread, model) {
  const last = lastWords(thread, model);
  if (!last) return el("span", { class: "thread-last" }, "There are no recent messages.");
  const color = model.nameColor(last.author);
  return el(
    "span",
    { class: "thread-last" },
    avatar(last.author, 16),
    el("span", { class: "person-name", style: color && { "--name": color } }, last.author.display),
    el("span", { class: "thread-words" }, last.words),
    el("span", { data: { age: last.at } }, briefAge(last.at)),
  );
}

/**
 * The panel of a channel's threads. `actions`: `openChannel(id)` and `createThread(name)`, which
 * resolves to whether it was created. With `creating` the panel opens at the field for a new one.
 */
export function openThreads(anchor, { model, channel, actions, creating }) {
  openPanel({
    anchor,
    title: "Threads",
    face: icon("thread", 22),
    testid: "threads-panel",
    draw: (close) => [
      newThread({ actions, close, focus: creating }),
      ...sections(model().threadsOf(channel.id), { model: model(), actions, close }),
    ],
  });
}

function sections(threads, ctx) {
  const section = (title, list) =>
    list.length > 0 && [
      el("h3", {}, `${title} — ${list.length}`),
      list.map((thread) => threadRow(thread, ctx)),
    ];
  const active = threads.filter((thread) => !isArchived(thread));
  return [
    !threads.length && el("p", { class: "panel-empty" }, "There are no threads here yet."),
    section("Joined threads", active.filter(isJoined)),
    section("Other active threads", active.filter((thread) => !isJoined(thread))),
    section("Archived threads", threads.filter(isArchived)),
  ];
}

function threadRow(thread, { model, actions, close }) {
  const open = () => {
    close();
    actions.openChannel(String(thread.id));
  };
  return el(
    "button",
    {
      class: "thread-row",
      type: "button",
      data: { testid: "thread-row", threadId: thread.id },
      on: { click: open },
    },
    el(
      "span",
      { class: "thread-head" },
      thread.type === PRIVATE_THREAD && icon("lock", 14),
      el("span", { class: "thread-name" }, thread.name),
      isArchived(thread) && archivedTag(),
    ),
    lastLine(thread, model),
  );
}

function newThread({ actions, close, focus }) {
  const name = el("input", {
    class: "field-text",
    id: "thread-name",
    maxlength: 100,
    autocomplete: "off",
    autofocus: focus,
    placeholder: "New Thread",
    data: { testid: "thread-name" },
  });
  const send = el(
    "button",
    { class: "button primary", type: "submit", data: { testid: "create-thread" } },
    "Create Thread",
  );
  const form = el(
    "form",
    { class: "create-thread" },
    el("label", { for: "thread-name" }, "Thread name"),
    name,
    send,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!name.value.trim()) return name.focus();
    send.disabled = true;
    await actions.createThread(name.value.trim());
    close();
  });
  return form;
}
