// What the server reports, made easy to look things up in. Knows the shapes of the
// state, nothing of the document.

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const LAYOUT = 1 << 15;

export const isEphemeral = (message) => Boolean((message.flags ?? 0) & EPHEMERAL);
export const isLoading = (message) => Boolean((message.flags ?? 0) & LOADING);
/** Whether the message is made of components alone (Components V2). */
export const isLayout = (message) => Boolean((message.flags ?? 0) & LAYOUT);

/** The message that this one answers: a reply, or what came of pressing something on a message. */
export const answeredId = (message) =>
  message.message_reference?.message_id ??
  message.interaction_metadata?.interacted_message_id ??
  null;

/** Whether this person wrote the message, or it answers something that they did. */
export const isOwn = (message, me) =>
  [message.author, message.interaction_metadata?.user, message.interaction?.user].some(
    (user) => user && String(user.id) === me.id,
  );

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
    about: raw.bio ?? raw.description ?? "",
    // Null or past: free to speak.
    timedOutUntil: raw.communication_disabled_until ?? null,
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

const THREAD_TYPES = [10, 11, 12];
export const PRIVATE_THREAD = 12;
const DM = 1;

function kindOf(raw) {
  if (raw.kind === "dm" || raw.type === DM) return "dm";
  return raw.kind === "thread" || THREAD_TYPES.includes(raw.type) ? "thread" : "guild";
}

const THREAD_STARTER = 21;

/** A thread begins with the message that it was created from, told by one that refers to it. */
function unwrapped(message) {
  const original = message.type === THREAD_STARTER && message.referenced_message;
  return original ? { ...original, thread: undefined } : message;
}

/** A channel as the page knows it: `kind` is guild, thread or dm. */
function toChannel(raw, guild) {
  const kind = kindOf(raw);
  const guildId = kind === "dm" ? null : String(raw.guild_id ?? guild.id);
  return { ...raw, kind, guildId, messages: (raw.messages ?? []).map(unwrapped) };
}

/** Newer of two snowflakes; they exceed what a number can hold. */
export function isNewer(id, than) {
  return BigInt(id) > BigInt(than ?? 0);
}

/** The servers: `id`, `name`, `owner_id`, `roles`, and `members` by the id of the account. */
function guildsOf(state) {
  const listed = asList(state.guilds);
  const only = typeof state.guild === "string" ? { name: state.guild } : state.guild;
  const guilds = listed.length ? listed : [only ?? {}];
  return guilds.map((guild) => ({
    ...guild,
    id: String(guild.id ?? "guild"),
    name: guild.name ?? "Server",
    roles: asList(guild.roles ?? state.roles)
      .map(toRole)
      .filter((role) => role.name !== "@everyone"),
    members: new Map(asList(guild.members).map((member) => [String(member.user?.id), member])),
  }));
}

export class Model {
  constructor(state) {
    this.change = state.change ?? 0;
    this.guilds = guildsOf(state);
    this.guild = this.guilds[0];
    // The server that roles, members and time-outs are told of: see `stand`.
    this.here = this.guild;
    const commands = asList(state.commands);
    this.commands = commands.filter((command) => (command.type ?? 1) === 1);
    this.contextCommands = commands.filter((command) => (command.type ?? 1) !== 1);
    this.pending = asList(state.pending);
    this.botOnline = state.bot_online !== false;
    this.channels = asList(state.channels).map((raw) => toChannel(raw, this.guild));
    this.notifications = asList(state.notifications);
    this.people = asList(state.users).map(toUser);
    this.usersById = new Map(this.people.map((user) => [user.id, user]));
    if (state.bot?.id) this.#learn({ ...state.bot, bot: true });
    this.#learnAuthors();
    this.me = this.usersById.get(String(state.me?.id)) ?? toUser(state.me ?? { id: "0" });
    // What text rendering depends on besides the message itself: when it changes,
    // messages are drawn again because a mention may now have another name.
    this.stand(null);
  }

