// On the right of the conversation: the members of the server, or the profile of whom one writes
// with.

import { userApps } from "./apps.js";
import { appTag, avatar, el, fill, icon, initials } from "./dom.js";
import { timedOutMark } from "./message.js";
import { dayTitle } from "./time.js";

export function renderMembers(node, ctx) {
  const { model, channel } = ctx;
  const dm = channel?.kind === "dm";
  node.classList.toggle("profile", dm);
  node.setAttribute("aria-label", dm ? "User profile" : "Members");
  fill(node, dm ? profile(model.partner(channel), model) : memberGroups(ctx));
}

// ---- members --------------------------------------------------------------

/** By the highest role that is shown apart; then who is online, then the others. */
function memberGroups(ctx) {
  const { model } = ctx;
  const all = model.everyone;
  const online = all.filter((user) => model.isOnline(user));
  const apart = model.roles.filter((role) => role.hoist).sort((a, b) => b.position - a.position);
  const placed = new Set();
  const groups = apart.map((role) => {
    const has = (user) => !placed.has(user.id) && model.rolesOf(user).includes(role);
    const members = online.filter(has);
    for (const user of members) placed.add(user.id);
    return [role.name, members];
  });
  groups.push(["Online", online.filter((user) => !placed.has(user.id))]);
  groups.push(["Offline", all.filter((user) => !model.isOnline(user))]);
  return groups
    .filter(([, members]) => members.length)
    .map(([name, members]) => [
      el("h2", { class: "section-title" }, `${name} — ${members.length}`),
      el("ul", {}, members.map((user) => member(user, ctx))),
    ]);
}

function member(user, ctx) {
  const { model } = ctx;
  const online = model.isOnline(user);
  const color = model.nameColor(user);
  // The role that comes with an app only repeats its name.
  const roles = model.rolesOf(user).filter((role) => !role.managed);
  const named = roles.map((role) => role.name).join(", ");
  const owner = String(model.guildOf(ctx.channel).owner_id) === user.id;
  const row = el(
    "li",
    {
      class: online ? "member" : "member away",
      title: named || user.name,
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
        owner && ownerMark(),
        timedOutMark(model.timedOutUntil(user)),
      ),
      named && el("span", { class: "member-roles" }, named),
    ),
  );
  return userApps(row, user, ctx);
}

function ownerMark() {
  const mark = el(
    "span",
    { role: "img", "aria-label": "Server Owner", title: "Server Owner" },
    icon("crown", 14),
  );
  mark.firstChild.classList.add("owner");
  return mark;
}

// ---- profile --------------------------------------------------------------

const EPOCH_MS = 1_420_070_400_000n;

/** When an account was made: its id says so. */
const createdAt = (id) => new Date(Number((BigInt(id) >> 22n) + EPOCH_MS));

function profile(user, model) {
  const status = model.isOnline(user) ? "online" : "offline";
  const commands = model.commands.filter((command) => model.botOf(command).id === user.id);
  return [
    el("div", { class: "profile-banner", style: { "--hue": user.hue } }),
    el(
      "div",
      { class: "profile-body", data: { testid: "profile", user: user.name } },
      avatar(user, 80, status),
      el("h2", {}, user.display, user.bot && appTag()),
      el("p", { class: "profile-name" }, user.name),
      el(
        "div",
        { class: "profile-card" },
        user.about && [el("h3", {}, "About Me"), el("p", {}, user.about)],
        el("h3", {}, "Created On"),
        el("p", {}, dayTitle(createdAt(user.id))),
        roleList(user, model),
      ),
      commands.length > 0 &&
        el(
          "div",
          { class: "profile-card" },
          el("h3", {}, "Commands"),
          el("ul", {}, commands.map((command) => el("li", {}, `/${command.name}`))),
        ),
      el("div", { class: "profile-card" }, mutual(model, user)),
    ),
  ];
}

function roleList(user, model) {
  const roles = model.rolesOf(user);
  const dot = (role) =>
    el("span", { class: "role-dot", style: { "--role": role.color ?? "#99aab5" } });
  return (
    roles.length > 0 && [
      el("h3", {}, "Roles"),
      el("ul", {}, roles.map((role) => el("li", {}, dot(role), role.name))),
    ]
  );
}

function mutual({ guilds: all }, user) {
  const guilds = all.filter(({ members }) => !members.size || members.has(user.id));
  const face = (guild) => el("span", { class: "guild-dot" }, initials(guild.name));
  return [
    el("h3", {}, `Mutual Servers — ${guilds.length}`),
    el("ul", {}, guilds.map((guild) => el("li", {}, face(guild), guild.name))),
  ];
}
