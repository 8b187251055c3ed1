// The menu of a person: the bots' commands for people. On a wide screen a right click opens it, on
// a phone a long press (which browsers report as the same event), by keyboard Enter at the name.

import { avatar } from "./dom.js";
import { openMenu } from "./overlay.js";
import { point } from "./toolbar.js";

/** Kind of command in Discord's numbers: in the menu of a person. */
const ON_USER = 2;

const offered = (model) => model.contextCommands.filter((command) => command.type === ON_USER);

/** Gives whatever stands for a person the menu of the commands for people. */
export function userApps(node, user, { model, onContext }) {
  if (!offered(model).length) return node;
  const open = (anchor) => choose(anchor, model, (command) => onContext(user.id, command));
  node.addEventListener("contextmenu", (event) => {
    if (getSelection()?.toString() || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    open(point(event));
  });
  const name = node.matches(".author") ? node : node.querySelector(".member-name");
  if (name) onEnter(name, () => open(name));
  return node;
}

/** Offers the commands at `anchor`; `use(command)` is told which was chosen. */
async function choose(anchor, model, use) {
  const items = offered(model).map((command) => ({
    value: command.id,
    label: command.name,
    description: model.botOf(command).display,
    face: () => avatar(model.botOf(command), 24),
  }));
  const shown = { anchor, title: "Apps", items, testid: "apps-menu", width: 240, heading: true };
  const [id] = (await openMenu(shown)) ?? [];
  if (id) use(offered(model).find((command) => command.id === id));
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