  /** Roles, members and time-outs are those of this channel's server from now on. */
  stand(channel) {
    this.here = this.guildOf(channel);
    this.names = JSON.stringify([
      this.me,
      [...this.usersById.values()],
      this.here.id,
      this.roles,
      [...this.here.members.values()],
      this.channels.map((c) => [c.id, c.name]),
    ]);
  }

  get roles() {
    return this.here.roles;
  }

  /** Authors that are not listed as users (the bot, webhooks) still need a name. */
  #learnAuthors() {
    for (const channel of this.channels) {
      for (const message of channel.messages) if (message.author) this.#learn(message.author);
    }
  }

  #learn(raw) {
    const user = toUser(raw);
    if (!this.usersById.has(user.id)) this.usersById.set(user.id, user);
  }

  get humans() {
    return this.people.filter((user) => !user.bot);
  }

  /** The members of the server where one is. */
  get everyone() {
    const { members } = this.here;
    const all = [...this.usersById.values()];
    return members.size ? all.filter((user) => members.has(user.id)) : all;
  }

  get bot() {
    return (
      [...this.usersById.values()].find((user) => user.bot) ?? {
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
    return this.channels.filter((channel) => channel.kind === "guild");
  }

  channelsOf(guildId) {
    return this.guildChannels.filter((channel) => channel.guildId === guildId);
  }

  guildOf(channel) {
    return this.guilds.find((guild) => guild.id === channel?.guildId) ?? this.guild;
  }

  /** Threads below a channel, the newest first. */
  threadsOf(channelId) {
    const threads = this.channels.filter(
      (one) => one.kind === "thread" && String(one.parent_id) === channelId,
    );
    return threads.sort((a, b) => (isNewer(a.id, b.id) ? -1 : 1));
  }

  parentOf(thread) {
    return thread?.kind === "thread" ? this.channel(String(thread.parent_id)) : null;
  }

  /** The commands of bots that are where one is: in the server, or in the direct message. */
  commandsAt(channel, commands = this.commands) {
    const { members } = this.guildOf(channel);
    const isHere = (bot) =>
      channel?.kind === "dm"
        ? this.partner(channel).id === bot.id
        : !members.size || members.has(bot.id);
    return commands.filter((command) => isHere(this.botOf(command)));
  }

  /** The application that registered a command. */
  botOf(command) {
    return this.user(command?.application_id) ?? this.bot;
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
    const named = (user) => user.name === channel.name && user.id !== this.me.id;
    return [...this.usersById.values()].find(named) ?? this.bot;
  }

  channelTitle(channel) {
    return channel.kind === "dm" ? this.partner(channel).display : channel.name;
  }

  rolesOf(user) {
    const own = this.here.members.get(user.id)?.roles.map(String) ?? user.roles;
    return this.roles.filter((role) => own.includes(role.id) || own.includes(role.name));
  }

  /** Colour of a name: the highest role that has one. */
  nameColor(user) {
    const coloured = this.rolesOf(user).filter((role) => role.color);
    coloured.sort((a, b) => b.position - a.position);
    return coloured[0]?.color ?? null;
  }

  /** Until when a member may not speak; null if they may. */
  timedOutUntil(user) {
    const member = this.here.members.get(user.id);
    const until = member ? member.communication_disabled_until : user.timedOutUntil;
    return Date.parse(until ?? "") > Date.now() ? until : null;
  }

  isOnline(user) {
    return !user.bot || (user.online ?? this.botOnline);
  }

  /** Whether the message pings the current user, as the server reckons who was mentioned. */
  mentionsMe(message) {
    if (message.mention_everyone) return true;
    if ((message.mentions ?? []).some((user) => String(user.id) === this.me.id)) return true;
    const mine = this.guilds.flatMap((guild) => guild.members.get(this.me.id)?.roles ?? []);
    const all = [...mine.map(String), ...this.me.roles];
    return (message.mention_roles ?? []).some((id) => all.includes(String(id)));
  }
}
