// What can be done with a message: a toolbar that shows where the mouse or the keyboard is, and a
// menu of everything, which a right click or a long press opens. There is one toolbar at a time.

import { avatar, el, icon, isTouched } from "./dom.js";
import { pickEmoji, QUICK } from "./emoji.js";
import { isEphemeral, isLoading } from "./model.js";
import { openMenu } from "./overlay.js";

/** Kind of command in Discord's numbers: in the menu of a message. */
const ON_MESSAGE = 3;

/** How far the toolbar reaches above its row, in pixels; message.css has the same number. */
const ABOVE = 26;

/** Where a right click fell, in place of a button at which a menu could hang. */
export const point = ({ clientX, clientY }) => ({
  getBoundingClientRect: () => new DOMRect(clientX, clientY, 0, 0),
  setAttribute() {},
});

const button = (name, label, testid, act) => {
  const face = icon(name, 20);
  const node = el(
    "button",
    { type: "button", title: label, "aria-label": label, "aria-expanded": "false", tabindex: "-1" },
    face,
  );
  node.dataset.testid = testid;
  node.addEventListener("click", () => act(node));
  return node;
};

export class Toolbar {
  /** `host`: `model()`, `commands()`, `message(id)`, and what can be done: see `choices` and `perform`. */
  constructor(list, host) {
    this.list = list;
    this.host = host;
    this.row = null;
    this.node = null;
    const rowOf = (event) => event.target.closest?.("[data-message-id]");
    list.addEventListener("pointerover", (event) => {
      if (event.pointerType === "mouse") this.show(rowOf(event));
    });
    list.addEventListener("pointerleave", () => this.leave());
    list.addEventListener("focusin", (event) => {
      if (!isTouched()) this.show(rowOf(event));
    });
    list.addEventListener("focusout", (event) => {
      if (!list.contains(event.relatedTarget)) this.leave();
    });
    list.addEventListener("contextmenu", (event) => this.context(event, rowOf(event)));
    list.addEventListener("click", (event) => {
      const touch = event.target.closest(".message-touch");
      if (touch) this.menu(touch, rowOf(event).dataset.messageId);
    });
  }

  /** The keyboard's place outlives the mouse's. */
  leave() {
    if (document.querySelector("dialog[open]")) return;
    const focused = document.activeElement?.closest?.("[data-message-id]");
    if (focused && this.list.contains(focused)) this.show(focused);
    else this.hide();
  }

  hide() {
    this.row?.classList.remove("reached");
    this.node?.remove();
    this.row = this.node = null;
  }

  show(row) {
    if (row === this.row && this.node?.isConnected) return;
    this.hide();
    const message = row && this.host.message(row.dataset.messageId);
    if (!message || isLoading(message)) return;
    this.row = row;
    this.node = this.draw(message);
    row.classList.add("reached");
    row.append(this.node);
    // It lies above the row, so as not to cover what that says, unless it would be cut off there.
    const view = this.list.parentElement.getBoundingClientRect();
    const cut = row.getBoundingClientRect().top < view.top + ABOVE;
    this.node.classList.toggle("inside", cut);
  }

  draw(message) {
    const { host } = this;
    const apps = commandsFor(host);
    const open = !isEphemeral(message);
    const quick = (sign) => {
      const act = () => host.react(message, sign, true);
      const props = { type: "button", title: sign, "aria-label": `React with ${sign}` };
      return el("button", { ...props, class: "emoji", tabindex: "-1", on: { click: act } }, sign);
    };
    const buttons = [
      ...(open ? QUICK.slice(0, 3).map(quick) : []),
      open && el("span", { class: "toolbar-line", role: "presentation" }),
      open && button("react", "Add a reaction", "toolbar-react", (at) => this.pick(at, message)),
      open && button("reply", "Reply", "toolbar-reply", () => host.reply(message)),
      apps.length > 0 &&
        button("apps", "Apps", "message-apps", (at) => this.openApps(at, message, apps)),
      button("more", "More", "message-more", (at) => this.menu(at, message.id)),
    ].filter(Boolean);
    const node = el(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Message actions" },
      buttons,
    );
    // One stop for Tab; arrows walk within.
    const stops = [...node.querySelectorAll("button")];
    stops[0].tabIndex = 0;
    node.addEventListener("keydown", (event) => walk(event, stops));
    return node;
  }

