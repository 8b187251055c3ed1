// Everything around the conversation, drawn anew only where something has changed.

import { drawIfChanged } from "./dom.js";
import { renderBeginning, renderHeader } from "./header.js";
import { renderMembers } from "./members.js";
import { renderPhone } from "./phone.js";
import {
  renderChannels,
  renderRail,
  renderSpaceName,
  renderTitleBar,
  renderUserPanel,
} from "./sidebar.js";

const byId = (id) => document.getElementById(id);

/**
 * `view` and `local` are the page's; `title` names the channel, `unreadOf(channel)` tells what is
 * new in it, `doing` is what the panes may ask for.
 */
export function drawPanes({ view, local, channel, title, unreadOf, doing }) {
  const { model, space } = view;
  const unread = model.channels.map((one) => [one.id, unreadOf(one)]);
  const others = unread.filter(([id]) => id !== channel?.id);
  const elsewhere = others.reduce((sum, [, one]) => sum + one.count, 0);
  const notices = model.notifications.filter((note) => note.n > local.seenNote).length;
  const shared = { ...doing, model, channel, space, unreadOf };
  const place = [model.names, model.guilds, channel?.id, space, model.botOnline];
  const threads = model.channels
    .filter((one) => one.kind === "thread")
    .map((one) => [one.id, one.name, one.thread_metadata, Boolean(one.member)]);
  const commands = [model.commands, model.contextCommands];
  const talks = model.directMessages.map((one) => one.messages.at(-1) ?? null);
  const panes = { notices, phoneOpen: view.phone, membersOpen: view.members && !view.phone };
  const pins = channel?.messages.some((message) => message.pinned);
  const head = [place, channel?.topic, elsewhere, panes, threads, pins];
  const phone = { ...doing, model, close: () => doing.setPhone(false) };
  const draws = {
    "title-bar": [place, renderTitleBar, shared],
    "guild-name": [[model.guilds, space], renderSpaceName, shared],
    rail: [[place, unread], renderRail, shared],
    channels: [[place, unread, threads, talks], renderChannels, shared],
    "user-panel": [model.names, renderUserPanel, shared],
    "channel-header": [head, renderHeader, { ...shared, ...panes, elsewhere }],
    beginning: [[place, channel?.topic, threads], renderBeginning, shared],
    members: [[place, commands], renderMembers, { ...shared, onContext: doing.useContext }],
    phone: [[model.names, model.notifications], renderPhone, phone],
  };
  for (const [id, [signature, render, ctx]] of Object.entries(draws))
    drawIfChanged(byId(id), signature, () => render(byId(id), ctx));
  const shell = byId("shell").dataset;
  Object.assign(shell, { drawer: view.drawer, members: view.members, phone: view.phone });
  byId("phone").hidden = !view.phone;
  const where = channel?.kind === "dm" ? "Direct Messages" : model.guildOf(channel).name;
  document.title = `${elsewhere ? `(${elsewhere}) ` : ""}${title} | ${where}`;
}
