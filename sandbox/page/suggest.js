// The list above the composer: commands, choices of an option, people to mention. Focus
// stays in the text field; the list follows it by aria-activedescendant.

import { el, fill } from "./dom.js";

export class Suggest {
  constructor(node) {
    this.node = node;
    this.items = [];
    this.active = -1;
    this.hide();
  }

  get open() {
    return !this.node.hidden;
  }

  /**
   * Shows `items` (`{label, description, detail, face, value, data}`). `pick(item)` is told
   * what was chosen; `first` marks the first one, so that Enter takes it.
   */
  show({ field, title, items, pick, first = true, note }) {
    this.attach(field);
    this.items = items;
    this.pick = pick;
    this.options = items.map((item, index) => this.option(item, index));
    fill(
      this.node,
      title && el("div", { class: "suggest-title" }, title),
      el("div", { role: "listbox", id: "suggest-list", "aria-label": title ?? "Suggestions" }, this.options),
      note && el("div", { class: "suggest-note" }, note),
    );
    this.node.hidden = !items.length && !note && !title;
    field.setAttribute("aria-expanded", String(this.open));
    this.setActive(first && items.length ? 0 : -1);
  }

  hide() {
    this.node.hidden = true;
    this.items = [];
    this.active = -1;
    this.field?.setAttribute("aria-expanded", "false");
    this.field?.removeAttribute("aria-activedescendant");
  }

  attach(field) {
    if (this.field === field) return;
    this.field?.removeAttribute("aria-activedescendant");
    this.field = field;
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-controls", "suggest-list");
    field.setAttribute("aria-autocomplete", "list");
  }

  option(item, index) {
    return el(
      "div",
      {
        class: "suggestion",
        role: "option",
        id: `suggestion-${index}`,
        data: item.data,
        on: {
          // The press must not take the focus from the field.
          mousedown: (event) => event.preventDefault(),
          click: () => this.pick(item),
          pointermove: () => this.setActive(index),
        },
      },
      item.face && el("span", { class: "suggestion-face" }, item.face()),
      el(
        "span",
        { class: "suggestion-text" },
        el("span", { class: "suggestion-label" }, item.label),
        item.description && el("span", { class: "suggestion-description" }, item.description),
      ),
      item.detail && el("span", { class: "suggestion-detail" }, item.detail),
    );
  }

  setActive(index) {
    this.active = index;
    this.options.forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    const option = this.options[index];
    if (!option) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  /** Whether the key was meant for the list. */
  handleKey(event) {
    if (!this.open || !this.items.length) return false;
    const count = this.items.length;
    if (event.key === "ArrowDown") this.setActive((this.active + 1) % count);
    else if (event.key === "ArrowUp") this.setActive((this.active - 1 + count) % count);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && this.active >= 0)
      this.pick(this.items[this.active]);
    else return false;
    event.preventDefault();
    return true;
  }
}