  async pick(anchor, message) {
    const sign = await pickEmoji(anchor);
    if (sign) this.host.react(message, sign, true);
  }

  async openApps(anchor, message, apps) {
    const items = apps.map((command) => appItem(command, this.host.model()));
    const shown = { anchor, title: "Apps", items, testid: "apps-menu", width: 240, heading: true };
    const [value] = (await openMenu(shown)) ?? [];
    if (value) this.perform(value, message, anchor);
  }

  /** Text that is selected, links and fields have the browser's own menu. */
  context(event, row) {
    const own = event.target.closest("a, img, input, textarea");
    // Somebody's name has a menu of its own.
    if (!row || event.defaultPrevented || event.shiftKey || own) return;
    if (getSelection()?.toString()) return;
    event.preventDefault();
    this.menu(point(event), row.dataset.messageId);
  }

  async menu(anchor, id) {
    const message = this.host.message(id);
    if (!message || isLoading(message)) return;
    const items = [
      ...choices(message, this.host),
      ...commandsFor(this.host).map((command) => ({
        ...appItem(command, this.host.model()),
        group: "Apps",
      })),
    ];
    const before = isEphemeral(message) ? undefined : quickRow;
    const shown = { anchor, title: "Message", items, testid: "message-menu", width: 240, before };
    const [value] = (await openMenu(shown)) ?? [];
    if (value) this.perform(value, message, anchor);
  }

  perform(value, message, anchor) {
    const { host } = this;
    const app = commandsFor(host).find((command) => appValue(command) === value);
    if (app) return host.useContext(message.id, app);
    if (value.startsWith("emoji ")) return host.react(message, value.slice(6), true);
    const acts = {
      react: () => this.pick(anchor, message),
      reply: () => host.reply(message),
      thread: () => host.openThread(message),
      pin: () => host.pin(message, !message.pinned),
      copy: () => navigator.clipboard?.writeText(message.content),
      "copy-id": () => navigator.clipboard?.writeText(message.id),
    };
    acts[value]();
  }
}

const commandsFor = (host) => host.commands().filter((command) => command.type === ON_MESSAGE);

const appValue = (command) => `app ${command.id}`;

const appItem = (command, model) => ({
  value: appValue(command),
  label: command.name,
  description: model.botOf(command).display,
  face: () => avatar(model.botOf(command), 24),
});

/** What the menu of a message offers besides the commands of apps. */
function choices(message, host) {
  const item = (value, label, name) => ({ value, label, face: () => icon(name, 20) });
  const copies = [
    message.content && item("copy", "Copy Text", "copy"),
    item("copy-id", "Copy Message ID", "copy"),
  ];
  if (isEphemeral(message)) return copies.filter(Boolean);
  return [
    item("react", "Add Reaction", "react"),
    item("reply", "Reply", "reply"),
    host.threads(message) && item("thread", threadWords(message), "thread"),
    item("pin", message.pinned ? "Unpin Message" : "Pin Message", "pin"),
    ...copies,
  ].filter(Boolean);
}

const threadWords = (message) => (message.thread ? "Open Thread" : "Create Thread");

function quickRow(choose) {
  return el(
    "div",
    { class: "quick-emoji" },
    QUICK.map((sign) =>
      el(
        "button",
        {
          class: "emoji",
          type: "button",
          "aria-label": `React with ${sign}`,
          on: { click: () => choose(`emoji ${sign}`) },
        },
        sign,
      ),
    ),
  );
}

function walk(event, stops) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const at = stops.indexOf(document.activeElement);
  const next = stops[(at + step + stops.length) % stops.length];
  for (const stop of stops) stop.tabIndex = stop === next ? 0 : -1;
  next.focus();
}
