// Beside the conversation, on the left: the rail of servers, the channels of the one that is open
// or the people one writes with, and the account.

import { avatar, el, fill, icon, initials, plural } from "./dom.js";
import { openMenu } from "./overlay.js";
import { currentTheme, setTheme } from "./theme.js";
import { isArchived } from "./threads.js";
import { PRIVATE_THREAD } from "./model.js";

/** The space of direct messages; any other is a server's id. */
export const DMS = "dms";

const badge = (count) =>
  count > 0 &&
  el(
    "span",
    { class: "badge", "aria-label": plural(count, "unread mention") },
    count > 99 ? "99+" : count,
  );

// ---- rail -----------------------------------------------------------------

export function renderRail(node, { model, space, unreadOf, openSpace }) {
  const sum = (channels) => channels.reduce((total, one) => total + unreadOf(one).count, 0);
  const guilds = model.guilds.map((guild, at) => {
    const inside = model.channels.filter((one) => one.guildId === guild.id);
    return railButton({
      label: guild.name,
      active: space === guild.id,
      count: sum(inside),
      news: inside.some((one) => unreadOf(one).unread),
      face: initials(guild.name),
      testid: at === 0 ? "rail-guild" : `rail-guild-${guild.id}`,
      disabled: !inside.length,
      onClick: () => openSpace(guild.id),
    });
  });
  fill(
    node,
    railButton({
      label: "Direct Messages",
      active: space === DMS,
      count: sum(model.directMessages),
      face: icon("chat", 22),
      testid: "rail-dms",
      disabled: !model.directMessages.length,
      onClick: () => openSpace(DMS),
    }),
    el("div", { class: "rail-line", role: "presentation" }),
    guilds,
  );
}

function railButton({ label, active, count, news, face, testid, disabled, onClick }) {
  const classes = ["rail-button", active && "active", (news || count > 0) && "news"];
  return el(
    "button",
    {
      class: classes.filter(Boolean).join(" "),
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

export function renderTitleBar(node, { model, space }) {
  const guild = model.guilds.find((one) => one.id === space);
  fill(
    node,
    guild ? el("span", { class: "title-face" }, initials(guild.name)) : icon("chat", 16),
    guild?.name ?? "Direct Messages",
  );
}

// ---- channels -------------------------------------------------------------

/** Above the channels: the name of the server, or a field that narrows the conversations down. */
export function renderSpaceName(node, { model, space }) {
  if (space !== DMS) return fill(node, model.guildOf({ guildId: space }).name);
  const field = el("input", {
    class: "find",
    type: "search",
    placeholder: "Find a conversation",
    "aria-label": "Find a conversation",
    data: { testid: "find-conversation" },
  });
  field.addEventListener("input", () => {
    const typed = field.value.trim().toLowerCase();
    for (const row of document.querySelectorAll("#channels li"))
      row.hidden = !row.textContent.toLowerCase().includes(typed);
  });
  fill(node, field);
}

export function renderChannels(node, ctx) {
  fill(node, ctx.space === DMS ? directMessages(ctx) : textChannels(ctx));
}

function textChannels(ctx) {
  const { model, space } = ctx;
  const channels = model.channelsOf(space);
  return [
    el("h2", { class: "section-title" }, "Text Channels"),
    el(
      "ul",
      {},
      channels.map((channel) => {
        const threads = shownThreads(channel, ctx);
        const list = threads.map((thread) => el("li", {}, row(thread, ctx)));
        const label = `Threads of ${channel.name}`;
        return el(
          "li",
          {},
          row(channel, ctx),
          list.length > 0 && el("ul", { class: "channel-threads", "aria-label": label }, list),
        );
      }),
    ),
  ];
}

/** Archived threads are found in the panel of threads; the one that is open always shows. */
const shownThreads = (channel, { model, channel: open }) =>
  model.threadsOf(channel.id).filter((thread) => !isArchived(thread) || thread === open);

function directMessages(ctx) {
  const { model } = ctx;
  return [
    el("h2", { class: "section-title" }, "Direct Messages"),
    model.directMessages.length
      ? el("ul", {}, model.directMessages.map((one) => el("li", {}, row(one, ctx))))
      : el("p", { class: "section-empty" }, "No messages yet"),
  ];
}

function faceOf(channel, model) {
  if (channel.kind === "guild") return icon("hash", 20);
  if (channel.kind === "thread") return channel.type === PRIVATE_THREAD ? icon("lock", 16) : null;
  const partner = model.partner(channel);
  return avatar(partner, 32, model.isOnline(partner) ? "online" : "offline");
}

function row(channel, { model, channel: open, unreadOf, openChannel }) {
  const active = channel.id === open?.id;
  const unread = unreadOf(channel);
  const dm = channel.kind === "dm";
  const state = active ? "active" : unread.unread && "unread";
  const classes = ["channel", channel.kind, state];
  return el(
    "button",
    {
      class: classes.filter(Boolean).join(" "),
      type: "button",
      "aria-current": active ? "page" : null,
      data: {
        testid: "channel",
        channelId: channel.id,
        channelName: channel.name,
        kind: channel.kind,
      },
      on: { click: () => openChannel(channel.id) },
    },
    faceOf(channel, model),
    el(
      "span",
      { class: "channel-name" },
      model.channelTitle(channel),
      dm && preview(channel, model),
    ),
    !active && badge(unread.count),
  );
}

/** What a phone shows of a conversation in the list: its last words, without their marks. */
function preview(channel, model) {
  const last = channel.messages.at(-1);
  if (!last) return null;
  const who = String(last.author?.id) === model.me.id ? "You: " : "";
  const words = last.content || last.embeds?.find((embed) => embed.title)?.title || "…";
  return el("span", { class: "channel-preview" }, who, words.replace(/[*_~`|]{1,3}/g, ""));
}

// ---- account --------------------------------------------------------------

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
    const shown = { anchor: trigger, title: "You are", items, testid: "user-menu", width: 256 };
    const [name] = (await openMenu(shown)) ?? [];
    if (name && name !== me.name) switchUser(name);
  });
  fill(node, trigger, themeSwitch());
}

function themeSwitch() {
  const button = el("button", {
    class: "icon-button",
    type: "button",
    data: { testid: "theme-switch" },
  });
  const draw = () => {
    const light = currentTheme() === "light";
    const label = light ? "Use the dark theme" : "Use the light theme";
    button.title = label;
    button.setAttribute("aria-label", label);
    fill(button, icon(light ? "moon" : "sun", 20));
  };
  button.addEventListener("click", () => {
    setTheme(currentTheme() === "light" ? "dark" : "light");
    draw();
  });
  draw();
  return button;
}

function about(user, model) {
  const roles = model.rolesOf(user).map((role) => `@${role.name}`);
  if (model.guilds.some((guild) => user.id === String(guild.owner_id))) roles.unshift("owner");
  return roles.length ? `${user.name} · ${roles.join(" ")}` : user.name;
}
