// Menus that open over the page. On a wide screen a menu hangs at its button, on a phone
// it is a sheet at the lower edge; both are modal dialogs, so that focus stays inside and
// Escape closes.

import { el, fill, icon, isPhone, keepingFocus } from "./dom.js";

/**
 * Offers `items` (`{value, label, description, face, selected, group, danger}`) and resolves to the
 * chosen values, or null if the person changed their mind. With `max` > 1 several can be
 * ticked; closing the menu by pressing beside it takes them, Escape drops them. With `heading`
 * the title is shown on a wide screen as well. `before(choose)` makes what stands above the items
 * and may choose a value itself.
 */
export function openMenu(wanted) {
  const { anchor, title, items, min = 1, max = 1, testid, customId, width, heading } = wanted;
  return new Promise((resolve) => {
    const menu = new Menu({ title, items, min, max });
    const dialog = el(
      "dialog",
      { class: "menu", "aria-label": title, data: { testid, customId } },
      el("div", { class: "sheet-head" }, el("div", { class: "grabber" }), el("strong", {}, title)),
      heading && el("div", { class: "menu-heading" }, title),
      wanted.before?.((value) => menu.onDone([value])),
      menu.list,
      menu.footer,
    );
    menu.onDone = (values) => {
      resolve(values);
      dialog.close();
    };
    show(
      dialog,
      anchor,
      width,
      () => menu.abandon(),
      () => resolve(null),
    );
    menu.focusFirst();
  });
}

/**
 * Opens a panel below `anchor`: a title, and the body that `draw(close)` makes. Returns a function
 * that draws the body anew, and does nothing once the panel is closed.
 */
export function openPanel({ anchor, title, face, draw, testid, width = 420 }) {
  const body = el("div", { class: "panel-body" });
  const close = () => dialog.close();
  const closer = el(
    "button",
    { class: "icon-button", type: "button", "aria-label": "Close", on: { click: close } },
    icon("close", 20),
  );
  const dialog = el(
    "dialog",
    { class: "menu panel", "aria-label": title, data: { testid } },
    el("div", { class: "panel-head" }, face, el("h2", {}, title), closer),
    body,
  );
  const redraw = () => dialog.open && keepingFocus(body, () => fill(body, draw(close)));
  fill(body, draw(close));
  show(dialog, anchor, width, close, () => {});
  return redraw;
}

export function show(dialog, anchor, width, onOutside, onClose) {
  const place = () => placeAt(dialog, anchor, width);
  dialog.addEventListener("click", (event) => event.target === dialog && onOutside());
  dialog.addEventListener("close", () => {
    removeEventListener("resize", place);
    anchor.setAttribute("aria-expanded", "false");
    dialog.remove();
    onClose();
  });
  document.body.append(dialog);
  dialog.showModal();
  anchor.setAttribute("aria-expanded", "true");
  addEventListener("resize", place);
  place();
}

const GAP = 4;
const EDGE = 8;

/** Below the anchor if it fits there, else above; never outside of the window. */
function placeAt(dialog, anchor, width) {
  dialog.removeAttribute("style");
  dialog.classList.toggle("sheet", isPhone());
  if (isPhone()) return;
  const box = anchor.getBoundingClientRect();
  const wide = Math.min(Math.max(width ?? box.width, 200), innerWidth - 2 * EDGE);
  dialog.style.width = `${wide}px`;
  const below = innerHeight - box.bottom - GAP - EDGE;
  const above = box.top - GAP - EDGE;
  const high = dialog.offsetHeight;
  const goesBelow = high <= below || below >= above;
  dialog.style.maxHeight = `${Math.max(goesBelow ? below : above, 120)}px`;
  dialog.style.left = `${Math.max(EDGE, Math.min(box.left, innerWidth - wide - EDGE))}px`;
  const over = Math.max(EDGE, box.top - GAP - Math.min(high, above));
  dialog.style.top = `${goesBelow ? box.bottom + GAP : over}px`;
}

