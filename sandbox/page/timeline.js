// The conversation: which rows it has and in which order. A row is drawn again only if
// something it shows has changed, so that focus, revealed spoilers and presses survive.

import { keepingFocus } from "./dom.js";
import { continues, divider, renderFailedCommand, renderMessage, renderPending } from "./message.js";
import { answeredId, isLoading, isNewer } from "./model.js";
import { dayTitle, sameDay } from "./time.js";

// Within this many pixels of the end a reader counts as reading along.
const NEAR_END = 80;

export class Timeline {
  constructor({ scroller, list, jump }) {
    this.scroller = scroller;
    this.list = list;
    this.jump = jump;
    this.rows = new Map();
    this.pinned = true;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    jump.addEventListener("click", () => this.toEnd());
    scroller.addEventListener("keydown", (event) => this.key(event));
    // Pictures that load and lines that wrap anew must not push the end out of sight.
    const keep = new ResizeObserver(() => this.pinned && this.toEnd());
    keep.observe(list);
    keep.observe(scroller);
  }

  /**
   * `view`: `model`, `channel`, `readUpTo` (id, for the "new" line), `dismissed` (ids),
   * `busy(message)`, `failure(message)`, `failedCommands`, `actions`. `fresh` starts at the end.
   */
  update(view, fresh) {
    const before = this.rows.size;
    keepingFocus(this.list, () => this.reconcile(rowsOf(view)));
    if (fresh) this.pinned = true;
    if (this.pinned) this.toEnd();
    else if (this.rows.size > before) this.jump.hidden = false;
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
      }
      if (node !== cursor) this.list.insertBefore(node, cursor);
      else cursor = node.nextSibling;
      next.set(key, { node, signature });
    }
    for (const [key, { node }] of this.rows) if (!next.has(key)) node.remove();
    this.rows = next;
  }

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.pinned = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.pinned) this.jump.hidden = true;
  }

  toEnd() {
    this.pinned = true;
    this.jump.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Arrow keys walk from message to message, the newest first; Tab then leads into the one that is reached. */
  key(event) {
    const rows = [...this.list.querySelectorAll(":scope > .message[data-message-id]")];
    const at = rows.indexOf(event.target);
    if ((at < 0 && event.target !== this.scroller) || event.altKey || !rows.length) return;
    const last = rows.length - 1;
    const from = at < 0 ? last + 1 : at;
    const moves = { ArrowUp: Math.max(from - 1, 0), ArrowDown: Math.min(from + 1, last), Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.focus(rows[moves[event.key]].dataset.messageId);
  }

  /** Puts the keyboard's place at a message; false if it is not here. */
  focus(messageId) {
    const node = this.rows.get(`message ${messageId}`)?.node;
    node?.focus({ preventScroll: true });
    node?.scrollIntoView({ block: "nearest" });
    return Boolean(node);
  }

  /** Brings a message into view and lets it flash; false if it is not here. */
  show(messageId) {
    const node = this.rows.get(`message ${messageId}`)?.node;
    if (!node) return false;
    this.pinned = false;
    node.scrollIntoView({ block: "center" });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), 2000);
    return true;
  }
}

function rowsOf(view) {
  const { model, channel, actions } = view;
  const messages = (channel?.messages ?? []).filter((message) => !view.dismissed.has(message.id));
  const lookup = (id) => messages.find((message) => message.id === id);
  const base = {
    model,
    lookup,
    openChannel: actions.openChannel,
    openMessage: actions.openMessage,
    onDismiss: actions.dismiss,
  };
  const rows = [];
  let previous = null;
  let marked = !view.readUpTo;
  for (const message of messages) {
    const newDay = previous && !sameDay(previous.timestamp, message.timestamp);
    const firstNew = !marked && isNewer(message.id, view.readUpTo) && message.author?.id !== model.me.id;
    if (newDay) rows.push(line(`day ${message.id}`, "day", dayTitle(message.timestamp)));
    if (firstNew) rows.push(line("new", "new", "New"));
    marked ||= firstNew;
    rows.push(
      messageRow(
        message,
        {
          ...base,
          grouped: !newDay && !firstNew && continues(message, previous),
          busy: view.busy(message),
          failure: view.failure(message),
        },
        actions,
      ),
    );
    previous = message;
  }
  return [...rows, ...placeholders(view, messages, base)];
}

const line = (key, kind, text) => ({ key, signature: text, make: () => divider(kind, text) });

function messageRow(message, ctx, actions) {
  const onClick = (customId) => actions.click(message, customId);
  const onSelect = (customId, values) => actions.select(message, customId, values);
  const answered = answeredId(message);
  const original = answered && (message.referenced_message ?? ctx.lookup(answered));
  return {
    key: `message ${message.id}`,
    signature: JSON.stringify([
      message,
      ctx.grouped,
      ctx.busy,
      ctx.failure,
      original ?? null,
      ctx.model.names,
      ctx.model.contextCommands,
    ]),
    make: () => renderMessage(message, { ...ctx, onClick, onSelect, onContext: actions.useContext }),
  };
}

/** Answers under way, and commands that came to nothing. */
function placeholders(view, messages, base) {
  // A server may report a deferred answer as a message of its own; then it stands already.
  let standing = messages.filter(isLoading).length;
  const pending = view.model.pending
    .filter((entry) => entry.channel_id === view.channel?.id && (entry.thinking || !entry.message_id))
    .filter((entry) => !(entry.thinking && standing-- > 0));
  const failed = view.failedCommands.filter((run) => run.channelId === view.channel?.id);
  return [
    ...pending.map((entry, index) => ({
      key: `pending ${index}`,
      signature: JSON.stringify([entry, view.model.names]),
      make: () => renderPending(entry, base),
    })),
    ...failed.map((run) => ({
      key: `failed ${run.id}`,
      signature: JSON.stringify([run, view.model.names]),
      make: () => renderFailedCommand(run, base),
    })),
  ];
}
