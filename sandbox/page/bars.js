// What floats over the conversation. Above: what is new and out of sight, and the title of a
// message that is taller than the view, so that it is in sight where the buttons are. Below: the
// ways to those buttons, to what came meanwhile, and to the end.

import { drawIfChanged, el, fill, icon, plural } from "./dom.js";
import { clockTime, dayTitle, sameDay } from "./time.js";

/** So many pixels of a message have to be out of sight before its title is told again. */
const HIDDEN = 40;

export class Bars {
  /**
   * `top` and `bottom` are where the bars are drawn; `host`: `toStart(node)`, `toNews()`,
   * `toEnd()`, `toActions(node)`, `markRead()`.
   */
  constructor({ scroller, list, top, bottom, host }) {
    Object.assign(this, { scroller, list, top, bottom, host });
    this.title = { node: null, text: "" };
    this.actions = null;
  }

  /** `news`: how many messages came unseen below; `unread`: `{count, since}` of the NEW line. */
  update({ news, unread }) {
    const view = this.scroller.getBoundingClientRect();
    const line = this.list.querySelector(":scope > .divider.new");
    const above = line && unread.count > 0 && line.getBoundingClientRect().bottom < view.top;
    this.line = line;
    this.title = this.coveringTitle(view);
    this.actions = this.hiddenActions(view);
    const shown = [above && unread, this.title?.text];
    drawIfChanged(this.top, shown, () =>
      fill(this.top, above && this.newBar(unread), this.title && this.titleBar()),
    );
    const far = this.scroller.scrollHeight - this.scroller.scrollTop - view.height > view.height;
    const old = far && !news && !this.actions;
    drawIfChanged(this.bottom, [news, this.actions?.words, old], () =>
      fill(
        this.bottom,
        this.actions && this.actionsJump(),
        news > 0 && this.jump(news === 1 ? "New message" : `${news} new messages`, "toNews"),
        old && this.jump("Jump to present", "toEnd", "quiet"),
      ),
    );
  }

  rows() {
    return [...this.list.querySelectorAll(":scope > .message[data-message-id]")];
  }

  /** The message whose start is out of sight while it fills the upper half of the view. */
  coveringTitle(view) {
    const half = view.top + view.height / 2;
    const node = this.rows().find((row) => {
      const box = row.getBoundingClientRect();
      const covers = box.top < view.top - HIDDEN && box.bottom > half;
      return covers && row.querySelector(".accessories *");
    });
    return node ? { node, text: titleOf(node) } : null;
  }

  /** The message in the middle of the view whose buttons are below it. */
  hiddenActions(view) {
    const middle = view.top + view.height / 2;
    const node = this.rows().find((row) => {
      const box = row.getBoundingClientRect();
      return box.top < middle && box.bottom > view.bottom;
    });
    const row =
      node?.querySelector(".component-row:has(.button:enabled)") ??
      node?.querySelector(".component-row:has(button:enabled)");
    const hidden = row && row.getBoundingClientRect().bottom > view.bottom;
    return hidden ? { node, words: wordsOf(row) } : null;
  }

  newBar({ count, since }) {
    const when = sameDay(since, new Date()) ? clockTime(since) : dayTitle(since);
    return el(
      "div",
      { class: "bar-new", role: "group", "aria-label": "Unread messages" },
      el(
        "button",
        {
          class: "bar-go",
          type: "button",
          data: { testid: "jump-to-unread" },
          on: { click: () => this.host.toStart(this.line) },
        },
        `${plural(count, "new message")} since ${when}`,
      ),
      el(
        "button",
        {
          type: "button",
          data: { testid: "mark-read" },
          on: { click: () => this.host.markRead() },
        },
        "Mark As Read",
      ),
    );
  }

  titleBar() {
    return el(
      "button",
      {
        class: "bar-title",
        type: "button",
        "aria-label": `Back to the start of ${this.title.text}`,
        data: { testid: "title-bar" },
        on: { click: () => this.host.toStart(this.title.node) },
      },
      el("b", {}, this.title.text),
      icon("up", 18),
    );
  }

  actionsJump() {
    return el(
      "button",
      {
        class: "jump quiet",
        type: "button",
        "aria-label": `To the buttons: ${this.actions.words}`,
        data: { testid: "jump-to-actions" },
        on: { click: () => this.host.toActions(this.actions.node) },
      },
      this.actions.words,
      icon("down", 18),
    );
  }

  jump(words, way, extra = "") {
    return el(
      "button",
      {
        class: `jump ${extra}`,
        type: "button",
        data: { testid: way === "toNews" ? "jump-to-news" : "jump-to-present" },
        on: { click: () => this.host[way]() },
      },
      words,
      icon("down", 18),
    );
  }
}

/** What a message is called: the title of its card, else its first line. */
function titleOf(row) {
  const named = row.querySelector(".embed-title, .component-text :is(h3, h4, h5)");
  const words = named ?? row.querySelector(".content, .component-text, .embed");
  return (words?.textContent ?? "").trim().split("\n")[0].slice(0, 120) || "Message";
}

/** The names of the first three buttons; a menu has its placeholder. */
function wordsOf(row) {
  const buttons = [...row.querySelectorAll("button, a")].slice(0, 3);
  return buttons.map((button) => button.textContent.trim() || "…").join(" · ");
}
