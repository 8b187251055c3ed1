// What the server reports, made easy to look things up in. Knows the shapes of the
// state, nothing of the document.

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;

export const isEphemeral = (message) => Boolean((message.flags ?? 0) & EPHEMERAL);
export const isLoading = (message) => Boolean((message.flags ?? 0) & LOADING);

/** The message that this one answers: a reply, or what came of pressing something on a message. */
export const answeredId = (message) =>
  message.message_reference?.message_id ?? message.interaction_metadata?.interacted_message_id ?? null;

const asList = (value) => (Array.isArray(value) ? value : Object.values(value ?? {}));

/** A stable hue for ids that bring none: neighbouring ids get colours far apart. */
function hueOf(id) {
  let sum = 7;
  for (const char of String(id)) sum = (sum * 31 + char.codePointAt(0)) % 100_003;
  return (sum * 137) % 360;
}

function toUser(raw) {
  const name = raw.name ?? raw.username ?? "unknown";
  return {
    id: String(raw.id),
    name,
    display: raw.display_name ?? raw.global_name ?? raw.nick ?? name,
    bot: Boolean(raw.bot),
    online: raw.online,
    roles: asList(raw.roles).map((role) => String(role?.id ?? role)),
    hue: raw.hue ?? raw.color_hue ?? hueOf(raw.id),
  };
}

const cssColor = (color) => (color ? `#${color.toString(16).padStart(6, "0")}` : null);

function toRole(raw) {
  return {
    id: String(raw.id),
    name: raw.name,
    color: cssColor(raw.colors?.primary_color ?? raw.color),
    hoist: Boolean(raw.hoist),
    managed: Boolean(raw.managed),
    position: raw.position ?? 0,
  };
}

/** Newer of two snowflakes; they exceed what a number can hold. */
export function isNewer(id, than) {
  return BigInt(id) > BigInt(than ?? 0);
}

export class Model {
  constructor(state) {
    this.change = state.change ?? 0;
    this.guild =
      typeof state.guild === "string"
        ? { id: "guild", name: state.guild }
        : (state.guild ?? { id: "guild", name: "Server" });
    this.roles = asList(state.roles)
      .map(toRole)
      .filter((role) => role.name !== "@everyone");
    const commands = asList(state.commands);
    this.commands = commands.filter((command) => (command.type ?? 1) === 1);
    this.contextCommands = commands.filter((command) => (command.type ?? 1) !== 1);
    this.pending = asList(state.pending);
    this.botOnline = state.bot_online !== false;
    this.channels = asList(state.channels);
    this.notifications = asList(state.notifications);
    this.people = asList(state.users).map(toUser);
    this.usersById = new Map(this.people.map((user) => [user.id, user]));
    if (state.bot?.id) this.#learn({ ...state.bot, bot: true });
    this.#learnAuthors();
    this.me = this.usersById.get(String(state.me?.id)) ?? toUser(state.me ?? { id: "0" });
    // What text rendering depends on besides the message itself: when it changes,
    // messages are drawn again because a mention may now have another name.
    this.names = JSON.stringify([
      this.me,
      [...this.usersById.values()],
      this.roles,
      this.channels.map((c) => [c.id, c.name]),
    ]);
  }

  /** Authors that are not listed as users (the bot, webhooks) still need a name. */
  #learnAuthors() {
    for (const channel of this.channels) {
      for (const message of channel.messages ?? []) if (message.author) this.#learn(message.author);
    }
  }

  #learn(raw) {
    const user = toUser(raw);
    if (!this.usersById.has(user.id)) this.usersById.set(user.id, user);
  }

  get humans() {
    return this.people.filter((user) => !user.bot);
  }

  get everyone() {
    return [...this.usersById.values()];
  }

  get bot() {
    return (
      this.everyone.find((user) => user.bot) ?? {
        id: "0",
        name: "bot",
        display: "Bot",
        bot: true,
        roles: [],
        hue: 235,
      }
    );
  }

  user(id) {
    return this.usersById.get(String(id)) ?? null;
  }

  role(id) {
    return this.roles.find((role) => role.id === String(id)) ?? null;
  }

  channel(id) {
    return this.channels.find((channel) => channel.id === id) ?? null;
  }

  get guildChannels() {
    return this.channels.filter((channel) => channel.kind !== "dm");
  }

  get directMessages() {
    return this.channels.filter((channel) => channel.kind === "dm");
  }

  author(message) {
    return this.user(message.author?.id) ?? toUser(message.author ?? { id: "0" });
  }

  /** The other person of a direct message. */
  partner(channel) {
    const listed = channel.recipients?.[0] ?? channel.recipient;
    if (listed?.id) return this.user(listed.id) ?? toUser(listed);
    return this.everyone.find((user) => user.name === channel.name && user.id !== this.me.id) ?? this.bot;
  }

  channelTitle(channel) {
    return channel.kind === "dm" ? this.partner(channel).display : channel.name;
  }

  rolesOf(user) {
    return this.roles.filter((role) => user.roles.includes(role.id) || user.roles.includes(role.name));
  }

  /** Colour of a name: the highest role that has one. */
  nameColor(user) {
    const coloured = this.rolesOf(user).filter((role) => role.color);
    coloured.sort((a, b) => b.position - a.position);
    return coloured[0]?.color ?? null;
  }

  isOnline(user) {
    return !user.bot || (user.online ?? this.botOnline);
  }

  /** Whether the message pings the current user, by the server's own reckoning of who was mentioned. */
  mentionsMe(message) {
    if (message.mention_everyone) return true;
    if ((message.mentions ?? []).some((user) => String(user.id) === this.me.id)) return true;
    const mine = this.rolesOf(this.me).map((role) => role.id);
    return (message.mention_roles ?? []).some((id) => mine.includes(String(id)));
  }
}
