// Everything around the conversation: server rail, channel list, user switch, header, members.

import { userApps } from "./apps.js";
import { avatar, el, fill, icon, initials, plural } from "./dom.js";
import { appTag } from "./message.js";
import { openMenu } from "./overlay.js";

const badge = (count) =>
  count > 0 &&
  el("span", { class: "badge", "aria-label": plural(count, "unread mention") }, count > 99 ? "99+" : count);

// ---- rail -----------------------------------------------------------------

export function renderRail(node, { model, channel, unreadOf, openChannel }) {
  const messages = model.directMessages;
  const waiting = messages.reduce((sum, dm) => sum + unreadOf(dm).count, 0);
  const pings = model.guildChannels.reduce((sum, one) => sum + unreadOf(one).count, 0);
  const news = model.guildChannels.some((one) => unreadOf(one).unread);
  const inDm = channel?.kind === "dm";
  fill(
    node,
    railButton({
      label: "Direct messages",
      active: inDm,
      count: waiting,
      face: icon("chat", 26),
      testid: "rail-dms",
      disabled: !messages.length,
      onClick: () => openChannel(messages[0].id),
    }),
    el("div", { class: "rail-line", role: "presentation" }),
    railButton({
      label: model.guild.name,
      active: !inDm,
      count: pings,
      news,
      face: initials(model.guild.name),
      testid: "rail-guild",
      disabled: !model.guildChannels.length,
      onClick: () => openChannel(model.guildChannels[0].id),
    }),
  );
}

function railButton({ label, active, count, news, face, testid, disabled, onClick }) {
  const classes = ["rail-button", active && "active", (news || count > 0) && "news"]
    .filter(Boolean)
    .join(" ");
  return el(
    "button",
    {
      class: classes,
      type: "button",
      title: label,
      "aria-label": label,
      "aria-current": active ? "true" : null,
      disabled,
      data: { testid },
      on: { click: onClick },
    },
    el("span", { class: "rail-face" }, face),
    badge(count),
  );
}

// ---- channels -------------------------------------------------------------

export function renderChannels(node, { model, channel, unreadOf, openChannel }) {
  const row = (one) =>
    channelRow(one, { model, active: one.id === channel?.id, unread: unreadOf(one), openChannel });
  fill(
    node,
    el("h2", { class: "section-title" }, "Text channels"),
    el("ul", {}, model.guildChannels.map(row)),
    el("h2", { class: "section-title" }, "Direct messages"),
    model.directMessages.length
      ? el("ul", {}, model.directMessages.map(row))
      : el("p", { class: "section-empty" }, "No messages yet"),
  );
}

function channelRow(channel, { model, active, unread, openChannel }) {
  const dm = channel.kind === "dm";
  const title = model.channelTitle(channel);
  const partner = dm && model.partner(channel);
  const face = dm ? avatar(partner, 32, model.isOnline(partner) ? "online" : "offline") : icon("hash", 20);
  const classes = ["channel", dm && "dm", active && "active", unread.unread && !active && "unread"]
    .filter(Boolean)
    .join(" ");
  const button = el(
    "button",
    {
      class: classes,
      type: "button",
      "aria-current": active ? "page" : null,
      data: { testid: "channel", channelId: channel.id, channelName: channel.name, kind: channel.kind },
      on: { click: () => openChannel(channel.id) },
    },
    face,
    el("span", { class: "channel-name" }, title),
    !active && badge(unread.count),
  );
  return el("li", {}, button);
}

// ---- user switch ----------------------------------------------------------

export function renderUserPanel(node, { model, switchUser }) {
  const me = model.me;
  const trigger = el(
    "button",
    {
      class: "user-switch",
      type: "button",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      data: { testid: "user-switch", user: me.name },
    },
    avatar(me, 32, "online"),
    el(
      "span",
      { class: "user-text" },
      el("span", { class: "user-hint" }, "You are:"),
      el("span", { class: "user-name" }, me.display),
    ),
    icon("down", 18),
  );
  trigger.addEventListener("click", async () => {
    const items = model.humans.map((user) => ({
      value: user.name,
      label: user.display,
      description: about(user, model),
      face: () => avatar(user, 32),
      selected: user.name === me.name,
    }));
    const [name] =
      (await openMenu({ anchor: trigger, title: "You are", items, testid: "user-menu", width: 256 })) ?? [];
    if (name && name !== me.name) switchUser(name);
  });
  fill(node, trigger);
}

