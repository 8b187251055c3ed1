// The conversation: which rows it has and in which order. A row is drawn again only if
// something it shows has changed, so that focus, revealed spoilers and presses survive.

import { Bars } from "./bars.js";
import { keepingFocus } from "./dom.js";
import {
  continues,
  divider,
  renderFailedCommand,
  renderMessage,
  renderPending,
} from "./message.js";
import { answeredId, isLoading, isNewer, isOwn } from "./model.js";
import { Place } from "./place.js";
import { dayTitle, sameDay } from "./time.js";

export class Timeline {
  /** `onMarkRead()` is told when somebody has seen enough of what is new. */
  constructor({ scroller, list, top, bottom, onMarkRead }) {
    this.scroller = scroller;
    this.list = list;
    this.rows = new Map();
    this.news = [];
    this.unread = { count: 0, since: null };
    const host = {
      toStart: (node) => this.place.toStart(node),
      toNews: () => this.toFirst(this.news),
      toEnd: () => this.toEnd(),
      toActions: (node) => this.toActions(node),
      markRead: onMarkRead,
    };
    this.bars = new Bars({ scroller, list, top, bottom, host });
    this.place = new Place(scroller, list, () => this.moved());
    scroller.addEventListener("keydown", (event) => this.key(event));
  }

  /**
   * `view`: `model`, `channel`, `readUpTo` (id, for the "new" line), `dismissed` (ids),
   * `busy(message)`, `failure(message)`, `failedCommands`, `replyingTo` (id), `actions`.
   * `fresh`: another channel or person; it opens at what is new, else at the newest message.
   */
  update(view, fresh) {
    const before = this.rows;
    const followed = this.place.atEnd;
    const wanted = rowsOf(view);
    this.unread = unreadOf(view);
    keepingFocus(this.list, () => this.reconcile(wanted));
    if (fresh) {
      this.news = [];
      return this.open(wanted);
    }
    const came = wanted.filter((row) => row.message && !before.has(row.key));
    if (followed && came.length) this.toFirst(came.map((row) => row.message));
    else if (followed) this.toEnd();
    else this.news.push(...came.map((row) => row.message));
    this.moved();
  }

  /** A reader who comes begins at the NEW line if not all below it is in view. */
  open(rows) {
    const start = this.rows.get("new") ?? this.rows.get(rows.findLast((row) => row.message)?.key);
    if (start) this.place.toNews(start.node);
    else this.toEnd();
  }

  /** Whether a line above what is new is shown. */
  get hasNewLine() {
    return this.rows.has("new");
  }

  /** Whether a reader sees, or begins to read, what comes. */
  get follows() {
    return this.place.follows;
  }

  reconcile(wanted) {
    const next = new Map();
    let cursor = this.list.firstChild;
    for (const { key, signature, make } of wanted) {
      const old = this.rows.get(key);
      const kept = old?.signature === signature;
      const node = kept ? old.node : make();
      if (old && !kept) {
        if (cursor === old.node) cursor = node;
        old.node.replaceWith(node);
        this.place.replaced(old.node, node);
      }
      if (node !== cursor) this.list.insertBefore(node, cursor);
      else cursor = node.nextSibling;
      next.set(key, { node, signature });
    }
    for (const [key, { node }] of this.rows) if (!next.has(key)) node.remove();
    this.rows = next;
  }

  nodeOf(messageId) {
    return this.rows.get(`message ${messageId}`)?.node ?? null;
  }

  /** What came into view is no news any more. */
  moved() {
    const { bottom } = this.scroller.getBoundingClientRect();
    const unseen = (id) => this.nodeOf(id)?.getBoundingClientRect().top >= bottom - 24;
    this.news = this.place.atEnd ? [] : this.news.filter(unseen);
    this.bars.update({ news: this.news.length, unread: this.unread });
  }

  toFirst(ids) {
    const node = ids.map((id) => this.nodeOf(id)).find(Boolean);
    if (node) this.place.toNews(node);
    else this.toEnd();
  }

  toEnd() {
    this.place.toEnd();
  }

  /** The last buttons of a message at the lower edge; its title stays in the bar above. */
  toActions(message) {
    this.place.release();
    const rows = message.querySelectorAll(".component-row");
    rows[rows.length - 1]?.scrollIntoView({ block: "end" });
    this.scroller.scrollTop += 16;
    message.querySelector(".component-row button:enabled")?.focus({ preventScroll: true });
  }