class Menu {
  constructor({ title, items, min, max }) {
    this.items = items;
    this.min = min;
    this.max = Math.min(max, Math.max(items.length, 1));
    // One choice closes the menu at once; nothing-allowed needs a way to choose nothing.
    this.many = max > 1 || min === 0;
    this.chosen = new Set(items.filter((item) => item.selected).map((item) => item.value));
    this.typed = "";
    this.options = items.map((item) => this.option(item));
    const rows = items.flatMap((item, at) => {
      const begins = item.group && item.group !== items[at - 1]?.group;
      const group = begins && el("div", { class: "menu-group", role: "presentation" }, item.group);
      return group ? [group, this.options[at]] : [this.options[at]];
    });
    this.list = el(
      "div",
      {
        class: "menu-list",
        role: "listbox",
        "aria-label": title,
        "aria-multiselectable": this.many ? "true" : null,
        on: { keydown: (event) => this.key(event) },
      },
      rows.length ? rows : el("p", { class: "menu-empty" }, "Nothing to choose from"),
    );
    this.done =
      this.many &&
      el(
        "button",
        {
          class: "button primary",
          type: "button",
          data: { testid: "select-done" },
          on: { click: () => this.finish() },
        },
        "Done",
      );
    this.hint = this.many && el("span", { class: "menu-hint" });
    this.footer = this.many && el("div", { class: "menu-foot" }, this.hint, this.done);
    this.refresh();
  }

  option(item) {
    return el(
      "div",
      {
        class: item.danger ? "option danger" : "option",
        role: "option",
        tabindex: "-1",
        data: { testid: "option", value: item.value },
        on: { click: () => this.choose(item) },
      },
      item.face && el("span", { class: "option-face" }, item.face()),
      el(
        "span",
        { class: "option-text" },
        el("span", { class: "option-label" }, item.label),
        item.description && el("span", { class: "option-description" }, item.description),
      ),
      el("span", { class: this.many ? "tick box" : "tick" }, icon("check", 18)),
    );
  }

  choose(item) {
    if (!this.many) return this.onDone([item.value]);
    if (this.chosen.has(item.value)) this.chosen.delete(item.value);
    else if (this.max === 1) this.chosen = new Set([item.value]);
    else if (this.chosen.size < this.max) this.chosen.add(item.value);
    this.refresh();
  }

  refresh() {
    this.items.forEach((item, index) =>
      this.options[index].setAttribute("aria-selected", String(this.chosen.has(item.value))),
    );
    if (!this.many) return;
    this.done.disabled = this.chosen.size < this.min;
    this.hint.textContent = `${this.chosen.size} of ${this.max} chosen`;
  }

  /** The values in the order of the menu. */
  finish() {
    if (this.chosen.size < this.min) return;
    this.onDone(this.items.map((item) => item.value).filter((value) => this.chosen.has(value)));
  }

  /** Pressed beside the menu: ticks count if they differ from what stood before. */
  abandon() {
    const before = this.items.filter((item) => item.selected).map((item) => item.value);
    const kept = before.filter((value) => this.chosen.has(value));
    const changed = kept.length !== before.length || before.length !== this.chosen.size;
    if (this.many && changed && this.chosen.size >= this.min) this.finish();
    else this.onDone(null);
  }

  focusFirst() {
    const selected = this.options.find((option) => option.getAttribute("aria-selected") === "true");
    (selected ?? this.options[0] ?? this.list).focus();
  }

  key(event) {
    const at = this.options.indexOf(document.activeElement);
    const last = this.options.length - 1;
    const [up, down] = [Math.max(at - 1, 0), Math.min(at + 1, last)];
    const moves = { ArrowDown: down, ArrowUp: up, Home: 0, End: last };
    if (event.key in moves) {
      event.preventDefault();
      this.options[moves[event.key]]?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (at >= 0) this.choose(this.items[at]);
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      this.typeAhead(event.key);
    }
  }

  /** Letters typed in quick succession jump to the option that begins with them. */
  typeAhead(letter) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => (this.typed = ""), 800);
    this.typed += letter.toLowerCase();
    const begins = (item) => item.label.toLowerCase().startsWith(this.typed);
    const found = this.items.findIndex(begins);
    if (found >= 0) this.options[found].focus();
  }
}