function about(user, model) {
  const roles = model.rolesOf(user).map((role) => `@${role.name}`);
  if (user.id === String(model.guild.owner_id)) roles.unshift("owner");
  return roles.length ? `${user.name} · ${roles.join(" ")}` : user.name;
}

// ---- header of the conversation -------------------------------------------

export function renderHeader(node, { model, channel, elsewhere, phoneOpen, membersOpen, notices, toggle }) {
  const dm = channel?.kind === "dm";
  const headButton = (name, label, props, ...extra) =>
    el(
      "button",
      { class: "icon-button", type: "button", title: label, "aria-label": label, ...props },
      icon(name, 22),
      ...extra,
    );
  fill(
    node,
    headButton(
      "menu",
      "Channels",
      {
        class: "icon-button only-narrow",
        data: { testid: "open-drawer" },
        on: { click: () => toggle("drawer") },
      },
      elsewhere > 0 && el("span", { class: "dot" }),
    ),
    channel &&
      (dm
        ? avatar(model.partner(channel), 24, model.isOnline(model.partner(channel)) ? "online" : "offline")
        : icon("hash", 24)),
    el(
      "h1",
      { class: "channel-title", data: { testid: "channel-title" } },
      channel ? model.channelTitle(channel) : "No channel",
    ),
    dm && model.partner(channel).bot && appTag(),
    channel?.topic && el("span", { class: "channel-topic", title: channel.topic }, channel.topic),
    el("span", { class: "spacer" }),
    headButton(
      "phone",
      notices > 0 ? `Phone, ${plural(notices, "new notification")}` : "Phone",
      {
        "aria-pressed": String(phoneOpen),
        data: { testid: "open-phone" },
        on: { click: () => toggle("phone") },
      },
      notices > 0 && el("span", { class: "badge", "aria-hidden": "true" }, notices > 99 ? "99+" : notices),
    ),
    headButton("people", "Members", {
      "aria-pressed": String(membersOpen),
      data: { testid: "open-members" },
      on: { click: () => toggle("members") },
    }),
  );
}

/** What stands above the first message. */
export function renderBeginning(node, { model, channel }) {
  if (!channel) return fill(node);
  if (channel.kind === "dm") {
    const partner = model.partner(channel);
    return fill(
      node,
      avatar(partner, 80),
      el("h2", {}, partner.display),
      el(
        "p",
        {},
        "This is the beginning of your direct message history with ",
        el("b", {}, partner.display),
        ".",
      ),
    );
  }
  fill(
    node,
    el("span", { class: "beginning-mark" }, icon("hash", 44)),
    el("h2", {}, `Welcome to #${channel.name}!`),
    el("p", {}, `This is the start of the #${channel.name} channel. `, channel.topic),
  );
}

// ---- members --------------------------------------------------------------

export function renderMembers(node, { model, onContext }) {
  const all = model.everyone;
  const online = all.filter((user) => model.isOnline(user));
  const groups = [];
  const placed = new Set();
  for (const role of model.roles.filter((one) => one.hoist).sort((a, b) => b.position - a.position)) {
    const members = online.filter((user) => !placed.has(user.id) && model.rolesOf(user).includes(role));
    members.forEach((user) => placed.add(user.id));
    groups.push([role.name, members]);
  }
  groups.push(["Online", online.filter((user) => !placed.has(user.id))]);
  groups.push(["Offline", all.filter((user) => !model.isOnline(user))]);
  fill(
    node,
    groups
      .filter(([, members]) => members.length)
      .map(([name, members]) => memberGroup(name, members, { model, onContext })),
  );
}

function memberGroup(name, members, ctx) {
  const { model } = ctx;
  const rows = members.map((user) => {
    const online = model.isOnline(user);
    const color = model.nameColor(user);
    // The role that comes with an app only repeats its name.
    const roles = model
      .rolesOf(user)
      .filter((role) => !role.managed)
      .map((role) => role.name)
      .join(", ");
    const row = el(
      "li",
      {
        class: online ? "member" : "member away",
        title: roles || user.name,
        data: { testid: "member", user: user.name, online },
      },
      avatar(user, 32, online ? "online" : "offline"),
      el(
        "span",
        { class: "member-text" },
        el(
          "span",
          { class: "member-name", data: { user: user.name }, style: color && { "--name": color } },
          user.display,
          user.bot && appTag(),
        ),
        roles && el("span", { class: "member-roles" }, roles),
      ),
    );
    return userApps(row, user, ctx);
  });
  return [el("h2", { class: "section-title" }, `${name} — ${members.length}`), el("ul", {}, rows)];
}
