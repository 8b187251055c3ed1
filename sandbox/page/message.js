// One message as a list item, and the placeholders that stand where an answer will.

import { userApps } from "./apps.js";
import { attachments } from "./attachments.js";
import { components, dots } from "./components.js";
import { appTag, avatar, el, icon, isTouched } from "./dom.js";
import { embeds } from "./embed.js";
import { isJumbo, markdown } from "./markdown.js";
import { answeredId, isEphemeral, isLoading } from "./model.js";
import { reactions } from "./reactions.js";
import { isSystem, systemRow } from "./system.js";
import { threadCard } from "./threads.js";
import { clockTime, fullDate, messageTime, sameDay } from "./time.js";

const REPLY = 19;
const CONTEXT_COMMAND = 23;
const GROUP_MS = 7 * 60_000;

/** Messages of one author within a few minutes share a head, unless something sets them apart. */
export function continues(message, previous) {
  if (!previous || setApart(message) || isSystem(previous)) return false;
  if (isEphemeral(previous) !== isEphemeral(message)) return false;
  if (previous.author?.id !== message.author?.id) return false;
  const near = Date.parse(message.timestamp) - Date.parse(previous.timestamp) < GROUP_MS;
  return near && sameDay(message.timestamp, previous.timestamp);
}

const setApart = (message) =>
  Boolean(answeredId(message) || usedCommand(message)) || isSystem(message);

const usedCommand = (message) => {
  const interaction = message.interaction ?? message.interaction_metadata;
  const name = message.interaction?.name ?? message.interaction_metadata?.name;
  const typed = message.type !== CONTEXT_COMMAND;
  return name && interaction?.user ? { name, user: interaction.user, typed } : null;
};

/**
 * `ctx`: `model`, what can be done (`openChannel`, `openMessage`, `onDismiss`, `onClick`,
 * `onSelect`, `onContext`, `react`, …) and what is known locally: `grouped`, `busy`, `failure`.
 */
export function renderMessage(message, ctx) {
  const author = ctx.model.author(message);
  const ephemeral = isEphemeral(message);
  const system = isSystem(message);
  const classes = [
    "message",
    system && "system",
    ctx.grouped ? "grouped" : "leads",
    ctx.model.mentionsMe(message) && "mentioned",
    ephemeral && "ephemeral",
    ctx.replying && "replying",
  ];
  const meta = {
    testid: "message",
    messageId: message.id,
    author: author.name,
    ephemeral: ephemeral || undefined,
    busy: ctx.busy ? true : undefined,
  };
  return el(
    "li",
    { class: classes.filter(Boolean).join(" "), tabindex: "-1", data: meta },
    system ? systemRow(message, { ...ctx, below: below(message, ctx) }) : written(message, ctx),
    !isLoading(message) && touchButton(),
  );
}

/** A finger has no hover, and a long press has to be known: there the button always shows. */
function touchButton() {
  if (!isTouched()) return null;
  return el(
    "button",
    {
      class: "message-touch",
      type: "button",
      "aria-label": "More",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      data: { testid: "message-more" },
    },
    icon("more", 18),
  );
}

function written(message, ctx) {
  const author = ctx.model.author(message);
  const { grouped } = ctx;
  return [
    context(message, ctx),
    grouped
      ? gutterTime(message)
      : userApps(el("span", { class: "message-avatar" }, avatar(author, 40)), author, ctx),
    el(
      "div",
      { class: "message-body" },
      !grouped && head(author, message.timestamp, ctx),
      body(message, ctx),
      isEphemeral(message) && ephemeralNote(() => ctx.onDismiss(message.id)),
    ),
  ];
}

function body(message, ctx) {
  if (isLoading(message)) return thinking(ctx.model.author(message));
  return [
    content(message, ctx),
    el(
      "div",
      { class: "accessories" },
      attachments(message),
      embeds(message, ctx),
      components(message, ctx),
      below(message, ctx),
    ),
    ctx.failure !== null && failure("This interaction failed", ctx.failure),
  ];
}

/** What people add to a message: reactions, a thread. */
function below(message, ctx) {
  return [
    reactions(message, (emoji, on) => ctx.react(message, emoji, on)),
    message.thread && !isSystem(message) && threadCard(message.thread, ctx),
  ];
}

function head(author, timestamp, ctx) {
  const color = ctx.model.nameColor(author);
  const name = el("span", { class: "author", style: color && { "--name": color } }, author.display);
  return el(
    "div",
    { class: "message-head" },
    ctx.onContext ? userApps(name, author, ctx) : name,
    author.bot && appTag(),
    timedOutMark(ctx.model.timedOutUntil(author)),
    timestamp && stamp(timestamp),
  );
}

const stamp = (timestamp) =>
  el("time", { datetime: timestamp, title: fullDate(timestamp) }, messageTime(timestamp));

/** Beside a name: this member may not speak until then; nothing for null. */
export function timedOutMark(until) {
  if (!until) return null;
  const words = `Timed out until ${fullDate(until)}`;
  return el(
    "span",
    { class: "timed-out", role: "img", title: words, "aria-label": words },
    icon("clock", 14),
  );
}