  /**
   * Arrow keys walk from message to message, the newest first; Tab then leads into the one that is
   * reached.
   */
  key(event) {
    const rows = [...this.list.querySelectorAll(":scope > .message[data-message-id]")];
    const at = rows.indexOf(event.target);
    if ((at < 0 && event.target !== this.scroller) || event.altKey || !rows.length) return;
    const last = rows.length - 1;
    const from = at < 0 ? last + 1 : at;
    const [up, down] = [Math.max(from - 1, 0), Math.min(from + 1, last)];
    const moves = { ArrowUp: up, ArrowDown: down, Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.focus(rows[moves[event.key]].dataset.messageId);
  }

  /** Puts the keyboard's place at a message; false if it is not here. */
  focus(messageId) {
    const node = this.nodeOf(messageId);
    node?.focus({ preventScroll: true });
    node?.scrollIntoView({ block: "nearest" });
    return Boolean(node);
  }

  /** Brings a message into view and lets it flash; false if it is not here. */
  show(messageId) {
    const node = this.nodeOf(messageId);
    if (!node) return false;
    this.place.release();
    const tall = node.offsetHeight > this.scroller.clientHeight;
    node.scrollIntoView({ block: tall ? "start" : "center" });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), 2000);
    return true;
  }
}

const shownOf = (view) =>
  (view.channel?.messages ?? []).filter((message) => !view.dismissed.has(message.id));

/** What others wrote since this person last read; not what answers something they did. */
const isNews = (message, view) =>
  Boolean(view.readUpTo) &&
  isNewer(message.id, view.readUpTo) &&
  !isOwn(message, view.model.me);

function unreadOf(view) {
  const news = shownOf(view).filter((message) => isNews(message, view));
  return { count: news.length, since: news[0]?.timestamp ?? null };
}

function rowsOf(view) {
  const { model, actions } = view;
  const messages = shownOf(view);
  const lookup = (id) => messages.find((message) => message.id === id);
  const base = { ...actions, model, lookup };
  const rows = [];
  let previous = null;
  let marked = false;
  for (const message of messages) {
    const newDay = previous && !sameDay(previous.timestamp, message.timestamp);
    const firstNew = !marked && isNews(message, view);
    if (newDay) rows.push(line(`day ${message.id}`, "day", dayTitle(message.timestamp)));
    if (firstNew) rows.push(line("new", "new", "New"));
    marked ||= firstNew;
    const known = {
      grouped: !newDay && !firstNew && continues(message, previous),
      busy: view.busy(message),
      failure: view.failure(message),
      replying: view.replyingTo === message.id,
    };
    rows.push(messageRow(message, { ...base, ...known }, known));
    previous = message;
  }
  return [...rows, ...placeholders(view, messages, base)];
}

const line = (key, kind, text) => ({ key, signature: text, make: () => divider(kind, text) });

/** `known` is what the row shows besides the message itself. */
function messageRow(message, ctx, known) {
  const answered = answeredId(message);
  const original = answered && (message.referenced_message ?? ctx.lookup(answered));
  const thread = message.thread && ctx.model.channel(String(message.thread.id));
  const signature = [
    message,
    known,
    original ?? null,
    thread && [thread.thread_metadata, thread.message_count, thread.messages.at(-1)],
    ctx.model.names,
    ctx.model.contextCommands,
  ];
  return {
    key: `message ${message.id}`,
    message: message.id,
    signature: JSON.stringify(signature),
    make: () =>
      renderMessage(message, {
        ...ctx,
        onClick: (customId) => ctx.click(message, customId),
        onSelect: (customId, values) => ctx.select(message, customId, values),
        onDismiss: ctx.dismiss,
        onContext: ctx.useContext,
      }),
  };
}

/** Answers under way, and commands that came to nothing. */
function placeholders(view, messages, base) {
  // A server may report a deferred answer as a message of its own; then it stands already.
  let standing = messages.filter(isLoading).length;
  const here = (entry) => entry.channel_id === view.channel?.id;
  const pending = view.model.pending
    .filter((entry) => here(entry) && (entry.thinking || !entry.message_id))
    .filter((entry) => !(entry.thinking && standing-- > 0));
  const failed = view.failedCommands.filter((run) => run.channelId === view.channel?.id);
  const ctx = { ...base, onDismiss: base.dismiss };
  return [
    ...pending.map((entry, index) => ({
      key: `pending ${index}`,
      signature: JSON.stringify([entry, view.model.names]),
      make: () => renderPending(entry, ctx),
    })),
    ...failed.map((run) => ({
      key: `failed ${run.id}`,
      signature: JSON.stringify([run, view.model.names]),
      make: () => renderFailedCommand(run, ctx),
    })),
  ];
}
