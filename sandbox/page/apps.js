// The "Apps" menu of a message or a person: the bot's commands for it. On a wide screen a
// right click opens it, on a phone a long press (which browsers report as the same event);
// the small button at a message opens it everywhere.

import { avatar, el, icon } from "./dom.js";
import { openMenu } from "./overlay.js";

/** Kinds of command, in Discord's numbers. */
const ON_USER = 2;
const ON_MESSAGE = 3;

const offered = (model, kind) => model.contextCommands.filter((command) => command.type === kind);

/** Where a right click fell, in place of a button at which a menu could hang. */
function point({ clientX, clientY }) {
  return { getBoundingClientRect: () => new DOMRect(clientX, clientY, 0, 0), setAttribute() {} };
}

/** Offers the commands of `kind` at `anchor`; `use(name)` is told which was chosen. */
async function open(anchor, model, kind, use) {
  const items = offered(model, kind).map((command) => ({
    value: command.name,
    label: command.name,
    description: model.bot.display,
    face: () => avatar(model.bot, 24),
  }));
  const chosen = await openMenu({ anchor, title: "Apps", items, testid: "apps-menu", width: 240, heading: true });
  if (chosen) use(chosen[0]);
}

/** Right clicks and long presses on `node`. What has a menu of the browser's own keeps it. */
function onRightClick(node, model, kind, use) {
  node.addEventListener("contextmenu", (event) => {
    const text = getSelection()?.toString();
    if (text || event.shiftKey || event.target.closest("a, img, input, textarea")) return;
    event.preventDefault();
    event.stopPropagation();
    open(point(event), model, kind, use);
  });
}

/** Gives a message its menu and returns the button for it; null if there is no command for messages. */
export function messageApps(node, message, { model, onContext }) {
  if (!offered(model, ON_MESSAGE).length) return null;
  const use = (name) => onContext(message.id, name);
  onRightClick(node, model, ON_MESSAGE, use);
  const button = el(
    "button",
    {
      class: "message-more",
      type: "button",
      title: "Apps",
      "aria-label": "Apps",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      data: { testid: "message-more" },
    },
    icon("more", 18),
  );
  button.addEventListener("click", () => open(button, model, ON_MESSAGE, use));
  return button;
}

/** Gives whatever stands for a person the menu of the commands for people. */
export function userApps(node, user, { model, onContext }) {
  if (!offered(model, ON_USER).length) return node;
  const use = (name) => onContext(user.id, name);
  onRightClick(node, model, ON_USER, use);
  const name = node.matches(".author") ? node : node.querySelector(".member-name");
  if (name) onEnter(name, () => open(name, model, ON_USER, use));
  return node;
}

/** The keyboard's way to a menu that a mouse opens by a right click. */
function onEnter(node, act) {
  node.tabIndex = 0;
  node.setAttribute("role", "button");
  node.setAttribute("aria-haspopup", "listbox");
  node.dataset.testid ??= "person";
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  });
}