function gutterTime(message) {
  return el(
    "time",
    { class: "gutter-time", datetime: message.timestamp, title: fullDate(message.timestamp) },
    clockTime(message.timestamp),
  );
}

function content(message, ctx) {
  const edited =
    message.edited_timestamp &&
    el("span", { class: "edited", title: fullDate(message.edited_timestamp) }, "(edited)");
  if (!message.content && !edited) return null;
  const jumbo = isJumbo(message.content ?? "");
  return el(
    "div",
    { class: jumbo ? "content markup jumbo" : "content markup", data: { testid: "content" } },
    markdown(message.content, ctx),
    edited && [" ", edited],
  );
}

// ---- what a message answers -----------------------------------------------

function context(message, ctx) {
  // A follow-up names its command too, but what it answers is the message.
  const command = usedCommand(message);
  const answered = answeredId(message);
  const original = answered && (message.referenced_message ?? ctx.lookup(answered));
  if (original) return replyLine(original, ctx);
  if (command) return commandLine(command, ctx);
  return message.type === REPLY
    ? el("div", { class: "reply lost" }, el("i", {}, "Original message was deleted"))
    : null;
}

function commandLine(command, ctx) {
  const user = ctx.model.user(command.user.id) ?? ctx.model.author({ author: command.user });
  return el(
    "div",
    { class: "reply", data: { testid: "used-command" } },
    avatar(user, 16),
    el("span", { class: "reply-author" }, user.display),
    el("span", {}, "used "),
    // A command of a context menu was never typed.
    el("span", { class: "mention" }, command.typed ? `/${command.name}` : command.name),
  );
}

function replyLine(original, ctx) {
  const author = ctx.model.author(original);
  const text = el(
    "span",
    { class: "reply-text markup" },
    original.content
      ? markdown(firstLine(original.content), { ...ctx, inQuote: true })
      : el("i", {}, "Click to see attachment"),
  );
  return el(
    "div",
    { class: "reply" },
    avatar(author, 16),
    author.bot && appTag(),
    el(
      "span",
      { class: "reply-author", style: { "--name": ctx.model.nameColor(author) ?? "inherit" } },
      author.display,
    ),
    el(
      "button",
      {
        class: "reply-jump",
        type: "button",
        "aria-label": `Go to the message of ${author.display}`,
        on: { click: () => ctx.openMessage(original.id) },
      },
      text,
    ),
  );
}

const firstLine = (text) =>
  text
    .replaceAll("```", "")
    .split("\n")
    .find((line) => line.trim())
    ?.replace(/^[#>\s-]+/, "") ?? "";

// ---- below a message ------------------------------------------------------

function failure(what, detail) {
  return el(
    "div",
    { class: "failure", role: "alert", data: { testid: "interaction-failed" } },
    icon("warn", 16),
    el("span", {}, el("b", {}, what), detail && el("span", { class: "failure-detail" }, detail)),
  );
}

export function ephemeralNote(onDismiss) {
  return el(
    "div",
    { class: "ephemeral-note" },
    icon("eye", 16),
    el("span", {}, "Only you can see this •"),
    el(
      "button",
      { class: "text-link", type: "button", data: { testid: "dismiss" }, on: { click: onDismiss } },
      "Dismiss message",
    ),
  );
}

function thinking(author) {
  return el(
    "div",
    { class: "thinking", data: { testid: "thinking" } },
    dots(),
    el("span", {}, `${author.display} is thinking…`),
  );
}

// ---- placeholders ---------------------------------------------------------

/** An answer that is under way: sent but not acknowledged, or acknowledged and being worked on. */
export function renderPending(entry, ctx) {
  const bot = ctx.model.bot;
  const line = entry.thinking
    ? thinking(bot)
    : el("div", { class: "thinking" }, el("span", {}, "Sending command…"));
  return placeholder("pending", entry, ctx, [head(bot, null, ctx), line]);
}

/** A command that came to nothing; only its caller ever knows. */
export function renderFailedCommand(run, ctx) {
  const bot = ctx.model.bot;
  const what = run.name ? "The application did not respond" : "That did not work";
  const note = failure(what, run.error);
  const node = placeholder("failed-command", run, ctx, [
    head(bot, null, ctx),
    note,
    ephemeralNote(() => ctx.onDismiss(run.id)),
  ]);
  node.classList.add("ephemeral");
  return node;
}

function placeholder(testid, entry, ctx, body) {
  const isTyped = (command) => command.name !== entry.name;
  const typed = ctx.model.contextCommands.every(isTyped);
  const command = entry.name && commandLine({ name: entry.name, user: ctx.model.me, typed }, ctx);
  return el(
    "li",
    { class: "message leads", data: { testid } },
    command,
    el("span", { class: "message-avatar" }, avatar(ctx.model.bot, 40)),
    el("div", { class: "message-body" }, body),
  );
}

export function divider(kind, text) {
  const props = { class: `divider ${kind}`, role: "separator", "aria-label": text };
  return el("li", props, el("span", {}, text));
}
